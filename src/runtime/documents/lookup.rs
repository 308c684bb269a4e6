//! Finds the tenant of a host: the index entry, then the document.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::cache::FoundTenant;
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
    /// The name of the tenant and the last number of the log, once the index has said them.
    indexed: Option<(String, u64)>,
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
        let (has_ended, is_new) = source.with_cache(|cache| cache.look_up(host, now))??;
        let wait = LookupWait::new(has_ended.clone(), now);
        if !is_new {
            return Some((wait, None));
        }
        let lookup = Self { source: source.clone(), host: host.clone(), has_ended, indexed: None, is_again: false };
        let operation = lookup.read_index();
        Some((wait, Some((lookup, operation))))
    }

    /// Reads the index entries that the host can have, and the end of the log at that moment.
    fn read_index(&self) -> Operation {
        let keys = self.source.keys();
        let entries = keys.candidates(&self.host).into_iter().map(|key| Range::of(&key));
        Operation::Read(std::iter::once(Range::last_below(&keys.changes())).chain(entries).collect())
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
                return self.end(Some(true), vec![LogLine::new(Level::Debug, Event::StoreFailed, None, &reason)], env);
            }
        };
        match self.indexed.take() {
            None => self.index(&answer, env),
            Some((name, since)) => self.document(&answer, &name, since, env),
        }
    }

    fn index(mut self, answer: &Answer, env: &mut Env<'_>) -> Next<Self> {
        let keys = self.source.keys();
        let since = answer.pairs.iter().find_map(|pair| keys.number(&pair.key)).unwrap_or_default();
        let candidates = keys.candidates(&self.host);
        let entry = candidates.iter().find_map(|key| answer.pairs.iter().find(|pair| pair.key == *key));
        let name = entry.and_then(|pair| std::str::from_utf8(&pair.value).ok());
        let Some(name) = name.map(str::to_ascii_lowercase) else { return self.end(Some(false), Vec::new(), env) };
        // Another host of the tenant may have been found before.
        let known = self.source.with_cache(|cache| cache.tenant(&name)).flatten();
        if let Some(known) = known
            && self.belongs_to(&known.entry)
            && self.source.with_cache(|cache| cache.keep(&self.host, &known, since)).unwrap_or(false)
        {
            return self.end(None, Vec::new(), env);
        }
        let operation = Operation::Range(Range::of(&keys.document_of(&name)));
        self.indexed = Some((name, since));
        Next::Operate(self, operation)
    }

    fn document(self, answer: &Answer, name: &str, since: u64, env: &mut Env<'_>) -> Next<Self> {
        let found = answer.pairs.first().map(|pair| self.tenant(name, &pair.value, env));
        self.found(found.unwrap_or_default(), since, env)
    }

    fn found(mut self, (tenant, log): FoundAndLog, since: u64, env: &Env<'_>) -> Next<Self> {
        let Some(tenant) = tenant else { return self.end(Some(false), log, env) };
        if self.source.with_cache(|cache| cache.keep(&self.host, &tenant, since)).unwrap_or(false) {
            return self.end(None, log, env);
        }
        if self.is_again {
            return self.end(Some(true), log, env);
        }
        self.is_again = true;
        let operation = self.read_index();
        Next::Operate(self, operation)
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
                let broken = BrokenTenant { name: own, hosts, ..BrokenTenant::default() };
                (found(TenantEntry::Broken(Arc::new(broken))), log)
            }
        }
    }

    fn belongs_to(&self, entry: &TenantEntry) -> bool {
        entry.hosts().iter().any(|pattern| pattern.matches(&self.host))
    }

    /// Ends the lookup. `without` is whether etcd did not say, or else that the host has no tenant;
    /// `None` if it has one.
    fn end(self, without: Option<bool>, log: Vec<LogLine>, env: &Env<'_>) -> Next<Self> {
        if let Some(is_away) = without {
            let now = env.now().unwrap_or_default();
            self.source.with_cache(|cache| cache.keep_without(&self.host, is_away, now));
        }
        self.has_ended.store(true, Ordering::Relaxed);
        Next::End(log)
    }
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
