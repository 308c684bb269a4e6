//! The command `status`: what a gate makes of the tenants in etcd.

use std::collections::BTreeMap;

use clap::builder::NonEmptyStringValueParser as NonEmpty;
use serde_json::{Value, json};
use tenantgate::http::host::HostPattern;

use super::arguments::{Format, GateArguments};
use super::conflicts;
use super::document::{self, Tenant, printable};
use super::gate::{Gate, Needs};
use super::index;
use super::output::{JsonList, print};
use super::stored::Stored;
use crate::etcd::{Gateway, Pages, Pair};

/// The tenants to look at.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    gate: GateArguments,
    /// The names of tenants, whatever their case; by default all.
    #[arg(value_name = "NAME", value_parser = NonEmpty::new())]
    names: Vec<String>,
}

impl Arguments {
    pub(super) fn run(self) -> Result<bool, String> {
        let (gate, etcd) = Gate::read(&self.gate, Needs::SessionKeys)?;
        let list = (self.gate.format == Format::Json).then(|| JsonList::begin("tenants")).transpose()?;
        let names = self.names.iter().map(|name| name.to_ascii_lowercase()).collect();
        let mut status = Status { gate, etcd, names, revision: 0, list, served: 0, broken: 0, entries: 0 };
        status.documents()?;
        status.index()?;
        status.end()
    }
}

/// What was found so far.
struct Status {
    gate: Gate,
    etcd: Gateway,
    /// Only these tenants, in lower case. All if it is empty.
    names: Vec<String>,
    /// The revision of etcd that is looked at.
    revision: u64,
    list: Option<JsonList>,
    served: usize,
    broken: usize,
    /// Index entries that lead nowhere.
    entries: usize,
}

/// A tenant and what is wrong with it.
struct Judged {
    name: String,
    signed: Option<(String, Option<String>)>,
    /// The hosts that it has, if no other reason takes them all.
    hosts: Vec<HostPattern>,
    problems: Vec<String>,
}

impl Status {
    /// Looks at each document and at the index entries of its hosts.
    fn documents(&mut self) -> Result<(), String> {
        let prefix = self.gate.keys().documents();
        if !self.names.is_empty() {
            let keys: Vec<String> = self.names.iter().map(|name| self.gate.keys().document_of(name)).collect();
            let found = self.etcd.keys(keys.iter().map(String::as_str), 0)?;
            for (name, pair) in self.names.clone().iter().zip(&found) {
                if pair.is_none() {
                    let problems = vec!["there is no such tenant in etcd".to_owned()];
                    self.say(&Judged { name: printable(name), signed: None, hosts: Vec::new(), problems })?;
                }
            }
            return self.page(&prefix, found.into_iter().flatten().collect());
        }
        let mut pages = Pages::new(&prefix, 0);
        while let Some(page) = pages.read(&mut self.etcd)? {
            self.revision = pages.revision();
            self.page(&prefix, page)?;
        }
        Ok(())
    }

    fn page(&mut self, prefix: &str, page: Vec<Pair>) -> Result<(), String> {
        let mut judged = Vec::new();
        for pair in page {
            let key = pair.key.clone();
            let name = key.strip_prefix(prefix).unwrap_or_default();
            let stored = Stored::new(name, pair, &self.gate);
            let problems = judge(name, &stored, &self.gate);
            let opened = stored.document.as_ref().ok();
            judged.push(Judged {
                name: opened.map_or_else(|| printable(name), |opened| document::name(&opened.sealed).to_owned()),
                signed: opened.map(|opened| (opened.signed_at(), stored.kid())),
                hosts: opened.map(|opened| document::hosts(&opened.sealed)).unwrap_or_default(),
                problems,
            });
        }
        // All index entries of the page at once.
        let keys: Vec<String> =
            judged.iter().flat_map(|one| &one.hosts).map(|host| self.gate.keys().host(host)).collect();
        let mut entries = self.etcd.keys(keys.iter().map(String::as_str), self.revision)?.into_iter();
        for mut one in judged {
            for host in &one.hosts {
                match entries.next().flatten() {
                    None => one
                        .problems
                        .push(format!("hosts: \"{host}\" is not in the index, so no gate finds it; {AGAIN}")),
                    Some(entry) if !index::is_of(&entry, &one.name) => one.problems.push(format!(
                        "hosts: \"{host}\" leads to tenant \"{}\" in the index",
                        printable(&index::owner(&entry))
                    )),
                    Some(_) => {}
                }
            }
            self.say(&one)?;
        }
        Ok(())
    }

    /// Looks for index entries that lead to no tenant with the host.
    fn index(&mut self) -> Result<(), String> {
        let mut pages = Pages::new(&self.gate.keys().hosts(), self.revision);
        while let Some(page) = pages.read(&mut self.etcd)? {
            let page: Vec<(String, Pair)> = page
                .into_iter()
                .map(|entry| (index::owner(&entry).to_ascii_lowercase(), entry))
                .filter(|(owner, _)| self.names.is_empty() || self.names.contains(owner))
                .collect();
            let mut owners: BTreeMap<String, Option<Pair>> =
                page.iter().map(|(owner, _)| (owner.clone(), None)).collect();
            let keys: Vec<String> = owners.keys().map(|owner| self.gate.keys().document_of(owner)).collect();
            let found = self.etcd.keys(keys.iter().map(String::as_str), pages.revision())?;
            owners.values_mut().zip(found).for_each(|(document, pair)| *document = pair);
            let tenants: BTreeMap<&String, Option<Option<Tenant>>> = owners
                .iter()
                .map(|(owner, pair)| {
                    let opened = pair.as_ref().map(|pair| self.gate.open(owner, &pair.value).ok());
                    (owner, opened.map(|opened| opened.map(|document| document.tenant)))
                })
                .collect();
            let mut stray = Vec::new();
            for (owner, entry) in &page {
                let hosts = index::hosts_of(self.gate.keys(), &entry.key);
                let shown = hosts.as_ref().map_or_else(|| printable(&entry.key), ToString::to_string);
                let owner_shown = printable(owner);
                match (tenants.get(owner), hosts) {
                    (None | Some(None), _) => stray.push((
                        shown,
                        owner_shown.clone(),
                        format!(
                            "leads to tenant \"{owner_shown}\", which has no document; `tenantgate tenants delete` removes it"
                        ),
                    )),
                    // What a broken document says of its hosts is not known.
                    (Some(Some(None)), _) => {}
                    (Some(Some(Some(tenant))), hosts) => {
                        if !hosts.is_some_and(|hosts| document::hosts(tenant).contains(&hosts)) {
                            let problem = format!("leads to tenant \"{owner_shown}\", which does not have it; {AGAIN}");
                            stray.push((shown, owner_shown, problem));
                        }
                    }
                }
            }
            for (host, owner, problem) in stray {
                self.entries = self.entries.saturating_add(1);
                match &mut self.list {
                    Some(list) => list.add(&json!({ "host": host, "index_of": owner, "problems": [problem] }))?,
                    None => print(&format!("index entry \"{host}\": {problem}"))?,
                }
            }
        }
        Ok(())
    }

    fn say(&mut self, one: &Judged) -> Result<(), String> {
        let is_served = one.problems.is_empty();
        let count = if is_served { &mut self.served } else { &mut self.broken };
        *count = count.saturating_add(1);
        let state = if is_served { "served" } else { "broken" };
        match &mut self.list {
            Some(list) => list.add(&json!({
                "name": one.name,
                "state": state,
                "signed_at": one.signed.as_ref().map(|(at, _)| at),
                "kid": one.signed.as_ref().and_then(|(_, kid)| kid.clone()),
                "hosts": one.hosts.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "problems": one.problems,
            })),
            None => {
                let problems: String = one.problems.iter().map(|problem| format!("\n  {problem}")).collect();
                print(&format!("{}: {state}{problems}", one.name))
            }
        }
    }

    /// Whether nothing is wrong.
    fn end(self) -> Result<bool, String> {
        let Self { served, broken, entries, list, .. } = self;
        match list {
            Some(list) => {
                let members: [(&str, Value); 3] =
                    [("served", served.into()), ("broken", broken.into()), ("stray_entries", entries.into())];
                list.end(&members)?;
            }
            None => {
                let stray =
                    if entries == 0 { String::new() } else { format!(", {entries} index entries lead nowhere") };
                print(&format!("{served} served, {broken} broken{stray}"))?;
            }
        }
        Ok(broken == 0 && entries == 0)
    }
}

/// What a gate has against a document.
pub(super) fn judge(name: &str, stored: &Stored, gate: &Gate) -> Vec<String> {
    let mut problems = Vec::new();
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        problems.push("its key has capital letters, so no gate finds it".to_owned());
    }
    let opened = match &stored.document {
        Ok(opened) => opened,
        Err(error) => {
            let kid = stored.kid().map_or_else(String::new, |kid| format!(" (its `kid` is \"{kid}\")"));
            problems.push(format!("{error}{kid}"));
            return problems;
        }
    };
    for place in document::secrets(&opened.sealed) {
        let secret = document::secret(&opened.sealed, place).unwrap_or(&Value::Null);
        let sealed = secret.get("sealed").and_then(Value::as_str);
        if let (Some(sealed), Some(id)) = (sealed, document::sealed_with(secret))
            && gate.ring().lacks_key_of(sealed.as_bytes())
        {
            problems.push(format!(
                "{place}: is sealed with session key \"{id}\", which `session.keys` does not have; {AGAIN}"
            ));
        }
    }
    if problems.is_empty() {
        let compiled = gate.compile(&opened.sealed);
        problems.extend(compiled.tenant.err().unwrap_or_default());
    }
    let hosts = document::hosts(&opened.sealed);
    for entry in gate.loaded.runtime.entries() {
        let theirs = entry.hosts();
        for host in hosts.iter().filter(|host| theirs.iter().any(|theirs| conflicts::hides(theirs, host))) {
            let name = conflicts::name(entry).map_or("", |name| name.as_str());
            problems.push(format!(
                "hosts: requests for \"{host}\" go to tenant \"{name}\" of {}, which comes first",
                gate.file
            ));
        }
    }
    problems
}

const AGAIN: &str = "write it again with `tenantgate tenants apply`";
