//! The reasons why fetching a provider's documents failed.

use std::fmt;

use crate::base::encoding::escaped;
use crate::http::call::CallResponse;
use crate::oauth::unreachable::ProviderUnreachable;

/// The reason why a fetch failed. It names fields and status codes, and contains nothing that the
/// provider sent but its name and the origin of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// There was no response.
    Call(ProviderUnreachable),
    /// A field is absent or invalid.
    Field(&'static str),
    /// The JWK Set has no key that could verify a token.
    NoKey,
    /// The body of this document is not one JSON object.
    NotJson(&'static str),
    /// The address in a field has this origin, which is neither that of the issuer nor a trusted
    /// one.
    Origin(&'static str, String),
    /// The `issuer` of the metadata is this one, and not the configured one.
    OtherIssuer(String),
    /// The status code of the answer for this document is not 200.
    Status(&'static str, u16),
    /// The body is longer than [`CallResponse::MAX_BODY`].
    TooLong,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(failure) => failure.fmt(f),
            Self::Field(name) => write!(f, "the document has no usable `{name}`"),
            Self::NoKey => f.write_str("the JWK Set has no key that could verify a token"),
            Self::NotJson(document) => write!(f, "{document}: no JSON object came"),
            Self::Origin(name, origin) => write!(
                f,
                "`{name}` is at {origin}, which is not the origin of the issuer; if it belongs to the issuer, add it to `provider.trusted_origins`"
            ),
            Self::OtherIssuer(named) => {
                write!(f, "the metadata name another `issuer` than the configuration: \"{}\"", escaped(named, MAX_NAME))
            }
            Self::Status(document, status) => write!(f, "{document}: the answer has status {status}"),
            Self::TooLong => write!(f, "the document is longer than {} bytes", CallResponse::MAX_BODY),
        }
    }
}

impl std::error::Error for FetchError {}

/// The most characters of an issuer in a line of the log.
const MAX_NAME: usize = 200;
/// The documents, as the log names them.
pub(super) const METADATA: &str = "metadata of the issuer";
pub(super) const KEYS: &str = "JWK Set of the issuer";
