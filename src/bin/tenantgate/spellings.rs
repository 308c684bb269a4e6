//! Who gets in by which spelling of a path.

use std::net::{IpAddr, Ipv6Addr};

use tenantgate::access::RouteDecision;
use tenantgate::http::host::{Host, HostPattern};
use tenantgate::http::request::{RequestHead, Target};
use tenantgate::tenant::Tenant;

/// The lines about `path` and its spellings: each with who gets in by it.
pub(crate) fn spellings(tenant: &Tenant, path: &str, method: &str) -> Result<Vec<String>, String> {
    if Target::parse(path.as_bytes()).is_none() {
        return Err(format!("{path:?} is not the path of a request; write it as \"/admin\", percent-encoded"));
    }
    let mut lines = Vec::new();
    for host in tenant.hosts.iter().filter_map(example) {
        lines.push(format!("{method} https://{host}"));
        lines.extend(variants(path).iter().map(|path| {
            let pairs = [(":method", method), (":path", path)];
            let head = RequestHead::new(pairs.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())));
            let target = Target::parse(path.as_bytes()).unwrap_or(Target { path: "/", query: None });
            // No client has this address, so it stands for those outside of the networks of rules.
            let client = || Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
            let decision = RouteDecision::new(&head, tenant, &host, target, &client);
            format!("  {path:<24} {}", decision.describe())
        }));
    }
    Ok(lines)
}

/// A host that the pattern matches.
fn example(pattern: &HostPattern) -> Option<Host> {
    match pattern {
        HostPattern::Exact(host) => Some(host.clone()),
        HostPattern::Below(domain) => Host::from_name(&format!("any.{domain}")).ok(),
    }
}

/// The path, and what servers may read as the same path.
fn variants(path: &str) -> Vec<String> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let letter = path.find(|c: char| c.is_ascii_alphabetic());
    let mut variants = vec![path.to_owned()];
    if let Some((before, rest)) = letter.and_then(|at| path.split_at_checked(at)) {
        let mut rest = rest.chars();
        if let Some(first) = rest.next() {
            let (upper, rest) = (first.to_ascii_uppercase(), rest.as_str());
            variants.push(format!("{before}{upper}{rest}"));
            variants.push(format!("{before}%{:02X}{rest}", u32::from(first)));
        }
    }
    let bare = path.trim_end_matches('/');
    let ends = ["", "/", ".", "%20", ".json", "%3Fx", ";x", "/x", "/..", "-x"];
    variants.extend(ends.map(|end| format!("{bare}{end}")));
    variants.push(format!("/index.php{path}"));
    variants.push(format!("/{path}"));
    let mut seen = Vec::new();
    variants.retain(|variant| {
        variant.starts_with('/') && !seen.contains(variant) && {
            seen.push(variant.clone());
            true
        }
    });
    variants
}
