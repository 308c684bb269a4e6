//! The keys of the provider, compared with the configured ones.

use serde_json::{Map, Value};
use tenantgate::jose::{VerificationKey, parse_jwk, read_jwks};
use tenantgate::tenant::{SourceStart, Tenant};
use url::Url;

use super::finding::{Finding, compared, quoted};
use super::metadata::Metadata;
use crate::client::Client;

/// The findings about the keys, if it is known where they are published.
pub(super) fn probe(client: &Client, tenant: &Tenant, metadata: Option<&Metadata>) -> Vec<Finding> {
    let start = tenant.provider.source.as_ref().map(|source| &source.start);
    let url = match start {
        Some(SourceStart::JwksUri(url)) => Some(url.clone()),
        Some(SourceStart::Discovery(_)) | None => {
            metadata.and_then(|metadata| metadata.text("jwks_uri")).and_then(|uri| Url::parse(uri).ok())
        }
    };
    let Some(url) = url else {
        return vec![Finding::warning(ABOUT, "not compared: the provider names no `jwks_uri`")];
    };
    let (fetches, has_configured) = (start.is_some(), !tenant.keys.is_empty());
    let failed = |message: String| Finding::error_if(fetches, ABOUT, format!("{url}: {message}"));
    let keys = match client.document(&url) {
        Err(reason) => return vec![failed(reason)],
        Ok(answer) if answer.status != 200 => {
            return vec![failed(format!("expected status 200, received {}", answer.status))];
        }
        Ok(answer) => match serde_json::from_slice::<Map<String, Value>>(&answer.body) {
            Ok(mut set) if set.get("keys").is_some_and(Value::is_array) => set.remove("keys").unwrap_or_default(),
            _ => return vec![failed("expected a JWK Set, received something else".to_owned())],
        },
    };
    let keys = keys.as_array().map(Vec::as_slice).unwrap_or_default();
    let published = read_jwks(keys);
    let mut found = Vec::new();
    if published.is_empty() {
        found.push(failed(format!("expected a key that verifies signatures, received {} that do not", keys.len())));
    } else if fetches {
        let left_out = keys.len().saturating_sub(published.len());
        let names: Vec<String> = published.iter().map(name).collect();
        let rest = if left_out == 0 { String::new() } else { format!("; {left_out} of no use were left out") };
        found.push(Finding::ok(ABOUT, format!("the provider publishes {}{rest}", names.join(", "))));
    }
    if has_configured {
        found.extend(tenant.keys.iter().map(|key| configured(key, &published, fetches)));
        if !fetches {
            found.extend(missing(tenant, keys));
        }
    }
    found
}

/// A configured key: is it published, and under the same `kid`?
fn configured(key: &VerificationKey, published: &[VerificationKey], fetches: bool) -> Finding {
    let same = published.iter().find(|other| other.thumbprint() == key.thumbprint());
    match (same, key.kid()) {
        (Some(other), Some(kid)) if other.kid().is_some_and(|published| published != kid) => {
            let message = compared("`kid` of a configured key", kid, other.kid().unwrap_or_default());
            Finding::error(ABOUT, message).help("write the published `kid`, which tokens name, or remove it")
        }
        (Some(_), _) => Finding::ok(ABOUT, format!("the configured {} is published", name(key))),
        (None, Some(kid)) if published.iter().any(|other| other.kid() == Some(kid)) => {
            let message = format!("{kid:?} is published with another key than the configured one");
            Finding::error(ABOUT, message)
                .help("the provider has another key now: write that one, or `provider.discovery: true`")
        }
        (None, _) => {
            let message = format!("the configured {} is not published", name(key));
            let help = "compare it with the provider's; for one that changes its keys write `provider.discovery: true`";
            // An old one may stay until nothing is signed with it any more.
            Finding::error_if(published.len() == 1 && !fetches, ABOUT, message).help(help)
        }
    }
}

/// The published keys that are not configured.
fn missing(tenant: &Tenant, keys: &[Value]) -> Vec<Finding> {
    let unknown = keys.iter().filter_map(|jwk| {
        let key = parse_jwk(jwk.as_object()?).ok()?;
        (!tenant.keys.contains(&key.thumbprint())).then(|| {
            let message = format!("the published {} is not configured: a token that it signs is refused", name(&key));
            Finding::warning(ABOUT, message).help(format!("add to `keys`: {{jwk: {}}}", shown(jwk)))
        })
    });
    unknown.collect()
}

/// The members that make up a public key.
fn shown(jwk: &Value) -> String {
    let members = ["kty", "crv", "x", "y", "n", "e", "kid", "alg"];
    let public: Map<String, Value> =
        members.iter().filter_map(|name| Some(((*name).to_owned(), jwk.get(*name)?.clone()))).collect();
    Value::Object(public).to_string()
}

fn name(key: &VerificationKey) -> String {
    match key.kid() {
        Some(kid) => format!("key {} ({})", quoted(kid), key.algorithm().name()),
        None => format!("key without `kid` ({})", key.algorithm().name()),
    }
}

const ABOUT: &str = "keys";
