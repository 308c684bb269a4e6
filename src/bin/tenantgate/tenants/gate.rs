//! The configuration of the gates, and its etcd.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use tenantgate::config::{self, LoadContext, Loaded};
use tenantgate::jose::HostAlgorithms;
use tenantgate::runtime::{CompiledTenant, DocumentSource};
use tenantgate::seal::KeyRing;
use tenantgate::tenant_documents::{DocumentError, DocumentKeys, TenantDocument};

use super::arguments::GateArguments;
use crate::configuration::Configured;
use crate::etcd::{Gateway, Reach, user};
use crate::gate::Form;
use crate::machine::with_env_of_envoy;
use crate::source::Source;
use crate::variables::{Variables, VmEnvironment};
use crate::yaml::Node;

/// The gates, as their configuration has them.
pub(super) struct Gate {
    /// The name of the file.
    pub(super) file: String,
    /// The text of the file.
    pub(super) text: String,
    pub(super) node: Node,
    pub(super) form: Form,
    pub(super) loaded: Loaded,
    /// The variables that are known here.
    pub(super) variables: Variables,
    /// The same, with a value for each of the others.
    assumed: Variables,
    fixed: HashMap<String, String>,
    source: Arc<DocumentSource>,
}

/// The variables of the command line.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) env: &'a [(String, String)],
    pub(crate) file: Option<&'a Path>,
}

/// What a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Only what etcd wants.
    Etcd,
    /// The session keys, too.
    SessionKeys,
}

impl Gate {
    /// Reads the configuration. The result has the etcd, too.
    pub(super) fn read(arguments: &GateArguments, needs: Needs) -> Result<(Self, Gateway), String> {
        let mut configured = Configured::read(&arguments.file)?;
        arguments.reach.set_user(&mut configured.node);
        let variables = Given { env: &arguments.env, file: arguments.env_file.as_deref() };
        Self::new(&configured, &arguments.reach, variables, needs)
    }

    /// The gates with this configuration.
    pub(super) fn new(
        configured: &Configured,
        reach: &Reach,
        given: Given<'_>,
        needs: Needs,
    ) -> Result<(Self, Gateway), String> {
        let Configured { source: Source { name: file, text }, node, form, fixed, .. } = configured;
        let variables = Variables::new(given.env.to_vec(), given.file, false)?;
        // What the tenants of the file need does not matter here.
        let assumed = Variables::new(given.env.to_vec(), given.file, true)?;
        let vm = assumed.vm(None, fixed.clone(), node);
        require(node, &vm, needs).map_err(|problem| format!("{file}: {problem}"))?;
        let context = LoadContext { environment: &vm, host: HostAlgorithms::ASSUMED };
        let loaded = config::load_value(&node.value(), context)
            .map_err(|errors| format!("{errors}\n{file}: is refused; `tenantgate check` says more"))?;
        let source = loaded.runtime.documents().cloned().ok_or_else(|| format!("{file}: {NO_DOCUMENTS}"))?;
        let servers = reach.servers(&configured.source, SECTION, source.cluster())?;
        let gateway = Gateway::new(servers, user(node, SECTION, &vm));
        drop(vm);
        let gate = Self {
            file: file.clone(),
            text: text.clone(),
            node: node.clone(),
            form: *form,
            loaded,
            variables,
            assumed,
            fixed: fixed.clone(),
            source,
        };
        Ok((gate, gateway))
    }

    /// The keys in etcd.
    pub(super) fn keys(&self) -> DocumentKeys<'_> {
        self.source.keys()
    }

    /// The session keys.
    pub(super) fn ring(&self) -> &KeyRing {
        self.loaded.runtime.ring()
    }

    /// The id of the session key that seals.
    pub(super) fn sealing_key(&self) -> Option<&str> {
        self.node.at("session.keys[0].id").and_then(Node::text)
    }

    /// How soon gates see a change, in words.
    pub(super) fn delay(&self) -> String {
        humantime::format_duration(self.source.interval().saturating_mul(2)).to_string()
    }

    /// The document of this tenant, whose signature is verified.
    pub(super) fn open(&self, name: &str, value: &[u8]) -> Result<TenantDocument, DocumentError> {
        with_env_of_envoy(|env| self.source.open(name, value, env))
    }

    /// What a gate makes of this tenant.
    pub(super) fn compile(&self, tenant: &Map<String, Value>) -> CompiledTenant {
        with_env_of_envoy(|env| self.source.compile(tenant, env))
    }

    /// The variables of the gates. Those without a value here have one that stands for it.
    pub(super) fn vm(&self) -> VmEnvironment<'_> {
        self.assumed.vm(None, self.fixed.clone(), &self.node)
    }
}

/// Refuses variables without a value here that the command needs.
fn require(configuration: &Node, vm: &VmEnvironment<'_>, needs: Needs) -> Result<(), String> {
    let password = configuration.find(&["tenants_from", "etcd", "password", "env"]);
    let mut needed = vec![(format!("{SECTION}.password"), password)];
    if needs == Needs::SessionKeys {
        let keys = configuration.find(&["session", "keys"]).map(Node::elements).unwrap_or_default();
        let each = keys.iter().enumerate();
        needed.extend(each.map(|(index, key)| (format!("session.keys[{index}]"), key.get("env"))));
    }
    for (path, name) in needed.iter().filter_map(|(path, node)| Some((path, (*node)?.text()?))) {
        if !vm.knows(name) {
            return Err(format!(
                "{path}: environment variable {name:?} is not set here; give it with `--env {name}=…` or `--env-file`"
            ));
        }
    }
    Ok(())
}

const SECTION: &str = "tenants_from.etcd";
const NO_DOCUMENTS: &str =
    "has no `tenants_from`, so the gates have no tenants in etcd; see `tenants_from` in docs/configuration.md";
