//! The command `delete`.

use clap::builder::NonEmptyStringValueParser as NonEmpty;
use serde_json::json;
use tenantgate::http::host::HostPattern;

use super::arguments::{Format, GateArguments};
use super::confirm::confirmed;
use super::document::{self, printable};
use super::gate::{Gate, Needs};
use super::index;
use super::output::{JsonList, print};
use super::plan::{MOST_HOSTS, entries, last_change, number};
use super::stored::Stored;
use super::write::{MOST_ATTEMPTS, NOT_WRITTEN, changed, log};
use crate::etcd::{Gateway, Pair, Range, Transaction, Write};

/// The tenants to delete.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    gate: GateArguments,
    /// The names of tenants, whatever their case.
    #[arg(value_name = "NAME", required = true, value_parser = NonEmpty::new())]
    names: Vec<String>,
    /// Delete without asking.
    #[arg(long)]
    yes: bool,
}

/// What there is of a tenant.
struct Found {
    last_change: u64,
    stored: Option<Stored>,
    entries: Vec<Pair>,
    /// The hosts that its document says.
    hosts: Vec<HostPattern>,
    /// Why its hosts come from the index.
    note: Option<String>,
}

impl Arguments {
    pub(super) fn run(self) -> Result<bool, String> {
        let (gate, mut etcd) = Gate::read(&self.gate, Needs::Etcd)?;
        let mut list = (self.gate.format == Format::Json).then(|| JsonList::begin("tenants")).transpose()?;
        let mut problem = None;
        for name in &self.names {
            let shown = printable(name);
            match one(name, self.yes, list.is_none(), &gate, &mut etcd) {
                Ok(hosts) => match &mut list {
                    Some(list) => list.add(&json!({ "name": shown, "deleted": true, "hosts": hosts }))?,
                    None => print(&format!(
                        "{shown}: deleted from {}; no gate serves it any more after about {}",
                        etcd.name(),
                        gate.delay()
                    ))?,
                },
                Err(error) => {
                    problem = Some(format!("{shown}: {error}"));
                    break;
                }
            }
        }
        if let Some(list) = list {
            list.end(&[])?;
        }
        problem.map_or(Ok(true), Err)
    }
}

/// Deletes a tenant. The result is its hosts.
fn one(name: &str, yes: bool, says: bool, gate: &Gate, etcd: &mut Gateway) -> Result<Vec<String>, String> {
    let first = find(name, gate, etcd)?.ok_or_else(|| format!("there is no tenant {:?} in etcd", printable(name)))?;
    let mut hosts: Vec<String> = first
        .entries
        .iter()
        .filter_map(|entry| index::hosts_of(gate.keys(), &entry.key))
        .map(|host| host.to_string())
        .collect();
    hosts.sort();
    if says {
        let text = if hosts.is_empty() { "no host".to_owned() } else { hosts.join(", ") };
        let note = first.note.as_ref().map_or_else(String::new, |note| format!("\n  {note}"));
        print(&format!("{}: has {text}{note}", printable(name)))?;
    }
    if !confirmed(&format!("Delete \"{}\" from {}?", printable(name), etcd.name()), yes)? {
        return Err("not deleted, as you said".to_owned());
    }
    let mut found = first;
    let mut has_begun = false;
    for _ in 0..MOST_ATTEMPTS {
        // More entries than one transaction takes are none of a tenant that this tool has written.
        let rest = found.entries.split_off(found.entries.len().min(MOST_HOSTS));
        let is_written = etcd.write(&transaction(name, &found, gate)).map_err(|failure| match has_begun {
            true => format!("{}; {}", String::from(failure), done(has_begun)),
            false => failure.of_write("whether it is deleted is not known: `tenantgate tenants status` tells"),
        })?;
        has_begun |= is_written;
        if is_written && rest.is_empty() {
            return Ok(hosts);
        }
        // The answer to the write may have been lost, and the next server was asked.
        let Some(again) = find(name, gate, etcd)? else { return Ok(hosts) };
        let problem = changed(found.stored.as_ref(), again.stored.as_ref());
        if let Some(problem) = problem.filter(|_| !is_written) {
            return Err(format!("{problem} since it was read; {}", done(has_begun)));
        }
        found = again;
    }
    Err(format!("others write to the log of changes all the time; {}; try again", done(has_begun)))
}

/// What is done of a tenant that is not deleted.
fn done(has_begun: bool) -> &'static str {
    if has_begun { "a part is deleted" } else { NOT_WRITTEN }
}

/// What there is. `None` if there is nothing.
fn find(name: &str, gate: &Gate, etcd: &mut Gateway) -> Result<Option<Found>, String> {
    let keys = gate.keys();
    let ranges = [last_change(keys), Range::one(&keys.document_of(name))];
    let mut first = etcd.ranges(&ranges)?.into_iter().map(|found| found.pairs.into_iter().next());
    let last_change = number(keys, first.next().flatten().as_ref())?;
    let stored = first.next().flatten().map(|pair| Stored::new(name, pair, gate));
    let opened = stored.as_ref().map(|stored| stored.document.as_ref());
    let (hosts, note) = match opened {
        Some(Ok(opened)) => (document::hosts(&opened.sealed), None),
        Some(Err(error)) => (
            Vec::new(),
            Some(format!("the document cannot be read ({error}), so its hosts are those that the index has for it")),
        ),
        None => (Vec::new(), Some("there is no document, only entries of the index".to_owned())),
    };
    let entries = match note {
        None => entries(&hosts, keys, etcd)?
            .into_iter()
            .filter_map(|(_, entry)| entry)
            .filter(|entry| index::is_of(entry, name))
            .collect(),
        Some(_) => index::entries_of(name, keys, etcd)?,
    };
    let is_there = stored.is_some() || !entries.is_empty();
    Ok(is_there.then_some(Found { last_change, stored, entries, hosts, note }))
}

fn transaction(name: &str, found: &Found, gate: &Gate) -> Transaction {
    let keys = gate.keys();
    let document = keys.document_of(name);
    let mut transaction = Transaction::default();
    transaction.unchanged.push((document.clone(), found.stored.as_ref().map_or(0, |stored| stored.modified)));
    transaction.writes.push(Write::Delete(document));
    for entry in &found.entries {
        transaction.unchanged.push((entry.key.clone(), entry.modified));
        transaction.writes.push(Write::Delete(entry.key.clone()));
    }
    let indexed = found.entries.iter().filter_map(|entry| index::hosts_of(keys, &entry.key));
    let mut hosts: Vec<HostPattern> = found.hosts.iter().cloned().chain(indexed).collect();
    hosts.sort();
    hosts.dedup();
    log(&mut transaction, &name.to_ascii_lowercase(), hosts, found.last_change, keys);
    transaction
}
