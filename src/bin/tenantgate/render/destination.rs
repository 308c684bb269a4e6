//! The servers of a provider that the gate calls.

use std::net::IpAddr;

use tenantgate::tenant::{SourceStart, Tenant};
use url::{Host, Url};

/// A server that the gate calls through `provider.cluster`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) tls: bool,
    /// A name, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Destination {
    /// The servers that the gate may call for this tenant, each once. Browsers alone go to the
    /// authorization endpoint and to the end session endpoint.
    pub(crate) fn of_tenant(tenant: &Tenant) -> Vec<Self> {
        let provider = &tenant.provider;
        let mut urls = Vec::new();
        if let Some(source) = &provider.source {
            match &source.start {
                SourceStart::Discovery(url) => {
                    urls.push(url.clone());
                    // The metadata may name addresses there.
                    urls.extend(source.origins.iter().filter_map(|origin| Url::parse(origin).ok()));
                }
                SourceStart::JwksUri(url) => urls.push(url.clone()),
            }
        }
        let endpoints = &provider.endpoints;
        urls.extend(endpoints.token.clone());
        urls.extend(endpoints.userinfo.clone().filter(|_| tenant.login.userinfo));
        urls.extend(endpoints.revocation.clone().filter(|_| tenant.refresh.is_some()));
        let mut found: Vec<Self> = Vec::new();
        for destination in urls.iter().filter_map(Self::of_url) {
            if !found.contains(&destination) {
                found.push(destination);
            }
        }
        found
    }

    pub(crate) fn of_url(url: &Url) -> Option<Self> {
        let host = match url.host()? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        Some(Self { tls: url.scheme() == "https", host, port: url.port_or_known_default()? })
    }

    /// Whether the host is an address and no name.
    pub(crate) fn is_address(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok()
    }

    /// The host as `:authority` has it, with the port if that is not the one of the scheme.
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.has_default_port() { host } else { format!("{host}:{}", self.port) }
    }

    /// A name of Kubernetes for the host and, if it is not the one of the scheme, the port.
    pub(crate) fn resource_name(&self) -> String {
        let name = self.authority().to_ascii_lowercase();
        let parts: Vec<&str> =
            name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
        parts.join("-")
    }

    /// The server in messages.
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }

    fn has_default_port(&self) -> bool {
        self.port == if self.tls { 443 } else { 80 }
    }
}

/// Takes the names of objects of Kubernetes, each with what it reaches. Two of one name would be
/// one object, through which Tenantgate would take one server for the other.
pub(super) fn refuse_shared_names(mut objects: Vec<(String, String)>) -> Result<(), String> {
    objects.sort_unstable();
    for ((name, reached), (other, too)) in objects.iter().zip(objects.iter().skip(1)) {
        if name == other {
            return Err(format!(
                "the objects for {reached} and for {too} would have one name, {name:?}, and calls to one would reach \
                 the other; leave out one of the tenants, and write its objects by hand"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_port_where_it_counts() {
        for (url, authority, name) in [
            ("https://dex.acme.example/a", "dex.acme.example", "dex-acme-example"),
            ("https://dex.acme.example:8443", "dex.acme.example:8443", "dex-acme-example-8443"),
            ("http://dex.acme.example", "dex.acme.example", "dex-acme-example"),
            ("https://[::1]/", "[::1]", "1"),
            ("http://10.0.0.1:5556", "10.0.0.1:5556", "10-0-0-1-5556"),
        ] {
            let destination = Destination::of_url(&Url::parse(url).unwrap()).unwrap();
            assert_eq!((destination.authority().as_str(), destination.resource_name().as_str()), (authority, name));
        }
    }
}
