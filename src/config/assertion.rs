//! `assertion`: the signed assertion for upstreams, and its keys.

use std::time::Duration;

use super::cursor::Cursor;
use super::headers::assertion_header;
use super::signing_key::signing_key;
use super::values::{duration, path};
use crate::env::Environment;
use crate::tenant::DEFAULT_ASSERTION;
use crate::upstream::{AssertionSettings, Audience, PublishedKey};

/// Reads the section. `None` if it is absent or has a mistake.
pub(super) fn assertion(at: &Cursor<'_>, environment: &dyn Environment) -> Option<AssertionSettings> {
    if !at.is_present() {
        return None;
    }
    let object = at.object();
    let keys = keys(&object.field("keys"), environment);
    let audiences = match object.field("audiences") {
        at if at.is_present() => at.required_elements().iter().map(audience).collect(),
        _ => Some(vec![Audience::of_host()]),
    };
    let issuer = match object.field("issuer") {
        at if at.text() == Some("") => at.refuse("is empty"),
        at if at.is_present() => at.text().map(str::to_owned),
        _ => Some(DEFAULT_ISSUER.to_owned()),
    };
    let lifetime = duration(&object.field("lifetime"), DEFAULT_LIFETIME, MIN_LIFETIME..=MAX_LIFETIME);
    let header = assertion_header(&object.field("header"), DEFAULT_ASSERTION);
    let jwks_path = path(&object.field("jwks_path"), DEFAULT_JWKS_PATH);
    object.finish();
    Some(AssertionSettings {
        keys: keys?,
        issuer: issuer?,
        audiences: audiences?,
        lifetime: lifetime?,
        header: header?,
        jwks_path: jwks_path?,
    })
}

fn audience(at: &Cursor<'_>) -> Option<Audience> {
    let text = at.text()?;
    let problem = "is not an audience: a text in which {host} and {tenant} stand for those of the request";
    Audience::parse(text).or_else(|| at.refuse(format!("{text:?} {problem}")))
}

fn keys(at: &Cursor<'_>, environment: &dyn Environment) -> Option<Vec<PublishedKey>> {
    let mut kids = Vec::new();
    let elements = at.required_elements();
    let keys = elements.iter().map(|element| {
        let object = element.object();
        let key = signing_key(element, &object, environment);
        object.finish();
        let Some(key) = PublishedKey::new(key?) else {
            return element.refuse("is an RSA key; give one on P-256 or for Ed25519");
        };
        let kid = key.kid().map(str::to_owned);
        if kids.contains(&kid) {
            return element.refuse("has the `kid` of another key; each needs its own");
        }
        kids.push(kid);
        Some(key)
    });
    let keys: Option<Vec<PublishedKey>> = keys.collect::<Vec<_>>().into_iter().collect();
    keys.filter(|keys| !keys.is_empty())
}

const DEFAULT_ISSUER: &str = "tenantgate";
const DEFAULT_JWKS_PATH: &str = "/.well-known/tenantgate/jwks.json";
const DEFAULT_LIFETIME: Duration = Duration::from_secs(5 * 60);
const MIN_LIFETIME: Duration = Duration::from_secs(30);
const MAX_LIFETIME: Duration = Duration::from_secs(60 * 60);
