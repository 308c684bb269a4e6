//! `tenants[].keys`: the configured public keys of the issuer.

use serde_json::Value;

use super::cursor::Cursor;
use super::values::listed;
use crate::jose::{
    AlgorithmSet, HostAlgorithms, KeySet, SignatureAlgorithm, VerificationKey, parse_jwk, parse_jwks, parse_pem,
};

/// Reads the key set. An algorithm that only the host verifies and that this `host` does not
/// support is a mistake. `None` if an entry could not be read, or if two keys are equal or have the
/// same `kid`. If keys are `fetched`, the section may be absent.
pub(super) fn keys(at: &Cursor<'_>, host: HostAlgorithms, fetched: bool) -> Option<KeySet> {
    if fetched && !at.is_present() {
        return Some(KeySet::default());
    }
    if !at.is_present() {
        return at.missing(
            "give the public keys of the issuer, or have them fetched by `provider.discovery` or `provider.jwks_uri`",
        );
    }
    let elements = at.required_elements();
    if elements.is_empty() {
        return None;
    }
    let keys: Option<Vec<_>> = elements.iter().map(entry).collect::<Vec<_>>().into_iter().collect();
    let keys: Vec<VerificationKey> = keys?.into_iter().flatten().collect();
    for key in keys.iter().filter(|key| key.needs_host() && !host.has(key.algorithm())) {
        at.error(format!(
            "{} is verified by the host, and this host cannot; use a key for another algorithm",
            key.algorithm()
        ));
    }
    at.note(KeySet::new(keys))
}

/// Reads the algorithms of ID tokens. `Some(None)` if the field is absent.
pub(super) fn algorithms(at: &Cursor<'_>) -> Option<Option<AlgorithmSet>> {
    let algorithms = listed(at, &mut |at| {
        let name = at.text()?;
        SignatureAlgorithm::parse(name).or_else(|| at.refuse(format!("{name:?} is not a supported algorithm")))
    })?;
    Some(at.is_present().then(|| algorithms.into_iter().collect()))
}

/// Reads one entry: a single key, or the keys of a JWK Set.
fn entry(at: &Cursor<'_>) -> Option<Vec<VerificationKey>> {
    let object = at.object();
    let (pem, jwk, jwks) = (object.field("pem"), object.field("jwk"), object.field("jwks"));
    let (kid, alg) = (object.field("kid"), object.field("alg"));
    let keys = match (pem.is_present(), jwk.is_present(), jwks.is_present()) {
        (true, false, false) => from_pem(&pem, &kid, &alg).map(|key| vec![key]),
        (false, true, false) => from_jwk(&jwk).map(|key| vec![key]),
        (false, false, true) => from_jwks(&jwks),
        _ if object.members().is_some() => at.refuse("has to have exactly one of `pem`, `jwk` and `jwks`"),
        _ => None,
    };
    if !pem.is_present() {
        for field in [kid, alg].iter().filter(|field| field.is_present()) {
            field.error("is for `pem` only; a JWK has its own");
        }
    }
    object.finish();
    keys
}

fn from_pem(pem: &Cursor<'_>, kid: &Cursor<'_>, alg: &Cursor<'_>) -> Option<VerificationKey> {
    let key = pem.note(parse_pem(pem.text()?))?.with_kid(kid.text().map(str::to_owned));
    match alg.text() {
        Some(name) => alg.note(key.for_algorithm(name)),
        None => Some(key),
    }
}

fn from_jwk(at: &Cursor<'_>) -> Option<VerificationKey> {
    at.note(parse_jwk(at.object().members()?))
}

fn from_jwks(at: &Cursor<'_>) -> Option<Vec<VerificationKey>> {
    let object = at.object();
    let list = object.field("keys");
    let elements = list.required_elements();
    let values = list.value().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match parse_jwks(values) {
        Ok(_) if elements.is_empty() => None,
        Ok(keys) if keys.is_empty() => {
            list.refuse("has no key that could verify a token: RSA, EC (P-256, P-384, P-521) or Ed25519")
        }
        Ok(keys) => Some(keys),
        Err(problems) => {
            for (position, problem) in problems {
                if let Some(element) = elements.get(position) {
                    element.error(problem.to_string());
                }
            }
            None
        }
    }
}
