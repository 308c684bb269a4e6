//! A whole bootstrap for Envoy.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use super::clusters::ProviderCluster;
use super::etcd::EtcdArguments;
use super::template::{fill, list, scalar};
use super::tenants_file::TenantsFile;

/// What the bootstrap needs besides the tenants.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The file with `session` and `tenants`; `-` reads standard input.
    file: PathBuf,
    /// Where the application listens that Tenantgate protects.
    #[arg(long, value_name = "HOST:PORT")]
    upstream: HostPort,
    /// Where Envoy listens.
    #[arg(long, value_name = "HOST:PORT", default_value = "0.0.0.0:8080")]
    listen: HostPort,
    /// The module, where Envoy runs.
    #[arg(long, value_name = "PATH", default_value = "/etc/envoy/tenantgate.wasm")]
    module: String,
    /// The certificates of the authorities that are trusted for the providers, where Envoy runs.
    #[arg(long, value_name = "PATH", default_value = super::CA)]
    ca: String,
    /// The certificate of the listener, where Envoy runs. Without it, what is in front of Envoy
    /// ends TLS.
    #[arg(long, value_name = "PATH", requires = "private_key")]
    certificate: Option<String>,
    /// The private key of the listener, where Envoy runs.
    #[arg(long, value_name = "PATH", requires = "certificate")]
    private_key: Option<String>,
    /// Hand the configuration over as one line of JSON. Thousands of tenants are ready sooner then,
    /// because Envoy itself takes long to read them as YAML.
    #[arg(long)]
    text: bool,
    #[command(flatten)]
    etcd: EtcdArguments,
}

impl Arguments {
    pub(crate) fn run(&self) -> Result<String, String> {
        let file = TenantsFile::read(&self.file)?;
        let configuration = match self.text {
            true => fill(TEXT, &[("configuration", &scalar(&file.json()))]),
            false => structure(&file.text(&[])?),
        };
        let clusters = ProviderCluster::all(file.tenants.iter().map(AsRef::as_ref));
        unique(&clusters, &file.etcd)?;
        let etcd = self.etcd.clusters(&file.etcd, &self.ca)?;
        let parts: Vec<_> = clusters.iter().map(|cluster| cluster.parts(&self.ca)).collect();
        let listeners: String = parts.iter().filter_map(|parts| parts.listener.as_deref()).collect();
        let tls = self.certificate.as_ref().zip(self.private_key.as_ref()).map(|(certificate, key)| {
            fill(LISTENER_TLS, &[("certificate", &scalar(certificate)), ("key", &scalar(key))])
        });
        let values = [
            ("name", file.name.clone()),
            ("extensions", if listeners.is_empty() { String::new() } else { EXTENSIONS.to_owned() }),
            ("listen_host", scalar(&self.listen.host)),
            ("listen_port", self.listen.port.to_string()),
            ("filter", filter(&file, &configuration, &self.module)),
            ("tls", tls.unwrap_or_default()),
            ("listeners", listeners),
            ("upstream_type", self.upstream.cluster_type().to_owned()),
            ("upstream_host", scalar(&self.upstream.host)),
            ("upstream_port", self.upstream.port.to_string()),
            ("clusters", parts.iter().map(|parts| &parts.clusters).chain(&etcd).map(String::as_str).collect()),
        ];
        Ok(fill(BOOTSTRAP, &values.each_ref().map(|(name, value)| (*name, value.as_str()))))
    }
}

/// A configuration in YAML, as the filter takes it.
pub(super) fn structure(configuration: &str) -> String {
    fill(STRUCT, &[("configuration", configuration)])
}

/// The Wasm filter with this configuration, a protobuf message in YAML.
pub(super) fn filter(file: &TenantsFile, configuration: &str, module: &str) -> String {
    let variables = list(file.variables.iter().map(String::as_str));
    let values = [("module", &scalar(module)), ("variables", &variables), ("configuration", &configuration.to_owned())];
    fill(FILTER, &values.map(|(name, value)| (name, value.as_str())))
}

/// Two clusters of one name would be refused by Envoy.
fn unique(clusters: &[ProviderCluster], etcd: &[String]) -> Result<(), String> {
    let mut names = vec![UPSTREAM.to_owned()];
    let of_etcd = etcd.iter().map(|name| (name.clone(), "etcd.cluster"));
    let of_providers = clusters.iter().flat_map(ProviderCluster::names).map(|name| (name, "provider.cluster"));
    for (name, field) in of_etcd.chain(of_providers) {
        if names.contains(&name) {
            return Err(format!("there would be two clusters {name:?}; write another name as `{field}`"));
        }
        names.push(name);
    }
    Ok(())
}

/// A host and a port.
#[derive(Clone, Debug)]
pub(crate) struct HostPort {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl HostPort {
    fn cluster_type(&self) -> &'static str {
        if self.host.parse::<IpAddr>().is_ok() { "STATIC" } else { "STRICT_DNS" }
    }
}

impl FromStr for HostPort {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text.rsplit_once(':').ok_or("write it as HOST:PORT")?;
        let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let host = address.unwrap_or(host);
        if host.is_empty() || (address.is_none() && host.contains(':')) {
            return Err("write it as HOST:PORT, and an IPv6 address in brackets");
        }
        let port = port.parse().ok().filter(|port| *port != 0).ok_or("the port is a number up to 65535")?;
        Ok(Self { host: host.to_owned(), port })
    }
}

/// The cluster of the application.
const UPSTREAM: &str = "upstream";
const BOOTSTRAP: &str = include_str!("templates/envoy.yaml");
const FILTER: &str = include_str!("templates/filter.yaml");
const STRUCT: &str = include_str!("templates/configuration_struct.yaml");
const TEXT: &str = include_str!("templates/configuration_text.yaml");
const LISTENER_TLS: &str = include_str!("templates/listener_tls.yaml");
/// What a bootstrap with internal listeners has.
pub(crate) const EXTENSIONS: &str = "\
bootstrap_extensions:
  - name: envoy.bootstrap.internal_listener
    typed_config:
      \"@type\": type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener

";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_told_apart() {
        let parse = |text: &str| text.parse().map(|HostPort { host, port }| (host, port));
        for (text, host, port) in
            [("app:80", "app", 80), ("10.0.0.1:8080", "10.0.0.1", 8080), ("[::1]:443", "::1", 443)]
        {
            assert_eq!(parse(text), Ok((host.to_owned(), port)));
        }
        for text in ["app", ":80", "app:0", "app:99999", "::1:80", "app:http", ""] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
