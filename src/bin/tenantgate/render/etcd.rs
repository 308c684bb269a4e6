//! Envoy's clusters for etcd.

use url::Url;

use super::destination::Destination;
use super::template::{fill, scalar};

/// Where etcd is, for `store` and `tenants_from`.
#[derive(clap::Args)]
pub(super) struct EtcdArguments {
    /// Where etcd listens, as https://etcd-0.example:2379; once for each member. Its certificate
    /// has to be for that host.
    #[arg(long = "etcd", value_name = "URL")]
    members: Vec<String>,
    /// The certificates of the authorities that are trusted for etcd, where Envoy runs; by default
    /// those of `--ca`.
    #[arg(id = "etcd_ca", long = "etcd-ca", value_name = "PATH")]
    ca: Option<String>,
    /// Envoy's certificate for etcd, where Envoy runs, if etcd wants one.
    #[arg(id = "etcd_certificate", long = "etcd-certificate", value_name = "PATH", requires = "etcd_private_key")]
    certificate: Option<String>,
    /// The private key of that certificate, where Envoy runs.
    #[arg(id = "etcd_private_key", long = "etcd-private-key", value_name = "PATH", requires = "etcd_certificate")]
    private_key: Option<String>,
}

impl EtcdArguments {
    /// The clusters with these names, which the configuration gives to etcd.
    pub(super) fn clusters(&self, names: &[String], ca: &str) -> Result<Vec<String>, String> {
        let members = self.members.iter().map(|member| parse(member)).collect::<Result<Vec<_>, _>>()?;
        let of_tls = self.ca.is_some() || self.certificate.is_some();
        match (names, members.as_slice()) {
            ([], []) if !of_tls => Ok(Vec::new()),
            ([], _) => Err("--etcd: the configuration has neither `store` nor `tenants_from`".to_owned()),
            ([name, ..], []) => Err(format!(
                "the configuration has etcd behind the cluster {name:?}; say where its members are with `--etcd URL`"
            )),
            (_, [first, rest @ ..]) if rest.iter().any(|member| member.tls != first.tls) => {
                Err("--etcd: some members have https and others http; a cluster of Envoy has one of both".to_owned())
            }
            (_, [first, ..]) if of_tls && !first.tls => {
                Err("--etcd: has http, so there are no certificates; write https".to_owned())
            }
            (_, members) => Ok(names.iter().map(|name| self.cluster(name, members, ca)).collect()),
        }
    }

    fn cluster(&self, name: &str, members: &[Destination], ca: &str) -> String {
        let endpoint = |member: &Destination| {
            let (host, port) = (scalar(&member.host), member.port);
            format!("- endpoint: {{address: {{socket_address: {{address: {host}, port_value: {port}}}}}}}\n")
        };
        let is_static = members.iter().all(Destination::is_address);
        let values = [
            ("name", scalar(name)),
            ("type", if is_static { "STATIC" } else { "STRICT_DNS" }.to_owned()),
            ("members", members.iter().map(endpoint).collect()),
            ("tls", if members.iter().any(|member| member.tls) { self.tls(members, ca) } else { String::new() }),
        ];
        fill(CLUSTER, &values.each_ref().map(|(name, value)| (*name, value.as_str())))
    }

    fn tls(&self, members: &[Destination], ca: &str) -> String {
        let name = |member: &Destination| {
            let kind = if member.is_address() { "IP_ADDRESS" } else { "DNS" };
            format!("- {{san_type: {kind}, matcher: {{exact: {}}}}}\n", scalar(&member.host))
        };
        // A cluster has one server name, and several members have several.
        let sni = match members {
            [one] if !one.is_address() => format!("sni: {}", scalar(&one.host)),
            _ => String::new(),
        };
        let identity = self.certificate.as_ref().zip(self.private_key.as_ref()).map(|(certificate, key)| {
            let (certificate, key) = (scalar(certificate), scalar(key));
            format!(
                "tls_certificates:\n  - {{certificate_chain: {{filename: {certificate}}}, private_key: {{filename: {key}}}}}\n"
            )
        });
        let values = [
            ("sni", sni),
            ("identity", identity.unwrap_or_default()),
            ("ca", scalar(self.ca.as_deref().unwrap_or(ca))),
            ("names", members.iter().map(name).collect()),
        ];
        fill(TLS, &values.each_ref().map(|(name, value)| (*name, value.as_str())))
    }
}

/// The member at this address. An error does not repeat the address, which may have a password.
fn parse(address: &str) -> Result<Destination, &'static str> {
    let is_plain = |url: &Url| {
        let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        is_origin && matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    };
    let url = Url::parse(address).ok().filter(is_plain);
    let form = "--etcd: this is not the address of an etcd; write it as https://etcd.example:2379, without a user";
    url.as_ref().and_then(Destination::of_url).ok_or(form)
}

const CLUSTER: &str = include_str!("templates/etcd_cluster.yaml");
const TLS: &str = include_str!("templates/etcd_tls.yaml");
