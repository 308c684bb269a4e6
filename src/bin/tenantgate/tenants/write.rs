//! Writes a tenant in one transaction.

use tenantgate::http::host::HostPattern;
use tenantgate::tenant_documents::{Change as LogEntry, DocumentKeys, TenantDocument, seal_secrets};

use super::gate::Gate;
use super::key::DocumentKey;
use super::plan::{Change, Plan, Wanted};
use super::stored::Stored;
use crate::etcd::{Failure, Gateway, Transaction, Write};
use crate::machine::with_env_of_envoy;

/// Writes what is planned. If somebody else has written since it was read, nothing is written, and
/// the error says so. If only the number of the log was taken, the plan is made again.
pub(super) fn write(
    wanted: &Wanted,
    mut plan: Plan,
    key: &DocumentKey,
    gate: &Gate,
    etcd: &mut Gateway,
) -> Result<(), String> {
    let document = signed(wanted, key, gate)?;
    for _ in 0..MOST_ATTEMPTS {
        let transaction = transaction(wanted, &plan, &document, gate.keys());
        match etcd.write(&transaction) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(Failure::TooLong) => return Err("it is too long for etcd; take hosts or text out".to_owned()),
            Err(failure) => {
                return Err(failure.of_write("whether it is written is not known: `tenantgate tenants diff` tells"));
            }
        }
        let again = Plan::new(wanted, Some(key), gate, etcd).map_err(|problem| format!("{problem}; {NOT_WRITTEN}"))?;
        // The answer to the write may have been lost, and the next server was asked.
        if again.stored.as_ref().is_some_and(|stored| stored.value == document.as_bytes()) {
            return Ok(());
        }
        if let Some(problem) = changed(plan.stored.as_ref(), again.stored.as_ref()) {
            return Err(format!("{problem} since it was read; {NOT_WRITTEN}; look at the difference again"));
        }
        if again.change == Change::None {
            return Ok(());
        }
        plan = again;
    }
    Err(format!("others write to the log of changes all the time; {NOT_WRITTEN}; try again"))
}

/// The signed document with sealed secrets.
fn signed(wanted: &Wanted, key: &DocumentKey, gate: &Gate) -> Result<String, String> {
    let mut tenant = wanted.tenant.clone();
    with_env_of_envoy(|env| seal_secrets(&mut tenant, &wanted.name, gate.ring(), env))
        .map_err(|error| format!("the secrets cannot be sealed: {error}"))?;
    let document = key.sign(tenant)?;
    if document.len() > TenantDocument::MAX_LENGTH {
        return Err(format!(
            "the document has {} bytes, and gates read at most {}; take rules or texts out",
            document.len(),
            TenantDocument::MAX_LENGTH
        ));
    }
    // What a gate would not take is not written.
    gate.open(&wanted.name, document.as_bytes())
        .map_err(|error| format!("no gate would take the document: {error}"))?;
    Ok(document)
}

fn transaction(wanted: &Wanted, plan: &Plan, document: &str, keys: DocumentKeys<'_>) -> Transaction {
    let key = keys.document_of(&wanted.name);
    let mut transaction = Transaction::default();
    transaction.unchanged.push((key.clone(), plan.stored.as_ref().map_or(0, |stored| stored.modified)));
    transaction.writes.push(Write::Put(key, document.into()));
    for (host, entry) in &plan.hosts {
        let key = keys.host(host);
        transaction.unchanged.push((key.clone(), entry.as_ref().map_or(0, |entry| entry.modified)));
        if entry.as_ref().is_none_or(|entry| entry.value != wanted.name.as_bytes()) {
            transaction.writes.push(Write::Put(key, wanted.name.clone().into()));
        }
    }
    for entry in &plan.gone {
        transaction.unchanged.push((entry.key.clone(), entry.modified));
        transaction.writes.push(Write::Delete(entry.key.clone()));
    }
    log(&mut transaction, &wanted.name, plan.concerned.clone(), plan.last_change, keys);
    transaction
}

/// Adds the next entry of the log, and removes old ones.
pub(super) fn log(
    transaction: &mut Transaction,
    tenant: &str,
    hosts: Vec<HostPattern>,
    last: u64,
    keys: DocumentKeys<'_>,
) {
    let next = last.saturating_add(1);
    let key = keys.change(next);
    transaction.unchanged.push((key.clone(), 0));
    // By the id gates notice that etcd was emptied. Without random bytes it is empty.
    let random = with_env_of_envoy(|env| env.random().map(u64::from_be_bytes));
    let id = random.map(|random| format!("{random:016x}")).unwrap_or_default();
    let entry = LogEntry { id, tenant: tenant.to_owned(), hosts };
    transaction.writes.push(Write::Put(key, entry.write().into_bytes()));
    if let Some(first) = next.checked_sub(KEPT_CHANGES).filter(|first| *first > 0) {
        transaction.writes.push(Write::DeleteRange(keys.changes(), keys.change(first.saturating_add(1))));
    }
}

/// What somebody else has done to a document.
pub(super) fn changed(before: Option<&Stored>, now: Option<&Stored>) -> Option<String> {
    match (before, now) {
        (None, None) => None,
        (Some(_), None) => Some("another writer has deleted it".to_owned()),
        (Some(before), Some(now)) if before.modified == now.modified => None,
        (_, Some(now)) => {
            let by = now.kid().map_or_else(String::new, |kid| format!(", with a document signed by \"{kid}\""));
            Some(format!("another writer has written it{by}"))
        }
    }
}

pub(super) const NOT_WRITTEN: &str = "nothing was written";
/// The entries of the log that are kept.
const KEPT_CHANGES: u64 = 1000;
/// The most attempts while others take the numbers of the log. Of ten who write all the time, one
/// is first in each round, so each of them comes to it.
pub(super) const MOST_ATTEMPTS: usize = 100;
