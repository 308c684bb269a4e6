//! `tenants[].provider`: the endpoints of the issuer.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::client_authentication::{AuthMethod, Credential};
use super::csrf::origin;
use super::cursor::{Cursor, Object};
use super::request::is_reserved_parameter;
use super::values::{Scheme, duration, listed, url};
use crate::tenant::{Endpoints, ProviderConfig, ProviderSource, SourceStart};

/// Reads the provider and the authentication method of the client. `without` are the endpoints of
/// a tenant that configures none. Each is `None` if a part of it
/// could not be read.
pub(super) fn provider(
    at: &Cursor<'_>,
    scheme: Scheme,
    issuer: Option<&str>,
    credential: Credential,
    without: &Arc<Endpoints>,
) -> (Option<ProviderConfig>, Option<AuthMethod>) {
    let object = at.required_object();
    let cluster = cluster(&object.field("cluster"));
    let discovers = object.field("discovery").boolean() == Some(true);
    let start = start(&object.field("jwks_uri"), discovers, scheme, issuer);
    let authorization = endpoint(&object, "authorization_endpoint", scheme, discovers);
    let token = endpoint(&object, "token_endpoint", scheme, discovers);
    let userinfo = url(&object.field("userinfo_endpoint"), scheme);
    let end_session = url(&object.field("end_session_endpoint"), scheme);
    let revocation = url(&object.field("revocation_endpoint"), scheme);
    let names_issuer = object.field("authorization_response_iss_parameter_supported").boolean().unwrap_or(false);
    let origins = origins(&object.field("trusted_origins"), discovers, scheme, issuer.filter(|_| fetches(at)));
    let source = source(&object, start, origins, fetches(at), scheme);
    let method = auth_method(&object.field("token_endpoint_auth_method"), credential);
    let timeout = duration(&object.field("timeout"), DEFAULT_TIMEOUT, MIN_TIMEOUT..=MAX_TIMEOUT);
    object.finish();
    let complete = discovers || (authorization.is_some() && token.is_some());
    let provider = (|| {
        let [authorization, token, userinfo, end_session, revocation] =
            [authorization, token, userinfo, end_session, revocation].map(|url| url.map(|url| *url));
        let endpoints = complete.then_some(Endpoints { authorization, token, userinfo, end_session, revocation })?;
        Some(ProviderConfig {
            cluster: cluster?,
            timeout: timeout?,
            endpoints: if endpoints == **without { without.clone() } else { Arc::new(endpoints) },
            authorization_response_iss_parameter_supported: names_issuer,
            source: source?.map(Box::new),
        })
    })();
    (provider, method)
}

/// Whether the section requests that documents are fetched, even if it has mistakes.
pub(super) fn fetches(at: &Cursor<'_>) -> bool {
    let member = |name| at.value().and_then(|section| section.get(name));
    member("jwks_uri").is_some() || member("discovery").is_some_and(|discovery| discovery.as_bool() != Some(false))
}

/// The first URL to fetch (OpenID Connect Discovery 1.0 section 4.1). `None` if nothing is fetched.
fn start(jwks_uri: &Cursor<'_>, discovers: bool, scheme: Scheme, issuer: Option<&str>) -> Option<SourceStart> {
    if !discovers {
        return url(jwks_uri, scheme).map(|url| SourceStart::JwksUri(*url));
    }
    if jwks_uri.is_present() {
        return jwks_uri.refuse("is found by `discovery`; remove one of them");
    }
    let url = format!("{}/.well-known/openid-configuration", issuer?.trim_end_matches('/'));
    Url::parse(&url).ok().map(SourceStart::Discovery)
}

/// Reads the origins that discovered addresses may have. That of the issuer is one of them, if
/// documents are fetched.
fn origins(trusted: &Cursor<'_>, discovers: bool, scheme: Scheme, issuer: Option<&str>) -> Option<Vec<String>> {
    let mut origins = listed(trusted, &mut |at| origin(at, scheme))?;
    if trusted.is_present() && !discovers {
        return trusted.refuse("is for addresses that `discovery` finds; remove it, or set `discovery: true`");
    }
    origins.extend(issuer.and_then(|issuer| Some(Url::parse(issuer).ok()?.origin().ascii_serialization())));
    Some(origins)
}

/// Reads the intervals of fetching. `Some(None)` if nothing is fetched.
fn source(
    object: &Object<'_>,
    start: Option<SourceStart>,
    origins: Option<Vec<String>>,
    fetches: bool,
    scheme: Scheme,
) -> Option<Option<ProviderSource>> {
    let (interval_at, max_age_at) = (object.field("jwks_interval"), object.field("jwks_max_age"));
    let interval = duration(&interval_at, DEFAULT_INTERVAL, MIN_INTERVAL..=MAX_INTERVAL)?;
    let default_age = DEFAULT_MAX_AGE.max(interval.saturating_mul(2));
    let max_age = duration(&max_age_at, default_age, MIN_INTERVAL..=MAX_AGE)?;
    if max_age < interval {
        return max_age_at.refuse("is shorter than `jwks_interval`, so there would be times without keys");
    }
    if !fetches {
        for field in [interval_at, max_age_at].iter().filter(|field| field.is_present()) {
            field.error("needs `discovery` or `jwks_uri`; without them nothing is fetched");
        }
        return Some(None);
    }
    let insecure = matches!(scheme, Scheme::Insecure);
    Some(Some(ProviderSource { start: start?, insecure, origins: origins?, interval, max_age }))
}

/// Reads the name of an Envoy cluster.
pub(super) fn cluster(at: &Cursor<'_>) -> Option<String> {
    let text = at.required_text()?;
    if text.is_empty() || text.chars().any(char::is_control) {
        return at.refuse("is not the name of an Envoy cluster");
    }
    Some(text.to_owned())
}

/// Reads an endpoint. Its query must not have a parameter that Tenantgate adds: each parameter may
/// occur once (RFC 6749 section 3.1).
fn endpoint(object: &Object<'_>, name: &'static str, scheme: Scheme, discovers: bool) -> Option<Box<Url>> {
    let at = object.field(name);
    if !at.is_present() && !discovers {
        return at.missing("give it, or set `discovery: true`");
    }
    let url = url(&at, scheme)?;
    match url.query_pairs().find(|(name, _)| is_reserved_parameter(name)) {
        Some((name, _)) => {
            at.refuse(format!("has the parameter {name:?} in its query, which Tenantgate sets itself; leave it out"))
        }
        None => Some(url),
    }
}

/// Reads the authentication method of the client, and checks that the tenant has the `credential`
/// for it (OpenID Connect Core section 9).
fn auth_method(at: &Cursor<'_>, credential: Credential) -> Option<AuthMethod> {
    let method = match at.text() {
        Some("client_secret_basic") => AuthMethod::Basic,
        Some("client_secret_post") => AuthMethod::Post,
        Some("private_key_jwt") => AuthMethod::PrivateKeyJwt,
        Some("none") => AuthMethod::None,
        Some(other) => {
            return at.refuse(format!(
                "{other:?} is not supported; use client_secret_basic, client_secret_post, private_key_jwt or none"
            ));
        }
        None if at.is_present() => return None,
        None => match credential {
            Credential::None => AuthMethod::None,
            Credential::Secret => AuthMethod::Basic,
            Credential::Key => AuthMethod::PrivateKeyJwt,
        },
    };
    match (method, credential) {
        (AuthMethod::None, Credential::None)
        | (AuthMethod::Basic | AuthMethod::Post, Credential::Secret)
        | (AuthMethod::PrivateKeyJwt, Credential::Key) => {}
        (AuthMethod::None, Credential::Secret) => {
            at.error("is none, but there is a `client_secret`; leave one of them out");
        }
        (AuthMethod::None, Credential::Key) => at.error("is none, but there is a `client_key`; leave one of them out"),
        (AuthMethod::Basic | AuthMethod::Post, _) => at.error("needs a `client_secret`, and there is none"),
        (AuthMethod::PrivateKeyJwt, _) => at.error("needs a `client_key`, and there is none"),
    }
    Some(method)
}

const DEFAULT_INTERVAL: Duration = Duration::from_secs(5 * 60);
const MIN_INTERVAL: Duration = Duration::from_secs(30);
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
const MIN_TIMEOUT: Duration = Duration::from_millis(100);
const MAX_TIMEOUT: Duration = Duration::from_secs(60);
