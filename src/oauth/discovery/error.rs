//! Why a fetch failed.

use std::fmt;

use crate::http::call::{CallFailure, CallResponse};

/// Why a fetch was of no use. It names fields and statuses, and nothing that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// There was no answer.
    Call(CallFailure),
    /// A field is absent, or not what it has to be.
    Field(&'static str),
    /// The set has no key that could verify a token.
    NoKey,
    /// The body is not one JSON object.
    NotJson,
    /// The metadata are those of another issuer.
    OtherIssuer,
    /// Not 200.
    Status(u16),
    /// The body is longer than [`CallResponse::MAX_BODY`].
    TooLong,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(failure) => failure.fmt(f),
            Self::Field(name) => write!(f, "the document has no usable `{name}`"),
            Self::NoKey => f.write_str("the JWK Set has no key that could verify a token"),
            Self::NotJson => f.write_str("the document is not a JSON object"),
            Self::OtherIssuer => f.write_str("the metadata name another `issuer` than the configuration"),
            Self::Status(status) => write!(f, "the answer has status {status}"),
            Self::TooLong => write!(f, "the document is longer than {} bytes", CallResponse::MAX_BODY),
        }
    }
}

impl std::error::Error for FetchError {}
