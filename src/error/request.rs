//! Why a request is refused before any flow begins.

use std::fmt;

/// Why a request is refused before any flow begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// There is not exactly one `:authority`, or it is not a host name.
    HostInvalid,
    /// The `:path` is not a path.
    PathInvalid,
    /// The tenant's part of the configuration is broken.
    TenantBroken,
    /// No session, and no person who could sign in.
    Unauthenticated,
    /// An input that the state of the stream does not expect.
    UnexpectedInput,
    /// No tenant has this host.
    UnknownHost,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HostInvalid => "`:authority` is absent, repeated, or not a host name",
            Self::PathInvalid => "`:path` is absent, repeated, or not in origin-form",
            Self::TenantBroken => "the tenant's configuration is wrong; the reasons were logged when it was loaded",
            Self::Unauthenticated => "no session, and not a navigation",
            Self::UnexpectedInput => "an input came that this request does not expect",
            Self::UnknownHost => "no tenant has this host",
        })
    }
}

impl std::error::Error for RequestError {}
