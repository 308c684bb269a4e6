//! Manifests for Istio.

use std::path::PathBuf;

use super::destination::{Destination, refuse_shared_names};
use super::envoy::{filter, structure};
use super::template::{fill, scalar};
use super::tenants_file::TenantsFile;

/// What the manifests need besides the tenants.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The file with `session` and `tenants`; `-` reads standard input.
    file: PathBuf,
    /// The module: `oci://…`, `https://…`, or a path in the container of the gateway, which an
    /// EnvoyFilter needs.
    #[arg(long, value_name = "URL")]
    module: String,
    /// The namespace of the gateway.
    #[arg(long, value_name = "NAME", default_value = "istio-ingress")]
    namespace: String,
    /// A label of the pods of the gateway.
    #[arg(long, value_name = "NAME=VALUE", default_value = "istio=ingressgateway", value_parser = crate::cli::variable)]
    selector: (String, String),
    /// The certificates of the authorities that are trusted for the providers, in the container of
    /// the gateway.
    #[arg(long, value_name = "PATH", default_value = super::CA)]
    ca: String,
}

impl Arguments {
    pub(crate) fn run(&self) -> Result<String, String> {
        let file = TenantsFile::read(&self.file)?;
        let destinations = file.one_destination_each()?;
        let clusters: Vec<String> = destinations.iter().map(cluster).collect();
        let configuration = file.text(&clusters)?;
        let plugin = if file.has_backchannel_logout() {
            self.envoy_filter(&file, &configuration)?
        } else {
            self.wasm_plugin(&file, &configuration)
        };
        let mut hosts: Vec<&str> = destinations.iter().map(|destination| destination.host.as_str()).collect();
        hosts.sort_unstable();
        hosts.dedup();
        refuse_shared_names(hosts.iter().map(|host| (name(host), (*host).to_owned())).collect())?;
        let ways = hosts.into_iter().map(|host| self.way(host, &destinations));
        Ok(std::iter::once(plugin).chain(ways).collect())
    }

    fn wasm_plugin(&self, file: &TenantsFile, configuration: &str) -> String {
        let variables = file.variables.iter().map(|name| format!("- {{name: {}, valueFrom: HOST}}\n", scalar(name)));
        let module = if self.module.starts_with('/') { format!("file://{}", self.module) } else { self.module.clone() };
        self.fill(
            WASM_PLUGIN,
            &[
                ("name", &file.name),
                ("module", &scalar(&module)),
                ("variables", &variables.collect::<String>()),
                ("configuration", configuration),
            ],
        )
    }

    fn envoy_filter(&self, file: &TenantsFile, configuration: &str) -> Result<String, String> {
        if !self.module.starts_with('/') {
            return Err("a tenant has back-channel logout, which takes an EnvoyFilter, and that cannot fetch the module: mount \
                 it into the gateway, and give its path there: `--module /var/lib/tenantgate/tenantgate.wasm`"
                .to_owned());
        }
        let filter = filter(file, &structure(configuration), &self.module);
        Ok(self.fill(ENVOY_FILTER, &[("name", &file.name), ("filter", &filter)]))
    }

    /// ServiceEntry and DestinationRule for the servers of one host.
    fn way(&self, host: &str, destinations: &[Destination]) -> String {
        let mut of_host: Vec<&Destination> = destinations.iter().filter(|other| other.host == host).collect();
        of_host.sort_unstable_by_key(|destination| destination.port);
        of_host.dedup();
        let name = name(host);
        let port = |destination: &&Destination| {
            let (protocol, number) = (if destination.tls { "https" } else { "http" }, destination.port);
            format!("- {{number: {number}, name: {protocol}-{number}, protocol: {}}}\n", protocol.to_ascii_uppercase())
        };
        let ports: String = of_host.iter().map(port).collect();
        let values = [("name", name.as_str()), ("host", host), ("ports", &ports)];
        let mut out = self.fill(SERVICE_ENTRY, &values);
        if of_host.iter().any(|destination| destination.tls) {
            let tls = format!(
                "tls:\n  mode: SIMPLE\n  sni: {host}\n  subjectAltNames: [{host}]\n  \
                 # Without a file, some versions of Istio verify nothing.\n  caCertificates: {}\n",
                scalar(&self.ca)
            );
            out.push_str(&self.fill(DESTINATION_RULE, &[("name", &name), ("host", host), ("policy", &tls)]));
        }
        out
    }

    fn fill(&self, template: &str, values: &[(&str, &str)]) -> String {
        let (label, value) = &self.selector;
        let labels = format!("{}: {}", scalar(label), scalar(value));
        let namespace = scalar(&self.namespace);
        fill(template, &[values, &[("namespace", &namespace), ("labels", &labels)]].concat())
    }
}

/// The name of the objects for a host, whatever its ports.
fn name(host: &str) -> String {
    Destination { tls: true, host: host.to_owned(), port: 443 }.resource_name()
}

/// The name that Istio gives to the cluster of a ServiceEntry.
fn cluster(destination: &Destination) -> String {
    format!("outbound|{}||{}", destination.port, destination.host)
}

const WASM_PLUGIN: &str = include_str!("templates/wasm_plugin.yaml");
const ENVOY_FILTER: &str = include_str!("templates/envoy_filter.yaml");
const SERVICE_ENTRY: &str = include_str!("templates/service_entry.yaml");
const DESTINATION_RULE: &str = include_str!("templates/destination_rule.yaml");
