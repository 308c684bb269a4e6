//! Values that are refused, with the value that is probably meant.

use std::net::IpAddr;

use tenantgate::config::Code;
use tenantgate::http::host::{Host, HostPattern};

use super::{field_of, paths};
use crate::diagnostic::Diagnostic;
use crate::yaml::Node;

/// What to write instead of the value at `place`.
pub(super) fn help(found: &Diagnostic, place: &str, configuration: &Node) -> Option<String> {
    let node = configuration.at(place);
    let text = node.and_then(Node::text).unwrap_or_default();
    let tenant = place.split_once(']').and_then(|(tenant, _)| configuration.at(&format!("{tenant}]")));
    let has_help = found.help.is_some();
    match (found.code, field_of(place)) {
        (Code::ACCESS, "paths") => Some(match paths::meant(text) {
            Some(meant) => format!("write \"{meant}\""),
            None => "write the path as servers have it, such as \"/admin\", or \"/admin/*\" with all below".to_owned(),
        }),
        (Code::ACCESS, "methods") => method(text),
        (Code::ACCESS, "allow") => node.and_then(|node| allow(node, tenant)),
        (Code::ACCESS, "roles") => role(text, tenant),
        (Code::ACCESS, "email_domains") => {
            let domain = text.rsplit('@').next().unwrap_or_default();
            HostPattern::parse(domain).ok().map(|domain| format!("write \"{domain}\""))
        }
        (Code::ACCESS, "client_ips") => network(text).map(|network| format!("write \"{network}\"")),
        (Code::ACCESS, "values") => Some(format!("write it in quotes: \"{text}\"")),
        (Code::ACCESS, "access_default") => Some("write `any_user` for every user of the tenant, or `deny`".to_owned()),
        (Code::ACCESS, "path_matching") => Some("write `strict`, `ignore_case` or `exact`".to_owned()),
        (Code::HOSTS, "hosts") if !has_help => host(found, text),
        (Code::LOGIN, "scopes") => scopes(node?),
        (Code::LOGIN, "prompt") if text.contains("none") => Some("leave `prompt` out, or write `login`".to_owned()),
        (Code::LOGIN, "prompt") => Some("write one of `login`, `consent` and `select_account`".to_owned()),
        (Code::LOGIN, "redirect_uri" | "cookie_domain") if node.is_none() => several_hosts(tenant?),
        (Code::LOGIN, "redirect_uri") if !has_help => redirect_uri(text, tenant?),
        (Code::LOGIN, "cookie_domain") if !has_help => cookie_domain(text, tenant?),
        (Code::NAME, "name") => {
            let name: String =
                text.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
            Some(if name.is_empty() { "give the tenant a name".to_owned() } else { format!("write \"{name}\"") })
        }
        (Code::KEYS, "id_token_signed_response_alg") if text.starts_with("HS") => Some(
            "set the client to RS256 or ES256 at the issuer, and write that: tokens are verified with public keys only"
                .to_owned(),
        ),
        (Code::KEYS, "id_token_signed_response_alg") => {
            Some("write one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA".to_owned())
        }
        (Code::KEYS, _) if !has_help => Some(
            "write one of `pem: |` with a public key, `jwk:` with one, and `jwks:` with a set; for an address use \
             `provider.jwks_uri`"
                .to_owned(),
        ),
        (Code::PROVIDER, "userinfo_endpoint") if node.is_none() => {
            Some("give it, set `provider.discovery: true`, or remove `login.userinfo`".to_owned())
        }
        (Code::PROVIDER, "token_endpoint_auth_method") if text == "private_key_jwt" => {
            Some("add `client_key: {pem: {env: NAME}}` to the tenant".to_owned())
        }
        (Code::PROVIDER, "token_endpoint_auth_method") if !has_help => {
            Some("add `client_secret: {env: NAME}` to the tenant".to_owned())
        }
        (Code::PROVIDER, "jwks_max_age") | (Code::REFRESH, "max_stale") => {
            Some(format!("write a longer one, or leave `{}` out", field_of(place)))
        }
        (Code::CLIENT, "client_id") => Some("write the client id that the issuer shows for this client".to_owned()),
        (Code::SESSION, "id") => Some("write letters, digits and hyphens, such as \"2026-11\"".to_owned()),
        (Code::SESSION, "idle") => Some("write a shorter `idle`, or leave it out".to_owned()),
        (Code::SHARED, "hosts") => Some("remove it from one of the two".to_owned()),
        (Code::HEADERS, _) if found.message.contains("name of a claim") => {
            Some("write the name of one claim, such as `department`".to_owned())
        }
        (Code::HEADERS, _) if found.message.contains("is also the name") => {
            Some("give each header a name of its own".to_owned())
        }
        (Code::HEADERS, _) if found.message.contains("is not a header name") => {
            Some("write letters, digits and hyphens, such as `x-auth-request-user`".to_owned())
        }
        (Code::HEADERS, _) if !has_help => Some("write the name of a header, or `false` for none".to_owned()),
        (Code::IDENTITY, _) if node.is_some_and(|node| !node.members().is_empty()) => {
            let claim = node?.get("claim").and_then(Node::text).unwrap_or("groups");
            Some(format!("write `{}: {claim}`", field_of(place)))
        }
        _ => None,
    }
}

/// Who is let in, written in another way.
fn allow(node: &Node, tenant: Option<&Node>) -> Option<String> {
    let names: Vec<&str> = match node.text() {
        Some(text) => vec![text],
        None => node.elements().iter().filter_map(Node::text).collect(),
    };
    match names[..] {
        [] => None,
        ["all" | "authenticated" | "user" | "users" | "true" | "yes" | "any" | "*"] => {
            Some("write `any_user` for every user of the tenant, or `public` for everybody".to_owned())
        }
        ["anonymous" | "everyone" | "everybody" | "none"] => {
            Some("write `public` if nobody has to sign in there, or `any_user` for every user of the tenant".to_owned())
        }
        _ => {
            let are_roles =
                tenant.is_some_and(|tenant| names.iter().all(|name| roles(tenant).any(|role| role == *name)));
            let field = if are_roles { "roles" } else { "groups" };
            Some(format!("write `{{{field}: [{}]}}`", names.join(", ")))
        }
    }
}

fn roles(tenant: &Node) -> impl Iterator<Item = &str> {
    let roles = tenant.get("roles").into_iter().flat_map(Node::elements);
    roles.filter_map(|role| role.get("name")?.text())
}

fn role(text: &str, tenant: Option<&Node>) -> Option<String> {
    let names: Vec<&str> = roles(tenant?).collect();
    let near = names.iter().min_by_key(|name| strsim::osa_distance(name, text));
    match near.filter(|name| strsim::osa_distance(name, text) <= 2) {
        Some(near) => Some(format!("did you mean \"{near}\"?")),
        None => Some(format!(
            "write `groups: [{text}]` if it is a group, or add it: `roles: [{{name: {text}, groups: [...]}}]`"
        )),
    }
}

/// The network that has the address.
fn network(text: &str) -> Option<String> {
    let (address, prefix) = text.split_once('/')?;
    let prefix: u32 = prefix.parse().ok()?;
    let (bits, length) = match address.parse().ok()? {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32_u32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let rest = length.checked_sub(prefix)?;
    let first = bits.checked_shr(rest).unwrap_or_default().checked_shl(rest).unwrap_or_default();
    let first = match length {
        32 => IpAddr::from(u32::try_from(first).ok()?.to_be_bytes()),
        _ => IpAddr::from(first.to_be_bytes()),
    };
    Some(format!("{first}/{prefix}"))
}

fn host(found: &Diagnostic, text: &str) -> Option<String> {
    if found.message.contains("listed twice") {
        return Some("remove it here".to_owned());
    }
    if !text.is_ascii() {
        return Some("write the name as DNS has it, with `xn--` before each part that is not ASCII".to_owned());
    }
    if text == "*" || text.starts_with("*.") {
        return Some("name each host, or a domain of yours with `*.` before it: \"*.acme.example\"".to_owned());
    }
    if let Some(bare) = text.strip_prefix('.') {
        return Some(format!("write \"{bare}\", and \"*.{bare}\" for all below it"));
    }
    Some("write the name that stands in the address bar, such as \"acme.example.com\"".to_owned())
}

fn scopes(node: &Node) -> Option<String> {
    if let Some(text) = node.text() {
        let each: Vec<&str> = text.split([' ', ',']).filter(|part| !part.is_empty()).collect();
        return Some(match each.len() {
            0 | 1 => "remove it, or write one scope of the issuer".to_owned(),
            _ => format!("write each scope on its own: [{}]", each.join(", ")),
        });
    }
    let scopes: Vec<&str> = node.elements().iter().filter_map(Node::text).collect();
    let others: Vec<&str> = scopes.into_iter().filter(|scope| !scope.eq_ignore_ascii_case("openid")).collect();
    let all: Vec<&str> = std::iter::once("openid").chain(others).collect();
    Some(format!("write [{}]", all.join(", ")))
}

/// The two fields that a tenant with a wildcard or several hosts has.
fn several_hosts(tenant: &Node) -> Option<String> {
    let hosts = tenant.get("hosts").map(Node::elements).unwrap_or_default();
    let names: Vec<&str> = hosts.iter().filter_map(Node::text).collect();
    let domain = names.iter().find_map(|host| host.strip_prefix("*.")).or_else(|| names.first().copied())?;
    let exact = names.iter().find(|host| !host.contains('*'));
    let host = exact.map_or_else(|| format!("login.{domain}"), ToString::to_string);
    Some(format!("write `login: {{redirect_uri: \"https://{host}/oauth2/callback\", cookie_domain: {domain}}}`"))
}

fn method(text: &str) -> Option<String> {
    let each: Vec<String> =
        text.split([',', ' ']).filter(|part| !part.is_empty()).map(str::to_ascii_uppercase).collect();
    match &each[..] {
        [one] if one == "*" => Some("leave `methods` out for all methods".to_owned()),
        [one] if one.bytes().all(|b| b.is_ascii_uppercase()) => Some(format!("write {one}, in upper case")),
        [] | [_] => Some("write it in upper case, such as GET".to_owned()),
        _ => Some(format!("write [{}]", each.join(", "))),
    }
}

/// The URI with the path of the callback, on its own host if that is one of the tenant.
fn redirect_uri(text: &str, tenant: &Node) -> Option<String> {
    let hosts: Vec<&str> =
        tenant.get("hosts").map(Node::elements).unwrap_or_default().iter().filter_map(Node::text).collect();
    let path = tenant.find(&["login", "callback_path"]).and_then(Node::text).unwrap_or("/oauth2/callback");
    let authority = text.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let name = authority.split(':').next().and_then(|name| Host::from_name(name).ok());
    let serves =
        |host: &&&str| HostPattern::parse(host).is_ok_and(|host| name.as_ref().is_some_and(|name| host.matches(name)));
    if hosts.iter().any(|host| serves(&host)) {
        let scheme = text.split("://").next()?;
        return Some(format!("write \"{scheme}://{authority}{path}\""));
    }
    match hosts.iter().find(|host| !host.contains('*')) {
        Some(exact) => Some(format!("write \"https://{exact}{path}\"")),
        None => Some(format!(
            "write a host that `hosts` fits, such as \"https://{}{path}\"",
            hosts.first()?.replace('*', "www")
        )),
    }
}

fn cookie_domain(text: &str, tenant: &Node) -> Option<String> {
    let bare = text.trim_start_matches(['.', '*']);
    if bare != text && bare.contains('.') {
        return Some(format!("write \"{bare}\""));
    }
    let hosts = tenant.get("hosts").map(Node::elements).unwrap_or_default();
    let host = hosts.iter().filter_map(Node::text).next()?.trim_start_matches("*.");
    Some(format!("write a domain that all `hosts` are in, such as \"{host}\", or leave it out where no host has a `*`"))
}
