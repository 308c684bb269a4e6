//! The JOSE header of a token (RFC 7515 section 4).

use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::algorithm::SignatureAlgorithm;
use super::token_error::TokenError;
use crate::base::encoding::from_base64url;
use crate::base::json;
use crate::base::json::Members;

/// The parameters of a JOSE header that Tenantgate uses.
#[derive(Debug)]
pub(crate) struct JoseHeader {
    /// The signature algorithm (`alg`).
    pub(crate) algorithm: SignatureAlgorithm,
    /// The Key ID, if the header has one.
    pub(crate) kid: Option<String>,
    /// The type (`typ`), if the header has one, in lower case and without `application/`.
    pub(crate) typ: Option<String>,
}

impl JoseHeader {
    /// Reads a header from the first part of a token.
    pub(super) fn parse(part: &str) -> Result<Self, TokenError> {
        let header = from_base64url(part).ok_or(TokenError::Malformed)?;
        let header = json::parse_members(&header).map_err(|_| TokenError::Malformed)?;
        refuse_parameters(&header)?;
        let algorithm = header.get("alg").and_then(Value::as_str).ok_or(TokenError::Malformed)?;
        Ok(Self {
            algorithm: SignatureAlgorithm::parse(algorithm).ok_or(TokenError::UnsupportedAlgorithm)?,
            kid: text(&header, "kid", MAX_KID)?.map(str::to_owned),
            typ: text(&header, "typ", MAX_TYP)?.map(canonical_type),
        })
    }
}

/// A cache of headers of verified tokens of a tenant's issuer, in encoded and parsed form. An
/// issuer uses only one or two headers, so most headers need not be parsed again.
#[derive(Debug, Default)]
pub struct KnownHeaders(Mutex<Vec<(Box<str>, Arc<JoseHeader>)>>);

impl KnownHeaders {
    /// Returns the header in the first part of a token, from the cache if it is there.
    pub(super) fn read(&self, part: &str) -> Result<Arc<JoseHeader>, TokenError> {
        self.find(part).map_or_else(|| JoseHeader::parse(part).map(Arc::new), Ok)
    }

    /// The cached header for the first part of a token.
    pub(crate) fn find(&self, part: &str) -> Option<Arc<JoseHeader>> {
        let headers = self.0.lock().ok()?;
        headers.iter().find(|(known, _)| **known == *part).map(|(_, header)| header.clone())
    }

    /// Adds a header to the cache and removes the oldest one if the cache is full. To be called
    /// only for a token whose signature was verified, so that forged tokens do not fill the cache.
    pub(crate) fn remember(&self, part: &str, header: &Arc<JoseHeader>) {
        if self.find(part).is_some() {
            return;
        }
        let Ok(mut headers) = self.0.lock() else { return };
        headers.truncate(MAX_KNOWN.saturating_sub(1));
        headers.insert(0, (part.into(), header.clone()));
    }
}

/// Rejects parameters that change the meaning of a signature or that provide a key (RFC 8725
/// sections 3.1 and 3.10). Keys come from the configuration or the JWK Set of the issuer, never
/// from a token. No extension is supported, so `crit` is rejected (RFC 7515 section 4.1.11).
fn refuse_parameters(header: &Members) -> Result<(), TokenError> {
    const REFUSED: [&str; 7] = ["crit", "b64", "jku", "jwk", "x5u", "x5c", "zip"];
    match REFUSED.iter().find(|&&name| header.get(name).is_some()) {
        Some(name) => Err(TokenError::Parameter(name)),
        None => Ok(()),
    }
}

/// The string parameter `name` of at most `limit` bytes, if the header has it.
fn text<'a>(header: &'a Members, name: &'static str, limit: usize) -> Result<Option<&'a str>, TokenError> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= limit => Ok(Some(text)),
        Some(_) => Err(TokenError::Parameter(name)),
    }
}

/// The media type in lower case and without `application/`: media types are case-insensitive, and
/// the prefix is optional (RFC 7515 section 4.1.9).
fn canonical_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    typ.strip_prefix("application/").unwrap_or(&typ).to_owned()
}

const MAX_KID: usize = 256;
const MAX_TYP: usize = 64;
/// The number of cached headers: two keys during a rotation, and for each key the headers of an ID
/// token and of an access token.
const MAX_KNOWN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::encoding::base64url;

    #[test]
    fn only_the_newest_headers_are_cached() {
        let part = |number: usize| base64url(format!(r#"{{"alg":"RS256","kid":"{number}"}}"#).as_bytes());
        let known = KnownHeaders::default();
        for number in 0..3 * MAX_KNOWN {
            let header = known.read(&part(number)).unwrap();
            assert_eq!(header.kid, Some(number.to_string()));
            for _ in 0..2 {
                known.remember(&part(number), &header);
            }
            assert!(Arc::ptr_eq(&known.read(&part(number)).unwrap(), &header), "{number}");
            assert_eq!(known.0.lock().unwrap().len(), (number + 1).min(MAX_KNOWN));
        }
        assert_eq!(known.read(&part(0)).unwrap().kid.as_deref(), Some("0"));
        assert!(known.read("e30").is_err());
    }
}
