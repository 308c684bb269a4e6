//! The JWS compact serialization (RFC 7515 section 3.1), split and decoded, not believed.

use std::sync::Arc;

use super::header::{JoseHeader, KnownHeaders};
use super::token_error::TokenError;
use crate::base::encoding::from_base64url;

/// A token as it came: its form is right, nothing else is known of it.
pub(crate) struct UntrustedToken<'a> {
    pub(crate) header: Arc<JoseHeader>,
    /// The header as sent.
    pub(crate) header_part: &'a str,
    /// What the signature is over: header, dot, payload, as sent.
    pub(crate) signing_input: &'a [u8],
    pub(crate) signature: Vec<u8>,
    /// The payload, to be read only after the signature is good.
    pub(crate) payload: Vec<u8>,
}

impl<'a> UntrustedToken<'a> {
    /// Splits and decodes. The cheap refusals come first, so that junk costs little.
    pub(crate) fn parse(token: &'a str, known: &KnownHeaders) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header_part, payload) = signing_input.split_once('.').ok_or(TokenError::Malformed)?;
        let header = known.read(header_part)?;
        let decode = |part| from_base64url(part).ok_or(TokenError::Malformed);
        // A further dot is in no base64url alphabet, so exactly three parts get past this.
        let (payload, signature) = (decode(payload)?, decode(signature)?);
        Ok(Self { header, header_part, signing_input: signing_input.as_bytes(), signature, payload })
    }
}

/// A token with some hundred groups has about 16 KiB.
const MAX_TOKEN: usize = 32 * 1024;
