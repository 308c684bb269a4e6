//! The command `list`.

use serde_json::json;

use super::arguments::{Format, GateArguments};
use super::document::{self, printable};
use super::gate::{Gate, Needs};
use super::output::{JsonList, print};
use super::status::judge;
use super::stored::Stored;
use crate::etcd::Pages;

/// Whose tenants to print.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    gate: GateArguments,
}

impl Arguments {
    pub(super) fn run(self) -> Result<bool, String> {
        let (gate, mut etcd) = Gate::read(&self.gate, Needs::SessionKeys)?;
        let mut list = (self.gate.format == Format::Json).then(|| JsonList::begin("tenants")).transpose()?;
        let mut count = 0_usize;
        let prefix = gate.keys().documents();
        let mut pages = Pages::new(&prefix, 0);
        while let Some(page) = pages.read(&mut etcd)? {
            for pair in page {
                let key = pair.key.clone();
                let name = key.strip_prefix(&prefix).unwrap_or_default();
                let row = Row::new(name, &Stored::new(name, pair, &gate), &gate);
                match &mut list {
                    Some(list) => list.add(&row.json())?,
                    None if count == 0 => print(&format!("{}\n{}", Row::head(), row.text()))?,
                    None => print(&row.text())?,
                }
                count = count.saturating_add(1);
            }
        }
        match list {
            Some(list) => list.end(&[("count", count.into())])?,
            None if count == 0 => print(&format!("no tenant in {}", etcd.name()))?,
            None => {}
        }
        Ok(true)
    }
}

/// A line of the table.
struct Row {
    name: String,
    state: &'static str,
    signed_at: String,
    issuer: String,
    hosts: Vec<String>,
}

impl Row {
    fn new(name: &str, stored: &Stored, gate: &Gate) -> Self {
        let state = if judge(name, stored, gate).is_empty() { "served" } else { "broken" };
        match &stored.document {
            Ok(opened) => Self {
                name: document::name(&opened.sealed).to_owned(),
                state,
                signed_at: opened.signed_at(),
                issuer: document::issuer(&opened.sealed).to_owned(),
                hosts: document::hosts(&opened.sealed).iter().map(ToString::to_string).collect(),
            },
            Err(_) => Self {
                name: printable(name),
                state,
                signed_at: String::new(),
                issuer: String::new(),
                hosts: Vec::new(),
            },
        }
    }

    fn head() -> String {
        line("NAME", "STATE", "SIGNED AT", "ISSUER", "HOSTS")
    }

    fn text(&self) -> String {
        let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        line(&self.name, self.state, &dash(&self.signed_at), &dash(&self.issuer), &dash(&self.hosts.join(" ")))
    }

    fn json(&self) -> serde_json::Value {
        let Self { name, state, signed_at, issuer, hosts } = self;
        json!({ "name": name, "state": state, "signed_at": signed_at, "issuer": issuer, "hosts": hosts })
    }
}

/// The widths are fixed, since the rows come page by page.
fn line(name: &str, state: &str, signed_at: &str, issuer: &str, hosts: &str) -> String {
    format!("{name:<24}  {state:<6}  {signed_at:<20}  {issuer:<40}  {hosts}")
}
