//! What writing a tenant changes.

use std::sync::Arc;

use serde_json::Value;
use tenantgate::http::host::HostPattern;
use tenantgate::tenant::Tenant as Model;
use tenantgate::tenant_documents::DocumentKeys;

use super::conflicts;
use super::diff::diff;
use super::document::{self, SEALED, Tenant};
use super::gate::Gate;
use super::index;
use super::key::DocumentKey;
use super::stored::{Opened, Stored};
use super::text::{stands_for, yaml};
use crate::etcd::{Gateway, Pair, Range, Transaction};

/// A tenant that is to be written, and what the gates make of it.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) hosts: Vec<HostPattern>,
    /// With its secrets.
    pub(super) tenant: Tenant,
    pub(super) model: Arc<Model>,
}

/// What was read of a tenant, at one moment, and what is to be done.
pub(super) struct Plan {
    pub(super) stored: Option<Stored>,
    /// The index entries of the hosts that it will have.
    pub(super) hosts: Vec<(HostPattern, Option<Pair>)>,
    /// The index entries of hosts that it has and will not have.
    pub(super) gone: Vec<Pair>,
    /// The hosts that it has or will have.
    pub(super) concerned: Vec<HostPattern>,
    /// The number of the last entry of the log.
    pub(super) last_change: u64,
    pub(super) change: Change,
}

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// The tenant is new. The lines are all of it.
    Create(Vec<String>),
    /// These lines differ.
    Replace(Vec<String>),
    /// Only keys change, or entries of the index. The texts say what.
    Renew(Vec<String>),
}

impl Wanted {
    /// The tenant as the gates will have it. The errors are its mistakes.
    pub(super) fn new(tenant: Tenant, gate: &Gate) -> Result<Self, String> {
        let compiled = gate.compile(&tenant);
        let name = document::name(&tenant).to_owned();
        let hosts = compiled.hosts.to_vec();
        conflicts::of_file(&hosts, document::cookie_domain(&tenant).as_ref(), gate)
            .map_err(|problem| format!("tenant \"{name}\": {problem}"))?;
        let model = compiled.tenant.map_err(|mistakes| mistakes.join("\n"))?;
        if hosts.len() > MOST_HOSTS {
            return Err(format!(
                "tenant \"{name}\": hosts: has {} hosts, and etcd writes at most {MOST_HOSTS} at once; use a wildcard \
                 (`*.acme.example`), or make two tenants of it",
                hosts.len()
            ));
        }
        let labels = |host: &&HostPattern| host.to_string().split('.').count() > DocumentKeys::MAX_LABELS;
        if let Some(host) = hosts.iter().find(labels) {
            return Err(format!(
                "tenant \"{name}\": hosts: \"{host}\" has more than {} labels, and gates look for no such host in etcd",
                DocumentKeys::MAX_LABELS
            ));
        }
        Ok(Self { name, hosts: hosts.to_vec(), tenant, model })
    }
}

impl Plan {
    /// Reads what is in etcd, and compares. The error is a reason not to write this tenant.
    pub(super) fn new(
        wanted: &Wanted,
        key: Option<&DocumentKey>,
        gate: &Gate,
        etcd: &mut Gateway,
    ) -> Result<Self, String> {
        let keys = gate.keys();
        // The log comes first: whatever somebody else writes after it takes its next number.
        let mut ranges = vec![last_change(keys), Range::one(&keys.document_of(&wanted.name))];
        ranges.extend(wanted.hosts.iter().map(|host| Range::one(&keys.host(host))));
        let mut found = etcd.ranges(&ranges)?.into_iter().map(|found| found.pairs.into_iter().next());
        let last_change = number(keys, found.next().flatten().as_ref())?;
        let stored = found.next().flatten().map(|pair| Stored::new(&wanted.name, pair, gate));
        let hosts: Vec<(HostPattern, Option<Pair>)> = wanted.hosts.iter().cloned().zip(found).collect();
        conflicts::refuse(wanted, &hosts, gate, etcd)?;
        let gone = gone(wanted, stored.as_ref(), keys, etcd)?;
        let concerned = concerned(wanted, stored.as_ref(), &gone, keys);
        if concerned.len().max(hosts.len().saturating_add(gone.len())) > MOST_HOSTS {
            return Err(format!(
                "{} hosts stay, come or go, and etcd writes at most {MOST_HOSTS} at once; make the change in two steps, \
                 or delete the tenant first",
                concerned.len()
            ));
        }
        let mut plan = Self { stored, hosts, gone, concerned, last_change, change: Change::None };
        plan.change = plan.compared(wanted, key, gate);
        Ok(plan)
    }

    fn compared(&self, wanted: &Wanted, key: Option<&DocumentKey>, gate: &Gate) -> Change {
        let Some(stored) = &self.stored else { return Change::Create(yaml(&document::shown(&wanted.tenant))) };
        let opened = match &stored.document {
            Ok(opened) => opened,
            Err(problem) => {
                let old = vec![format!("# what is there is no document of this tenant: {problem}")];
                return Change::Replace(diff(&old, &yaml(&document::shown(&wanted.tenant))));
            }
        };
        if opened.tenant != wanted.tenant {
            return Change::Replace(diff(&yaml(&document::shown(&opened.tenant)), &yaml(&marked(wanted, opened))));
        }
        let mut reasons = Vec::new();
        for place in document::secrets(&opened.sealed) {
            let id = document::secret(&opened.sealed, place).and_then(document::sealed_with);
            if id != gate.sealing_key() {
                let id = id.unwrap_or("none");
                reasons.push(format!("{place} is sealed with session key \"{id}\", which is not the first one"));
            }
        }
        if let Some(key) = key
            && !key.has_signed(&wanted.name, &stored.value)
        {
            reasons.push(format!("it is signed with another key than \"{}\"", key.kid()));
        }
        if let Some((host, _)) = self.hosts.iter().find(|(_, entry)| entry.is_none()) {
            reasons.push(format!("the index has no entry for \"{host}\""));
        }
        if reasons.is_empty() { Change::None } else { Change::Renew(reasons) }
    }
}

/// The last entry of the log.
pub(super) fn last_change(keys: DocumentKeys<'_>) -> Range {
    Range { limit: 1, is_descending: true, ..Range::below(&keys.changes()) }
}

/// The number of this entry of the log. 0 without one.
pub(super) fn number(keys: DocumentKeys<'_>, change: Option<&Pair>) -> Result<u64, String> {
    let Some(pair) = change else { return Ok(0) };
    keys.number(&pair.key).ok_or_else(|| {
        format!(
            "etcd: the key \"{}\" is no entry of the log of changes, and stands behind all of them; delete it",
            document::printable(&pair.key)
        )
    })
}

/// The index entries of hosts.
pub(super) fn entries(
    hosts: &[HostPattern],
    keys: DocumentKeys<'_>,
    etcd: &mut Gateway,
) -> Result<Vec<(HostPattern, Option<Pair>)>, String> {
    let names: Vec<String> = hosts.iter().map(|host| keys.host(host)).collect();
    let found = etcd.keys(names.iter().map(String::as_str), 0)?;
    Ok(hosts.iter().cloned().zip(found).collect())
}

/// The index entries of the hosts that the tenant has in etcd, and will not have.
fn gone(
    wanted: &Wanted,
    stored: Option<&Stored>,
    keys: DocumentKeys<'_>,
    etcd: &mut Gateway,
) -> Result<Vec<Pair>, String> {
    let kept: Vec<String> = wanted.hosts.iter().map(|host| keys.host(host)).collect();
    let entries = match stored.map(|stored| &stored.document) {
        None => Vec::new(),
        Some(Ok(opened)) => {
            let had = entries(&document::hosts(&opened.tenant), keys, etcd)?;
            had.into_iter().filter_map(|(_, entry)| entry).filter(|entry| index::is_of(entry, &wanted.name)).collect()
        }
        // What it says of its hosts does not count.
        Some(Err(_)) => index::entries_of(&wanted.name, keys, etcd)?,
    };
    Ok(entries.into_iter().filter(|entry| !kept.contains(&entry.key)).collect())
}

/// The hosts that the tenant has or will have, each once.
fn concerned(wanted: &Wanted, stored: Option<&Stored>, gone: &[Pair], keys: DocumentKeys<'_>) -> Vec<HostPattern> {
    let had = stored.and_then(|stored| stored.document.as_ref().ok());
    let had = had.map(|opened| document::hosts(&opened.tenant)).unwrap_or_default();
    let gone = gone.iter().filter_map(|entry| index::hosts_of(keys, &entry.key));
    let mut hosts: Vec<HostPattern> = wanted.hosts.iter().cloned().chain(had).chain(gone).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// The tenant that is wanted without its secrets. Those that change say so.
fn marked(wanted: &Wanted, opened: &Opened) -> Tenant {
    let mut shown = document::shown(&wanted.tenant);
    for place in document::secrets(&wanted.tenant) {
        let (new, old) = (document::secret(&wanted.tenant, place), document::secret(&opened.tenant, place));
        let note = match old {
            _ if old == new => continue,
            None => continue,
            Some(Value::String(_)) => "changed",
            Some(_) => "changed, or the old one does not open with `session.keys`",
        };
        if let Some(secret) = document::secret_mut(&mut shown, place) {
            *secret = stands_for(&format!("{SEALED} # {note}"));
        }
    }
    shown
}

/// The most hosts that come, stay or go with one write. The document and two writes to the log take
/// the rest.
pub(super) const MOST_HOSTS: usize = Transaction::LIMIT - 3;
