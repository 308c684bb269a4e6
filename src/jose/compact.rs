//! The JWS compact serialization (RFC 7515 section 3.1). This file splits and decodes a token, and
//! verifies nothing.

use std::sync::Arc;

use super::header::{JoseHeader, KnownHeaders};
use super::token_error::TokenError;
use crate::base::encoding::from_base64url;

/// A token that was received and is well-formed. Its signature and claims are not verified.
pub(crate) struct UntrustedToken<'a> {
    /// The parsed header.
    pub(crate) header: Arc<JoseHeader>,
    /// The header as it was sent.
    pub(crate) header_part: &'a str,
    /// The signed bytes: header, dot and payload as they were sent.
    pub(crate) signing_input: &'a [u8],
    /// The decoded signature.
    pub(crate) signature: Vec<u8>,
    /// The decoded payload. It is to be read only after the signature was verified.
    pub(crate) payload: Vec<u8>,
}

impl<'a> UntrustedToken<'a> {
    /// Splits and decodes a token. The cheap checks come first, so that a malformed token costs
    /// little time.
    ///
    /// # Errors
    /// [`TokenError`] if the token is too long or malformed, or its header is not accepted.
    pub(crate) fn parse(token: &'a str, known: &KnownHeaders) -> Result<Self, TokenError> {
        Self::parse_within(token, known, MAX_TOKEN)
    }

    /// The same for a token of at most `limit` bytes.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub(crate) fn parse_within(token: &'a str, known: &KnownHeaders, limit: usize) -> Result<Self, TokenError> {
        if token.len() > limit {
            return Err(TokenError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header_part, payload) = signing_input.split_once('.').ok_or(TokenError::Malformed)?;
        if header_part.len() > MAX_HEADER {
            return Err(TokenError::HeaderTooLong);
        }
        let header = known.read(header_part)?;
        let decode = |part| from_base64url(part).ok_or(TokenError::Malformed);
        // A third dot is not in the base64url alphabet, so only a token of three parts is decoded.
        let (payload, signature) = (decode(payload)?, decode(signature)?);
        Ok(Self { header, header_part, signing_input: signing_input.as_bytes(), signature, payload })
    }
}

/// The most bytes of a token. A token with some hundred groups has about 16 KiB.
const MAX_TOKEN: usize = 32 * 1024;
/// The most bytes of the encoded header. The parameters that are read fit into half of it.
const MAX_HEADER: usize = 1024;
