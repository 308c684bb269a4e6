//! Hosts that browsers elsewhere do not reach, or not all that people type.

use std::net::IpAddr;

use tenantgate::http::host::HostPattern;

use super::Found;
use super::site::Site;
use crate::codes;

pub(super) fn lint(site: &Site<'_>) -> Vec<Found> {
    let hosts: Vec<(String, HostPattern)> =
        site.texts("hosts").filter_map(|(path, text)| Some((path, HostPattern::parse(text).ok()?))).collect();
    let is_development = site.is_true("allow_insecure_issuer");
    let mut found = Vec::new();
    for (path, pattern) in &hosts {
        let (HostPattern::Exact(host) | HostPattern::Below(host)) = pattern;
        let name = host.as_str();
        let problem = if name.parse::<IpAddr>().is_ok() {
            Some("is an address, and no name")
        } else if name == "localhost" || name.ends_with(".localhost") {
            Some("is this machine for every browser")
        } else if name.contains('_') {
            Some("has an underscore, which no host name in a certificate has")
        } else if !name.contains('.')
            && !hosts.iter().any(|(_, other)| other.to_string().starts_with(&format!("{name}.")))
        {
            Some("is a name without a domain, which only some networks complete")
        } else {
            None
        };
        if let Some(problem) = problem.filter(|_| !is_development) {
            let message = format!("\"{name}\" {problem}; write the whole name that stands in the address bar");
            found.push(site.warning(codes::HOST_LOCAL, path, &message));
        } else if let HostPattern::Exact(_) = pattern
            && let Some(twin) = twin(name)
            && !hosts.iter().any(|(_, other)| matches(other, &twin))
        {
            let message = format!(
                "\"{name}\" is here and \"{twin}\" is not, so Tenantgate answers 404 there; add it, or redirect it \
                 before Tenantgate"
            );
            found.push(site.warning(codes::HOST_TWIN, path, &message));
        }
    }
    found
}

/// The name with `www.`, for the domain of an organization.
fn twin(name: &str) -> Option<String> {
    psl::suffix(name.as_bytes()).filter(|suffix| suffix.is_known())?;
    (psl::domain_str(name) == Some(name)).then(|| format!("www.{name}"))
}

fn matches(pattern: &HostPattern, name: &str) -> bool {
    tenantgate::http::host::Host::from_name(name).is_ok_and(|host| pattern.matches(&host))
}
