//! Why no token request could be made.

use std::fmt;

use super::discovery::MetadataUnavailable;
use crate::env::HostFailure;

/// Why no token request could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenRequestError {
    /// The host could not do its part.
    Host(HostFailure),
    /// The token endpoint is not known yet.
    Metadata(MetadataUnavailable),
}

impl fmt::Display for TokenRequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(failure) => failure.fmt(f),
            Self::Metadata(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TokenRequestError {}

impl From<HostFailure> for TokenRequestError {
    fn from(failure: HostFailure) -> Self {
        Self::Host(failure)
    }
}

impl From<MetadataUnavailable> for TokenRequestError {
    fn from(error: MetadataUnavailable) -> Self {
        Self::Metadata(error)
    }
}
