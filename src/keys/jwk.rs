//! Public keys as JWK and JWKS (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).

use serde_json::{Map, Value};

use super::algorithm::SignatureAlgorithm;
use super::key::VerificationKey;
use super::problem::KeyProblem;
use crate::encode::from_base64url;

/// Reads one public key.
///
/// # Errors
/// [`KeyProblem`], without anything of the key.
pub fn parse_jwk(jwk: &Map<String, Value>) -> Result<VerificationKey, KeyProblem> {
    let kind = text(jwk, "kty")?.ok_or(KeyProblem::Malformed("`kty` is missing"))?;
    if kind == "oct" {
        return Err(KeyProblem::Symmetric);
    }
    if PRIVATE.iter().any(|&member| jwk.contains_key(member)) {
        return Err(KeyProblem::Private);
    }
    if !is_for_signatures(jwk)? {
        return Err(KeyProblem::NotForSignatures);
    }
    let declared = text(jwk, "alg")?;
    let key = match (kind, curve(jwk)?) {
        ("RSA", _) if declared.is_none_or(|alg| alg == SignatureAlgorithm::Rs256.name()) => {
            VerificationKey::rsa(&octets(jwk, "n")?, &octets(jwk, "e")?)?
        }
        ("EC", Some("P-256")) => VerificationKey::p256(&p256_point(jwk)?)?,
        ("OKP", Some("Ed25519")) => VerificationKey::ed25519(&octets(jwk, "x")?)?,
        ("RSA", _) => return Err(KeyProblem::Unsupported(format!("`alg` {:?}", declared.unwrap_or_default()))),
        ("EC" | "OKP", Some(curve)) => return Err(KeyProblem::Unsupported(format!("`crv` {curve:?}"))),
        ("EC" | "OKP", None) => return Err(KeyProblem::Malformed("`crv` is missing")),
        (kind, _) => return Err(KeyProblem::Unsupported(format!("`kty` {kind:?}"))),
    };
    match declared {
        Some(declared) if declared != key.algorithm().name() => {
            Err(KeyProblem::AlgorithmMismatch { declared: declared.to_owned(), actual: key.algorithm().name() })
        }
        _ => Ok(key.with_kid(text(jwk, "kid")?.map(str::to_owned))),
    }
}

/// Reads the usable keys of a set. Keys for something else are left out, as RFC 7517 section 5 wants it.
///
/// # Errors
/// Each key that is wrong, with its position in `keys`.
pub fn parse_jwks(keys: &[Value]) -> Result<Vec<VerificationKey>, Vec<(usize, KeyProblem)>> {
    let mut good = Vec::new();
    let mut wrong = Vec::new();
    for (position, key) in keys.iter().enumerate() {
        let parsed = key.as_object().ok_or(KeyProblem::Malformed("it is not an object")).and_then(parse_jwk);
        match parsed {
            Ok(key) => good.push(key),
            Err(problem) if problem.is_foreign() => {}
            Err(problem) => wrong.push((position, problem)),
        }
    }
    if wrong.is_empty() { Ok(good) } else { Err(wrong) }
}

/// `use` and `key_ops`, where they are present (RFC 7517 sections 4.2 and 4.3).
fn is_for_signatures(jwk: &Map<String, Value>) -> Result<bool, KeyProblem> {
    if text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Ok(false);
    }
    match jwk.get("key_ops") {
        None => Ok(true),
        Some(Value::Array(operations)) => Ok(operations.iter().any(|operation| operation == "verify")),
        Some(_) => Err(KeyProblem::Malformed("`key_ops` is not an array")),
    }
}

fn curve(jwk: &Map<String, Value>) -> Result<Option<&str>, KeyProblem> {
    text(jwk, "crv")
}

/// The uncompressed point of SEC1 section 2.3.3.
fn p256_point(jwk: &Map<String, Value>) -> Result<Vec<u8>, KeyProblem> {
    let (x, y) = (octets(jwk, "x")?, octets(jwk, "y")?);
    if x.len() != P256_COORDINATE || y.len() != P256_COORDINATE {
        return Err(KeyProblem::Malformed("`x` and `y` of a P-256 key have 32 bytes each"));
    }
    Ok([&[4][..], &x, &y].concat())
}

fn octets(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyProblem> {
    let text = text(jwk, name)?.ok_or(KeyProblem::Malformed("a member that its `kty` requires is missing"))?;
    from_base64url(text).ok_or(KeyProblem::Malformed("a member is not base64url without padding"))
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, KeyProblem> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyProblem::Malformed("a member that has to be a string is none")),
    }
}

/// The private members of RFC 7518 sections 6.2.2 and 6.3.2, and RFC 8037 section 2.
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];
const P256_COORDINATE: usize = 32;
