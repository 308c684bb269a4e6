//! The signed document of a tenant: a JWS in compact serialization (RFC 7515 section 7.1).

use std::fmt;

use serde_json::{Map, Value, json};

use crate::base::encoding::base64url;
use crate::base::json;
use crate::base::time::UnixTime;
use crate::jose::{HostVerifier, KeySet, KnownHeaders, SigningKey, UntrustedToken, Verifier};

/// The document of a tenant, whose signature was verified.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantDocument {
    /// The tenant, as `tenants[]` of the configuration has it. Its secrets may be sealed.
    pub tenant: Map<String, Value>,
    /// When it was signed.
    pub signed_at: UnixTime,
}

/// The reason why a value is not the document of a tenant. It contains no part of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// It is longer than [`TenantDocument::MAX_LENGTH`].
    TooLong,
    /// It is not a JWS with the type and the members of a document.
    Malformed,
    /// None of the keys has its algorithm and its `kid`.
    UnknownKey,
    /// The signature does not verify.
    Signature,
    /// It is the document of another tenant.
    OtherTenant,
}

impl TenantDocument {
    /// The most bytes of a signed document. An answer of etcd, of which 64 KiB are read, has a
    /// third more.
    pub const MAX_LENGTH: usize = 44 * 1024;

    /// The signed document. `None` if the key is an RSA key and `host` does not sign.
    pub fn sign(&self, key: &SigningKey, host: &dyn HostVerifier) -> Option<String> {
        let mut header = json!({ "alg": key.algorithm().name(), "typ": TYP });
        if let (Some(kid), Some(members)) = (key.kid(), header.as_object_mut()) {
            members.insert("kid".to_owned(), kid.into());
        }
        let payload = json!({ "iat": self.signed_at.0, "tenant": self.tenant });
        let parts = [header, payload].map(|part| base64url(json::write(&part).as_bytes()));
        let input = parts.join(".");
        let signature = key.sign(input.as_bytes(), host)?;
        Some([input, base64url(&signature)].join("."))
    }

    /// Verifies a document with the keys of the operator. The `name` is that of its key in etcd:
    /// without it, whoever writes to etcd could put the document of one tenant in place of another.
    ///
    /// # Errors
    /// [`DocumentError`] if the value is not a document, or not one of this tenant and these keys.
    pub fn open(value: &[u8], name: &str, keys: &KeySet, verifier: Verifier<'_>) -> Result<Self, DocumentError> {
        let text = std::str::from_utf8(value).map_err(|_| DocumentError::Malformed)?;
        if text.len() > Self::MAX_LENGTH {
            return Err(DocumentError::TooLong);
        }
        let untrusted = UntrustedToken::parse_within(text, &KnownHeaders::default(), Self::MAX_LENGTH)
            .map_err(|_| DocumentError::Malformed)?;
        if untrusted.header.typ.as_deref() != Some(TYP) {
            return Err(DocumentError::Malformed);
        }
        let UntrustedToken { signing_input, signature, payload, .. } = &untrusted;
        let mut is_known = false;
        let mut candidates = keys.candidates(untrusted.header.algorithm, untrusted.header.kid.as_deref());
        let verifies = candidates.any(|key| {
            is_known = true;
            key.verify_by_host(signing_input, signature, verifier)
                .unwrap_or_else(|| key.verify_by_module(signing_input, signature))
        });
        if !verifies {
            return Err(if is_known { DocumentError::Signature } else { DocumentError::UnknownKey });
        }
        let mut payload = json::parse_object(payload).map_err(|_| DocumentError::Malformed)?;
        let signed_at = payload.get("iat").and_then(Value::as_u64).ok_or(DocumentError::Malformed)?;
        let Some(Value::Object(tenant)) = payload.remove("tenant") else { return Err(DocumentError::Malformed) };
        let own = tenant.get("name").and_then(Value::as_str).ok_or(DocumentError::Malformed)?;
        if !own.eq_ignore_ascii_case(name) {
            return Err(DocumentError::OtherTenant);
        }
        Ok(Self { tenant, signed_at: UnixTime(signed_at) })
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "it is longer than 44 KiB",
            Self::Malformed => "it is not a signed tenant; write it with `tenantgate tenants apply`",
            Self::UnknownKey => "it is signed with a key that `tenants_from.keys` does not have",
            Self::Signature => "its signature does not verify with `tenants_from.keys`",
            Self::OtherTenant => "it is the document of another tenant",
        })
    }
}

impl std::error::Error for DocumentError {}

/// The type of the JWS, so that no other token of the same key is a document.
const TYP: &str = "tenantgate-tenant+jws";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{HostAlgorithms, NoHostVerifier, VerificationKey, parse_jwk};

    fn key(seed: u8, kid: &str) -> SigningKey {
        let seed = base64url(&[seed; 32]);
        SigningKey::from_jwk(&format!(r#"{{"kty":"OKP","crv":"Ed25519","d":"{seed}","kid":"{kid}"}}"#)).unwrap()
    }

    fn public(key: &SigningKey) -> VerificationKey {
        parse_jwk(&key.public_jwk().unwrap()).unwrap()
    }

    fn open(value: &str, name: &str, keys: Vec<VerificationKey>) -> Result<TenantDocument, DocumentError> {
        let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::NONE };
        TenantDocument::open(value.as_bytes(), name, &KeySet::new(keys).unwrap(), verifier)
    }

    fn document(name: &str) -> TenantDocument {
        let tenant = json!({ "name": name, "hosts": ["acme.example"] });
        TenantDocument { tenant: tenant.as_object().unwrap().clone(), signed_at: UnixTime(1_800_000_000) }
    }

    #[test]
    fn only_a_document_of_this_tenant_and_these_keys_opens() {
        let (own, other) = (key(1, "a"), key(2, "a"));
        let signed = document("Acme").sign(&own, &NoHostVerifier).unwrap();
        assert_eq!(open(&signed, "acme", vec![public(&own)]), Ok(document("Acme")));
        assert_eq!(open(&signed, "globex", vec![public(&own)]), Err(DocumentError::OtherTenant));
        assert_eq!(open(&signed, "acme", vec![public(&other)]), Err(DocumentError::Signature));
        assert_eq!(open(&signed, "acme", vec![public(&key(1, "b"))]), Err(DocumentError::UnknownKey));
        let [header, _, signature] = signed.split('.').collect::<Vec<_>>().try_into().unwrap();
        let payload = base64url(br#"{"iat":1,"tenant":{"name":"acme","hosts":["evil.example"]}}"#);
        let forged = [header, &payload, signature].join(".");
        assert_eq!(open(&forged, "acme", vec![public(&own)]), Err(DocumentError::Signature));
    }

    /// The same key may sign other things.
    #[test]
    fn another_token_of_the_same_key_is_no_document() {
        let own = key(1, "a");
        let payload = base64url(br#"{"iat":1,"tenant":{"name":"acme"}}"#);
        for (typ, is_document) in [("JWT", false), (TYP, true)] {
            let header = json!({ "alg": "EdDSA", "kid": "a", "typ": typ });
            let input = [base64url(json::write(&header).as_bytes()), payload.clone()].join(".");
            let signature = base64url(&own.sign(input.as_bytes(), &NoHostVerifier).unwrap());
            assert_eq!(open(&[input, signature].join("."), "acme", vec![public(&own)]).is_ok(), is_document);
        }
    }

    #[test]
    fn what_is_no_document() {
        let keys = || vec![public(&key(1, "a"))];
        for value in ["", "a.b", "a.b.c", "{}"] {
            assert_eq!(open(value, "acme", keys()), Err(DocumentError::Malformed), "{value}");
        }
        let long = "a".repeat(TenantDocument::MAX_LENGTH + 1);
        assert_eq!(open(&long, "acme", keys()), Err(DocumentError::TooLong));
    }
}
