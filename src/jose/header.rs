//! The JOSE header of a token (RFC 7515 section 4).

use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::algorithm::SignatureAlgorithm;
use super::token_error::TokenError;
use crate::base::encoding::from_base64url;
use crate::base::json;
use crate::base::json::Members;

/// What a header says, as far as it is looked at.
#[derive(Debug)]
pub(crate) struct JoseHeader {
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) kid: Option<String>,
    /// `typ` in lower case, without `application/`.
    pub(crate) typ: Option<String>,
}

impl JoseHeader {
    /// Reads the first part of a token.
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

/// Headers that a tenant's issuer has signed, as they were sent and as they were read. An issuer has one or two, so most tokens come with one
/// that need not be read again.
#[derive(Debug, Default)]
pub struct KnownHeaders(Mutex<Vec<(Box<str>, Arc<JoseHeader>)>>);

impl KnownHeaders {
    /// What this first part of a token says.
    pub(super) fn read(&self, part: &str) -> Result<Arc<JoseHeader>, TokenError> {
        self.find(part).map_or_else(|| JoseHeader::parse(part).map(Arc::new), Ok)
    }

    pub(crate) fn find(&self, part: &str) -> Option<Arc<JoseHeader>> {
        let headers = self.0.lock().ok()?;
        headers.iter().find(|(known, _)| **known == *part).map(|(_, header)| header.clone())
    }

    /// Remembers the header of a token whose signature is good; what anybody can send is not worth the room. The oldest makes it.
    pub(crate) fn remember(&self, part: &str, header: &Arc<JoseHeader>) {
        if self.find(part).is_some() {
            return;
        }
        let Ok(mut headers) = self.0.lock() else { return };
        headers.truncate(MAX_KNOWN.saturating_sub(1));
        headers.insert(0, (part.into(), header.clone()));
    }
}

/// Parameters that change what a signature means, or that bring a key along (RFC 8725 sections 3.1 and 3.10). A key
/// comes from the configuration, and no extension is understood, so none may be critical (RFC 7515 section 4.1.11).
fn refuse_parameters(header: &Members) -> Result<(), TokenError> {
    const REFUSED: [&str; 7] = ["crit", "b64", "jku", "jwk", "x5u", "x5c", "zip"];
    match REFUSED.iter().find(|&&name| header.get(name).is_some()) {
        Some(name) => Err(TokenError::Parameter(name)),
        None => Ok(()),
    }
}

fn text<'a>(header: &'a Members, name: &'static str, limit: usize) -> Result<Option<&'a str>, TokenError> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= limit => Ok(Some(text)),
        Some(_) => Err(TokenError::Parameter(name)),
    }
}

/// Media types have no case, and `application/` may be left out (RFC 7515 section 4.1.9).
fn canonical_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    typ.strip_prefix("application/").unwrap_or(&typ).to_owned()
}

const MAX_KID: usize = 256;
const MAX_TYP: usize = 64;
/// Two keys while they rotate, and an ID token and an access token of each.
const MAX_KNOWN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::encoding::base64url;

    #[test]
    fn few_headers_are_known_and_the_newest_stay() {
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
