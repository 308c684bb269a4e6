//! The JWS compact serialization (RFC 7515 section 3.1), split and decoded, not believed.

use serde_json::{Map, Value};

use super::rejection::TokenRejection;
use crate::encode::from_base64url;
use crate::json;
use crate::keys::SignatureAlgorithm;

/// A token as it came: its form is right, nothing else is known of it.
pub(super) struct UntrustedToken<'a> {
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) kid: Option<String>,
    /// `typ` in lower case, without `application/`.
    pub(super) typ: Option<String>,
    /// What the signature is over: header, dot, payload, as sent.
    pub(super) signing_input: &'a [u8],
    pub(super) signature: Vec<u8>,
    /// The payload, to be read only after the signature is good.
    pub(super) payload: Vec<u8>,
}

impl<'a> UntrustedToken<'a> {
    /// Splits and decodes. The cheap refusals come first, so that junk costs little.
    pub(super) fn parse(token: &'a str) -> Result<Self, TokenRejection> {
        if token.len() > MAX_TOKEN {
            return Err(TokenRejection::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(TokenRejection::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(TokenRejection::Malformed)?;
        let decode = |part| from_base64url(part).ok_or(TokenRejection::Malformed);
        // A further dot is in no base64url alphabet, so exactly three parts get past this.
        let (header, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);

        let header = json::parse_object(&header).map_err(|_| TokenRejection::Malformed)?;
        refuse_parameters(&header)?;
        let algorithm = header.get("alg").and_then(Value::as_str).ok_or(TokenRejection::Malformed)?;
        let algorithm = SignatureAlgorithm::parse(algorithm).ok_or(TokenRejection::UnsupportedAlgorithm)?;
        Ok(Self {
            algorithm,
            kid: text(&header, "kid", MAX_KID)?,
            typ: text(&header, "typ", MAX_TYP)?.map(|typ| canonical_type(&typ)),
            signing_input: signing_input.as_bytes(),
            signature,
            payload,
        })
    }
}

/// Parameters that change what a signature means, or that bring a key along (RFC 8725 sections 3.1 and 3.10). A key
/// comes from the configuration, and no extension is understood, so none may be critical (RFC 7515 section 4.1.11).
fn refuse_parameters(header: &Map<String, Value>) -> Result<(), TokenRejection> {
    const REFUSED: [&str; 7] = ["crit", "b64", "jku", "jwk", "x5u", "x5c", "zip"];
    match REFUSED.iter().find(|&&name| header.contains_key(name)) {
        Some(name) => Err(TokenRejection::Parameter(name)),
        None => Ok(()),
    }
}

fn text(header: &Map<String, Value>, name: &'static str, limit: usize) -> Result<Option<String>, TokenRejection> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= limit => Ok(Some(text.clone())),
        Some(_) => Err(TokenRejection::Parameter(name)),
    }
}

/// Media types have no case, and `application/` may be left out (RFC 7515 section 4.1.9).
fn canonical_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    typ.strip_prefix("application/").unwrap_or(&typ).to_owned()
}

/// A token with some hundred groups has about 16 KiB.
const MAX_TOKEN: usize = 32 * 1024;
const MAX_KID: usize = 256;
const MAX_TYP: usize = 64;
