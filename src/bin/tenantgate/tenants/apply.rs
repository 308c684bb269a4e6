//! The commands `apply` and `diff`.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::arguments::{Format, GateArguments};
use super::check::check;
use super::confirm::confirmed;
use super::document;
use super::files::TenantFile;
use super::gate::{Gate, Needs};
use super::key::DocumentKey;
use super::output::{JsonList, print};
use super::plan::{Change, Plan, Wanted};
use super::sheet;
use super::write::write;
use crate::etcd::Gateway;

/// The tenants to write, and the key that signs them.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    gate: GateArguments,
    /// The files with tenants, as YAML or JSON; `-` reads standard input. A file has a tenant, a
    /// list of them, or `tenants`.
    #[arg(value_name = "TENANT_FILE", required = true)]
    files: Vec<PathBuf>,
    /// The private key that signs, as PEM (PKCS#8) or JWK, for Ed25519 or P-256.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Show what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Write without asking.
    #[arg(long)]
    yes: bool,
}

/// The tenants to compare.
#[derive(clap::Args)]
pub(crate) struct DiffArguments {
    #[command(flatten)]
    gate: GateArguments,
    /// The files with tenants, as for `apply`.
    #[arg(value_name = "TENANT_FILE", required = true)]
    files: Vec<PathBuf>,
    /// The key that `apply` would sign with, to see documents that are signed with another one.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(self) -> Result<bool, String> {
        let (gate, etcd) = Gate::read(&self.gate, Needs::SessionKeys)?;
        let key = DocumentKey::read(&self.key, &gate)?;
        let tenants = wanted(&self.files, &gate)?;
        let write = (!self.dry_run).then_some(self.yes);
        let mut run = Run { gate, etcd, key: Some(key), write, list: list(self.gate.format)? };
        run.each(&tenants).map(|_| true)
    }
}

impl DiffArguments {
    pub(super) fn run(self) -> Result<bool, String> {
        let (gate, etcd) = Gate::read(&self.gate, Needs::SessionKeys)?;
        let key = self.key.as_ref().map(|key| DocumentKey::read(key, &gate)).transpose()?;
        let tenants = wanted(&self.files, &gate)?;
        let mut run = Run { gate, etcd, key, write: None, list: list(self.gate.format)? };
        run.each(&tenants).map(|changes| changes == 0)
    }
}

/// The tenants of all files. Nothing is written if one of them has a mistake.
fn wanted(files: &[PathBuf], gate: &Gate) -> Result<Vec<Wanted>, String> {
    let mut wanted = Vec::new();
    for file in files {
        let file = TenantFile::read(file)?;
        let tenants = file.resolved(gate)?;
        let (findings, is_good) = check(&file, gate);
        if !is_good {
            return Err(format!("{} has mistakes; nothing was written\n{}", file.source.name, findings.trim_end()));
        }
        warn(&findings)?;
        for (tenant, node) in tenants.into_iter().zip(file.tenants.elements()) {
            let name = document::name(&tenant);
            let problem = |problem: &str| format!("{}: {problem}\nnothing was written", file.place(node));
            if wanted.iter().any(|other: &Wanted| other.name.eq_ignore_ascii_case(name)) {
                return Err(problem(&format!("tenant \"{name}\" is there twice; leave one of them out")));
            }
            wanted.push(Wanted::new(tenant, gate).map_err(|mistakes| problem(&mistakes))?);
        }
    }
    Ok(wanted)
}

/// Warnings go to standard error, beside the output.
fn warn(findings: &str) -> Result<(), String> {
    use std::io::Write as _;
    write!(std::io::stderr(), "{findings}").map_err(|error| error.to_string())
}

fn list(format: Format) -> Result<Option<JsonList>, String> {
    (format == Format::Json).then(|| JsonList::begin("tenants")).transpose()
}

/// One run over tenants.
struct Run {
    gate: Gate,
    etcd: Gateway,
    key: Option<DocumentKey>,
    /// Whether to write, and without asking.
    write: Option<bool>,
    list: Option<JsonList>,
}

impl Run {
    /// Does what is to be done for each tenant, in their order. Returns how many change.
    fn each(&mut self, tenants: &[Wanted]) -> Result<usize, String> {
        let mut changes = 0_usize;
        let mut problem = None;
        for tenant in tenants {
            match &problem {
                None => match self.one(tenant) {
                    Ok(changed) => changes = changes.saturating_add(usize::from(changed)),
                    Err(error) => {
                        self.report(tenant, "refused", &[], Some(&error), false)?;
                        problem = Some(format!("{}: {error}", tenant.name));
                    }
                },
                Some(_) => self.report(tenant, "not reached", &[], None, false)?,
            }
        }
        if let Some(list) = self.list.take() {
            list.end(&[("changes", changes.into())])?;
        }
        problem.map_or(Ok(changes), Err)
    }

    /// Returns whether the tenant changes.
    fn one(&mut self, tenant: &Wanted) -> Result<bool, String> {
        let plan = Plan::new(tenant, self.key.as_ref(), &self.gate, &mut self.etcd)?;
        let change = plan.change.clone();
        let (verb, lines) = match &change {
            Change::None => ("is unchanged", Vec::new()),
            Change::Create(lines) => ("is new", lines.iter().map(|line| format!("+ {line}")).collect()),
            Change::Replace(lines) => ("changes", lines.clone()),
            Change::Renew(reasons) => {
                ("is written again", reasons.iter().map(|reason| format!("# {reason}")).collect())
            }
        };
        if change == Change::None {
            self.report(tenant, verb, &lines, None, false)?;
            return Ok(false);
        }
        let (Some(yes), Some(key)) = (self.write, &self.key) else {
            self.report(tenant, verb, &lines, None, false)?;
            return Ok(true);
        };
        if self.list.is_none() {
            print(&human(tenant, verb, &lines, None))?;
        }
        if !confirmed(&format!("Write \"{}\" to {}?", tenant.name, self.etcd.name()), yes)? {
            return Err("not written, as you said".to_owned());
        }
        write(tenant, plan, key, &self.gate, &mut self.etcd)?;
        match &self.list {
            Some(_) => self.report(tenant, verb, &lines, None, true)?,
            None => print(&self.written(tenant))?,
        }
        Ok(true)
    }

    /// What is said of a tenant that was written.
    fn written(&self, tenant: &Wanted) -> String {
        let sheet: String = sheet::lines(&tenant.model).iter().map(|line| format!("    {line}\n")).collect();
        format!(
            "{}: written to {}; every gate serves it within about {}\n  to register at {}:\n{sheet}",
            tenant.name,
            self.etcd.name(),
            self.gate.delay(),
            tenant.model.issuer,
        )
    }

    fn report(
        &mut self,
        tenant: &Wanted,
        verb: &str,
        lines: &[String],
        error: Option<&str>,
        is_written: bool,
    ) -> Result<(), String> {
        match &mut self.list {
            // The error of the command says it.
            None if error.is_some() => Ok(()),
            None => print(&human(tenant, verb, lines, error)),
            Some(list) => list.add(&json!({
                "name": tenant.name,
                "change": verb,
                "diff": lines,
                "written": is_written,
                "error": error,
                "register": sheet::sheet(&tenant.model).into_iter().map(|(name, uri)| json!({ "name": name, "uri": uri })).collect::<Vec<Value>>(),
            })),
        }
    }
}

fn human(tenant: &Wanted, verb: &str, lines: &[String], error: Option<&str>) -> String {
    let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    let error = error.map_or_else(String::new, |error| format!(": {error}"));
    format!("{}: {verb}{error}\n{lines}", tenant.name)
}
