//! Finds the tenant of a host: the index entry, then the document.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::cache::Moment;
use super::held::{FoundTenant, has_host};
use super::source::{CompiledTenant, DocumentSource};
use super::step::Next;
use super::wait::LookupWait;
use crate::base::event::{Event, Level, LogLine};
use crate::env::Env;
use crate::etcd::{Answer, EtcdError, Operation, Range};
use crate::http::host::Host;
use crate::runtime::tenant_table::{BrokenTenant, TenantEntry};
use crate::tenant::TenantName;
use crate::tenant_documents::DocumentError;

/// A lookup in progress.
pub(crate) struct Lookup {
    source: Arc<DocumentSource>,
    host: Host,
    has_ended: Arc<AtomicBool>,
    /// The name of the tenant, and when the index has said it.
    indexed: Option<(String, Moment)>,
    /// The domain of the wildcard that the index entry is for.
    wildcard: Option<String>,
    /// How often this VM had forgotten everything when the lookup began to read.
    cleared: u64,
    /// Whether the document has changed while it was read, which is tried once more.
    is_again: bool,
}

impl Lookup {
    /// Waits for the lookup of this host. `None` if etcd cannot be asked at this moment. The work
    /// has to begin, unless it is in progress.
    pub(crate) fn begin(
        source: &Arc<DocumentSource>,
        host: &Host,
        env: &Env<'_>,
    ) -> Option<(LookupWait, Option<(Self, Operation)>)> {
        let now = env.now().ok()?;
        let (has_ended, is_new) = source.with_cache(|cache| {
            let hint = source.hint(cache, host, now, env);
            cache.look_up(host, &hint, now)
        })??;
        let wait = LookupWait::new(has_ended.clone(), now);
        if !is_new {
            return Some((wait, None));
        }
        let (source, host) = (source.clone(), host.clone());
        let lookup = Self { source, host, has_ended, indexed: None, wildcard: None, cleared: 0, is_again: false };
        Some((wait, Some(lookup.read_index())))
    }

    /// Reads the index entries that the host can have, and the end of the log at that moment. From
    /// the last known change on, etcd reads a key or two; for the last one of all it reads the log.
    fn read_index(mut self) -> (Self, Operation) {
        let known = self.source.with_cache(|cache| (cache.cleared(), cache.number()));
        let (cleared, number) = known.unwrap_or_default();
        self.cleared = cleared;
        let keys = self.source.keys();
        let end = match number {
            Some(number) => {
                let (from, below) = (keys.change(number).into_bytes(), Range::below(&keys.changes()));
                Range { from, limit: MOST_CHANGES, keys_only: true, ..below }
            }
            None => Range::last_below(&keys.changes()),
        };
        let entries = keys.candidates(&self.host).into_iter().map(|(key, _)| Range::of(&key));
        (self, Operation::Read(std::iter::once(end).chain(entries).collect()))
    }

    /// Takes an answer.
    pub(super) fn answered(mut self, result: Result<Answer, EtcdError>, env: &mut Env<'_>) -> Next<Self> {
        let answer = match result {
            Ok(answer) => answer,
            Err(EtcdError::TooLong) if self.indexed.is_some() => {
                let (name, since) = self.indexed.take().unwrap_or_default();
                return self.found(refused(&name, DocumentError::TooLong), since, env);
            }
            Err(error) => {
                let cluster = self.source.cluster().to_owned();
                let host = self.host.to_string();
                let reason = format!("the tenant of {host} was not read from etcd (cluster \"{cluster}\"): {error}");
                return self.away(vec![LogLine::new(Level::Debug, Event::StoreFailed, None, &reason)], env);
            }
        };
        match self.indexed.take() {
            None => self.index(&answer, env),
            Some((name, since)) => self.document(&answer, &name, since, env),
        }
    }

    fn index(mut self, answer: &Answer, env: &mut Env<'_>) -> Next<Self> {
        let keys = self.source.keys();
        let number = answer.pairs.iter().filter_map(|pair| keys.number(&pair.key)).max().unwrap_or_default();
        let since = Moment { number, cluster: answer.cluster, cleared: self.cleared };
        let entry = keys.candidates(&self.host).into_iter().find_map(|(key, wildcard)| {
            let pair = answer.pairs.iter().find(|pair| pair.key == key)?;
            Some((tenant_name(&pair.value), wildcard))
        });
        let (name, wildcard) = entry.unwrap_or_default();
        self.wildcard = wildcard;
        let Some(name) = name else { return self.found(FoundAndLog::default(), since, env) };
        // Another host of the tenant may have been found before.
        let known = self.source.with_cache(|cache| cache.tenant(&name)).flatten();
        if let Some(known) = known.filter(|known| has_host(&known.entry, &self.host)) {
            return self.found((Some(known), Vec::new()), since, env);
        }
        let operation = Operation::Range(Range::of(&keys.document_of(&name)));
        self.indexed = Some((name, since));
        Next::Operate(self, operation)
    }

    fn document(self, answer: &Answer, name: &str, since: Moment, env: &mut Env<'_>) -> Next<Self> {
        let found = answer.pairs.first().map(|pair| self.tenant(name, &pair.value, env));
        self.found(found.unwrap_or_default(), since, env)
    }

    /// Ends the lookup with a tenant or none, unless that has changed since it was read.
    fn found(mut self, (tenant, log): FoundAndLog, since: Moment, env: &Env<'_>) -> Next<Self> {
        let now = env.now().unwrap_or_default();
        let is_kept = self.source.with_cache(|cache| match &tenant {
            Some(tenant) => cache.keep(&self.host, self.wildcard.as_deref(), tenant, since, now),
            None => cache.keep_absent(&self.host, self.wildcard.as_deref(), since, now),
        });
        if is_kept == Some(true) {
            return self.end(log);
        }
        if self.is_again {
            return self.away(log, env);
        }
        self.is_again = true;
        let (lookup, operation) = self.read_index();
        Next::Operate(lookup, operation)
    }

    /// Ends the lookup without an answer.
    fn away(self, log: Vec<LogLine>, env: &Env<'_>) -> Next<Self> {
        let now = env.now().unwrap_or_default();
        self.source.with_cache(|cache| cache.keep_away(&self.host, now));
        self.end(log)
    }

    fn end(self, log: Vec<LogLine>) -> Next<Self> {
        self.has_ended.store(true, Ordering::Relaxed);
        Next::End(log)
    }

    /// The tenant of a document, and what the log says about it. `None` if the document does not
    /// have the host. A document with mistakes is that of a broken tenant.
    fn tenant(&self, name: &str, value: &[u8], env: &mut Env<'_>) -> FoundAndLog {
        let found = |entry| Some(Arc::new(FoundTenant { name: name.to_owned(), entry }));
        let line = |tenant: Option<&TenantName>, reason: &str| mistake(name, tenant, reason);
        let document = match self.source.open(name, value, env) {
            Ok(document) => document,
            Err(error) => return refused(name, error),
        };
        let CompiledTenant { name: own, hosts, tenant } = self.source.compile(&document.tenant, env);
        if !hosts.iter().any(|pattern| pattern.matches(&self.host)) {
            let reason = format!("it does not have the host {}, which the index has for it", self.host);
            return (None, vec![line(own.as_ref(), &reason)]);
        }
        match tenant {
            Ok(tenant) => {
                let entry = TenantEntry::found(tenant, self.source.ring(), env);
                let text = format!("tenant={name}: the tenant was read from etcd");
                let log = LogLine::with_text(Level::Debug, Event::TenantFound, own.as_ref(), text);
                (found(entry), vec![log])
            }
            Err(mistakes) => {
                let line = |mistake: &String| {
                    let text = format!("a document in etcd: {mistake}");
                    LogLine::with_text(Level::Error, Event::TenantConfigError, own.as_ref(), text)
                };
                let log = mistakes.iter().map(line).collect();
                let broken = BrokenTenant { name: own, hosts: hosts.to_vec(), ..BrokenTenant::default() };
                (found(TenantEntry::Broken(Arc::new(broken))), log)
            }
        }
    }
}

/// The name of a tenant in the index, in lower case. `None` if it is none.
#[expect(clippy::disallowed_methods, reason = "the operator names tenants in etcd")]
fn tenant_name(value: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(value).ok()?;
    TenantName::parse(name).map(|_| name.to_ascii_lowercase())
}

/// The tenant that was found, and lines for the log about it.
type FoundAndLog = (Option<Arc<FoundTenant>>, Vec<LogLine>);

/// The broken tenant of a value that is not a document.
fn refused(name: &str, error: DocumentError) -> FoundAndLog {
    let entry = TenantEntry::Broken(Arc::default());
    let tenant = FoundTenant { name: name.to_owned(), entry };
    (Some(Arc::new(tenant)), vec![mistake(name, None, &error.to_string())])
}

/// The line about a document with a mistake. Only the `tenant` of a signed document has a counter.
fn mistake(name: &str, tenant: Option<&TenantName>, reason: &str) -> LogLine {
    let text = format!("the document of tenant {name:?} in etcd: {reason}");
    LogLine::with_text(Level::Error, Event::TenantConfigError, tenant, text)
}

/// The most changes that a lookup looks beyond. If there are more, it counts as made before them.
const MOST_CHANGES: u32 = 100;
