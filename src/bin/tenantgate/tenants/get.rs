//! The command `get`.

use clap::builder::NonEmptyStringValueParser as NonEmpty;
use serde_json::{Value, json};

use super::arguments::{Format, GateArguments};
use super::document;
use super::gate::{Gate, Needs};
use super::output::{JsonList, print};
use super::stored::Stored;
use super::text::yaml;

/// The tenants to print.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    gate: GateArguments,
    /// The names of tenants, whatever their case.
    #[arg(value_name = "NAME", required = true, value_parser = NonEmpty::new())]
    names: Vec<String>,
}

impl Arguments {
    pub(super) fn run(self) -> Result<bool, String> {
        let (gate, mut etcd) = Gate::read(&self.gate, Needs::Etcd)?;
        let mut list = (self.gate.format == Format::Json).then(|| JsonList::begin("tenants")).transpose()?;
        let mut problems = Vec::new();
        for name in &self.names {
            let pair = etcd.keys([gate.keys().document_of(name).as_str()], 0)?.into_iter().flatten().next();
            let Some(pair) = pair else {
                problems.push(format!("there is no tenant {name:?} in etcd"));
                continue;
            };
            let stored = Stored::new(name, pair, &gate);
            let kid = stored.kid().unwrap_or_default();
            let opened = match &stored.document {
                Ok(opened) => opened,
                Err(problem) => {
                    problems.push(format!("{name}: what is in etcd cannot be shown: {problem}"));
                    continue;
                }
            };
            let shown = document::shown(&opened.sealed);
            match &mut list {
                Some(list) => list.add(&json!({
                    "signed_at": opened.signed_at(), "kid": kid, "tenant": plain(Value::Object(shown)),
                }))?,
                None => {
                    let head = format!("# signed at {} by \"{kid}\"", opened.signed_at());
                    let lines: Vec<String> = yaml(&shown).iter().map(|line| format!("  {line}")).collect();
                    // As an element of a list, so that several tenants are one file.
                    let text = lines.join("\n").replacen("  ", "- ", 1);
                    print(&format!("{head}\n{text}"))?;
                }
            }
        }
        if let Some(list) = list {
            list.end(&[])?;
        }
        if problems.is_empty() { Ok(true) } else { Err(problems.join("\n")) }
    }
}

/// What stands for a secret, for programs.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(ref members) if members.keys().any(|name| name.starts_with('!')) => json!({ "sealed": "…" }),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => value,
    }
}
