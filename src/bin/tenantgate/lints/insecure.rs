//! `allow_insecure_issuer` where it is not for development.

use url::Url;

use super::Found;
use super::site::Site;
use crate::codes;

pub(super) fn lint(site: &Site<'_>) -> Option<Found> {
    let path = "allow_insecure_issuer";
    if !site.is_true(path) {
        return None;
    }
    let plain: Vec<(String, String)> = addresses(site)
        .into_iter()
        .filter_map(|(field, text)| Some((field, Url::parse(text).ok()?)))
        .filter(|(_, url)| url.scheme() == "http")
        .filter_map(|(field, url)| Some((field, url.host_str()?.to_owned())))
        .collect();
    let message = match plain.iter().find(|(_, host)| !is_local(host)) {
        Some((field, host)) => format!(
            "is for development on one machine, and `{field}` is plain http to {host}: everybody on the way can read \
             codes, tokens and the secret; use https there, and remove this"
        ),
        None if plain.is_empty() => {
            "permits http, and no address of this tenant has it; remove it, so that none can creep in".to_owned()
        }
        None => return None,
    };
    Some(site.warning(codes::INSECURE, path, &message))
}

/// The addresses of the tenant, each with its field.
fn addresses<'a>(site: &Site<'a>) -> Vec<(String, &'a str)> {
    let single = FIELDS.iter().filter_map(|field| Some(((*field).to_owned(), site.text(field)?)));
    let lists = ["login.resource", "csrf.trusted_origins", "provider.trusted_origins"];
    single.chain(lists.iter().flat_map(|list| site.texts(list))).collect()
}

/// Whether the host is this machine, or one that a private network names.
pub(super) fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Ok(std::net::IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => !host.contains('.') || LOCAL.iter().any(|suffix| host.ends_with(suffix)),
    }
}

const FIELDS: [&str; 9] = [
    "issuer",
    "provider.authorization_endpoint",
    "provider.token_endpoint",
    "provider.userinfo_endpoint",
    "provider.end_session_endpoint",
    "provider.revocation_endpoint",
    "provider.jwks_uri",
    "login.redirect_uri",
    "login.post_logout_redirect_uri",
];
/// Domains that are no part of the public DNS (RFC 6761, RFC 6762, RFC 8375), and those of
/// Kubernetes.
const LOCAL: [&str; 9] =
    [".localhost", ".local", ".internal", ".test", ".home.arpa", ".lan", ".svc", ".cluster.local", ".intranet"];
