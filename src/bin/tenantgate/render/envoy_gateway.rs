//! Manifests for Envoy Gateway.

use std::path::PathBuf;

use super::destination::{Destination, refuse_shared_names};
use super::template::{fill, list, scalar};
use super::tenants_file::TenantsFile;

/// What the manifests need besides the tenants.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The file with `session` and `tenants`; `-` reads standard input.
    file: PathBuf,
    /// The module: an OCI image such as `registry.example/tenantgate:0.2.0`, or `https://…`.
    #[arg(long, value_name = "URL")]
    module: String,
    /// The namespace of the Gateway.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
    /// The Gateway.
    #[arg(long, value_name = "NAME", default_value = "eg")]
    gateway: String,
    /// The listener of the Gateway, for the EnvoyPatchPolicy.
    #[arg(long, value_name = "NAME", default_value = "http")]
    listener: String,
    /// A ConfigMap with the certificates of the authorities that are trusted for the providers, as
    /// `ca.crt`. Without it, those of the system are.
    #[arg(long, value_name = "NAME")]
    ca_config_map: Option<String>,
}

impl Arguments {
    pub(crate) fn run(&self) -> Result<String, String> {
        let file = TenantsFile::read(&self.file)?;
        let mut destinations = file.one_destination_each()?;
        let clusters: Vec<String> = destinations.iter().map(|destination| self.cluster(destination)).collect();
        let configuration = file.text(&clusters)?;
        let mut out = self.fill(
            EXTENSION_POLICY,
            &[
                ("name", &file.name),
                ("code", &self.code()),
                ("variables", &list(file.variables.iter().map(String::as_str))),
                ("configuration", &configuration),
            ],
        );
        destinations.sort_unstable_by_key(Destination::resource_name);
        destinations.dedup();
        refuse_shared_names(destinations.iter().map(|it| (it.resource_name(), it.origin())).collect())?;
        for destination in &destinations {
            out.push_str(&self.way(destination)?);
        }
        let listener = format!("{}/{}/{}", self.namespace, self.gateway, self.listener);
        let name = format!("envoy.filters.http.wasm//{}/tenantgate/wasm/0", self.namespace);
        let filter = format!("$..http_filters[?(@.name=='{name}')]");
        let plugin = format!("{filter}.typed_config.config");
        let values =
            [("listener", listener), ("filter", filter), ("plugin", plugin)].map(|(name, it)| (name, scalar(&it)));
        out.push_str(&self.fill(PATCH_POLICY, &values.each_ref().map(|(name, value)| (*name, value.as_str()))));
        Ok(out)
    }

    /// The name that Envoy Gateway gives to the cluster of the first rule of an HTTPRoute.
    fn cluster(&self, destination: &Destination) -> String {
        format!("httproute/{}/{}/rule/0", self.namespace, destination.resource_name())
    }

    fn code(&self) -> String {
        match self.module.starts_with("https://") {
            true => format!("type: HTTP\nhttp: {{url: {}}}\n", scalar(&self.module)),
            false => {
                let image = self.module.strip_prefix("oci://").unwrap_or(&self.module);
                format!("type: Image\nimage: {{url: {}}}\n", scalar(image))
            }
        }
    }

    /// Backend, HTTPRoute and BackendTLSPolicy for one server.
    fn way(&self, destination: &Destination) -> Result<String, String> {
        let Destination { host, port, tls } = destination;
        if destination.is_address() {
            return Err(format!("a BackendTLSPolicy and an HTTPRoute need a name, and {host:?} is an address"));
        }
        let name = destination.resource_name();
        let endpoint = format!("fqdn: {{hostname: {}, port: {port}}}", scalar(host));
        let authority = destination.authority();
        let mut out = self.fill(
            BACKEND,
            &[("name", &name), ("endpoint", &endpoint), ("authority", &authority), ("host", &scalar(host))],
        );
        if *tls {
            let authorities = match &self.ca_config_map {
                None => "wellKnownCACertificates: System".to_owned(),
                Some(map) => {
                    format!("caCertificateRefs:\n  - {{group: \"\", kind: ConfigMap, name: {}}}", scalar(map))
                }
            };
            let values = [("name", name.as_str()), ("authorities", &authorities), ("host", &scalar(host))];
            out.push_str(&self.fill(BACKEND_TLS_POLICY, &values));
        }
        Ok(out)
    }

    fn fill(&self, template: &str, values: &[(&str, &str)]) -> String {
        let (namespace, gateway) = (scalar(&self.namespace), scalar(&self.gateway));
        fill(template, &[values, &[("namespace", &namespace), ("gateway", &gateway)]].concat())
    }
}

const EXTENSION_POLICY: &str = include_str!("templates/envoy_extension_policy.yaml");
const BACKEND: &str = include_str!("templates/backend.yaml");
const BACKEND_TLS_POLICY: &str = include_str!("templates/backend_tls_policy.yaml");
const PATCH_POLICY: &str = include_str!("templates/envoy_patch_policy.yaml");
