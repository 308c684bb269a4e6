//! Public keys as JWK and JWK Set (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).

use serde_json::{Map, Value};

use super::algorithm::SignatureAlgorithm;
use super::der::Curve;
use super::key_error::KeyError;
use super::verification_key::VerificationKey;
use crate::base::encoding::from_base64url;

/// Reads one public key.
///
/// # Errors
/// [`KeyError`] if it is not a usable public key. The error contains no key material.
pub fn parse_jwk(jwk: &Map<String, Value>) -> Result<VerificationKey, KeyError> {
    let kind = text(jwk, "kty")?.ok_or(KeyError::Malformed("`kty` is missing"))?;
    if kind == "oct" {
        return Err(KeyError::Symmetric);
    }
    if PRIVATE.iter().any(|&name| member(jwk, name).is_some()) {
        return Err(KeyError::Private);
    }
    if !is_for_signatures(jwk)? {
        return Err(KeyError::NotForSignatures);
    }
    let declared = text(jwk, "alg")?;
    // A key of an unsupported algorithm, such as RSA-OAEP or ES256K, is unsupported and not
    // malformed.
    if let Some(unknown) = declared.filter(|name| SignatureAlgorithm::parse(name).is_none()) {
        return Err(KeyError::Unsupported(format!("`alg` {unknown:?}")));
    }
    let key = match (kind, text(jwk, "crv")?) {
        ("RSA", _) => VerificationKey::rsa(&octets(jwk, "n")?, &octets(jwk, "e")?)?,
        ("EC", Some("P-256")) => elliptic(Curve::P256, jwk)?,
        ("EC", Some("P-384")) => elliptic(Curve::P384, jwk)?,
        ("EC", Some("P-521")) => elliptic(Curve::P521, jwk)?,
        ("OKP", Some("Ed25519")) => VerificationKey::ed25519(&octets(jwk, "x")?)?,
        ("EC" | "OKP", Some(curve)) => return Err(KeyError::Unsupported(format!("`crv` {curve:?}"))),
        ("EC" | "OKP", None) => return Err(KeyError::Malformed("`crv` is missing")),
        (kind, _) => return Err(KeyError::Unsupported(format!("`kty` {kind:?}"))),
    };
    let key = match declared {
        Some(declared) => key.for_algorithm(declared)?,
        None => key,
    };
    Ok(key.with_kid(text(jwk, "kid")?.map(str::to_owned)))
}

/// Reads the usable keys of a configured set. Keys for other purposes and of unsupported algorithms
/// are omitted (RFC 7517 section 5).
///
/// # Errors
/// The [`KeyError`] of every other unusable key with its position in `keys`, because an operator
/// can correct it.
pub fn parse_jwks(keys: &[Value]) -> Result<Vec<VerificationKey>, Vec<(usize, KeyError)>> {
    let (good, problems) = read_each(keys);
    let wrong: Vec<_> = problems.into_iter().filter(|(_, problem)| !problem.is_foreign()).collect();
    if wrong.is_empty() { Ok(good) } else { Err(wrong) }
}

/// Returns the usable keys of a set that an issuer publishes. One unusable key does not make the
/// set unusable. A key that is costly to verify with is unusable here, because nobody who runs the
/// gateway has chosen it.
pub fn read_jwks(keys: &[Value]) -> Vec<VerificationKey> {
    let (good, _) = read_each(keys);
    good.into_iter().filter(|key| !key.is_costly()).collect()
}

/// Returns the keys that can be read, and the error of each other key with its position in `keys`.
fn read_each(keys: &[Value]) -> (Vec<VerificationKey>, Vec<(usize, KeyError)>) {
    let mut good = Vec::new();
    let mut problems = Vec::new();
    for (position, key) in keys.iter().enumerate() {
        let parsed = key.as_object().ok_or(KeyError::Malformed("it is not an object")).and_then(parse_jwk);
        match parsed {
            Ok(key) => good.push(key),
            Err(problem) => problems.push((position, problem)),
        }
    }
    (good, problems)
}

/// Whether `use` and `key_ops`, if they are present, allow verification (RFC 7517 sections 4.2 and
/// 4.3).
fn is_for_signatures(jwk: &Map<String, Value>) -> Result<bool, KeyError> {
    if text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Ok(false);
    }
    match member(jwk, "key_ops") {
        None => Ok(true),
        Some(Value::Array(operations)) => Ok(operations.iter().any(|operation| operation == "verify")),
        Some(_) => Err(KeyError::Malformed("`key_ops` is not an array")),
    }
}

fn elliptic(curve: Curve, jwk: &Map<String, Value>) -> Result<VerificationKey, KeyError> {
    VerificationKey::elliptic(curve, &octets(jwk, "x")?, &octets(jwk, "y")?)
}

fn octets(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyError> {
    let text = text(jwk, name)?.ok_or(KeyError::Malformed("a member that its `kty` requires is missing"))?;
    from_base64url(text).ok_or(KeyError::Malformed("a member is not base64url without padding"))
}

/// The member `name`. `null` counts as absent, because some issuers send it for a member that the
/// key does not have.
fn member<'a>(jwk: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    jwk.get(name).filter(|value| !value.is_null())
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, KeyError> {
    match member(jwk, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyError::Malformed("a member that must be a string has another type")),
    }
}

/// The private members of RFC 7518 sections 6.2.2 and 6.3.2, and RFC 8037 section 2.
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];
