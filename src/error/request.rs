//! The reasons why a request is refused before a flow begins.

use std::fmt;

use crate::http::request::BodyError;
use crate::session::CrossOrigin;

/// The reason why a request is refused before a flow begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// The body of a form that begins a login did not arrive in time.
    BodyTimeout,
    /// A page of another origin sent an unsafe request with the session of the user.
    CrossOrigin(CrossOrigin),
    /// `:authority` is absent, repeated, or not a host name.
    HostInvalid,
    /// `:path` is absent, repeated, or not in origin-form (RFC 9112 section 3.2.1).
    PathInvalid,
    /// The sign-outs of other replicas are not known, and the configuration refuses sessions then.
    StoreUnavailable,
    /// The configuration of the tenant has mistakes.
    TenantBroken,
    /// etcd does not say which tenant has this host.
    TenantUnavailable,
    /// There is no session, and the request is not a navigation that could begin a login.
    Unauthenticated,
    /// The stream got an input that its state does not expect.
    UnexpectedInput,
    /// No tenant has this host.
    UnknownHost,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BodyTimeout => return BodyError::TimedOut.fmt(f),
            Self::CrossOrigin(error) => return error.fmt(f),
            Self::HostInvalid => "`:authority` is absent, repeated, or not a host name",
            Self::PathInvalid => "`:path` is absent, repeated, or not in origin-form",
            Self::StoreUnavailable => {
                "the sign-outs of other replicas are not known, and `store.etcd.when_away` is `refuse`; see `store_failed`"
            }
            Self::TenantBroken => "the tenant's configuration is wrong; the reasons were logged when it was loaded",
            Self::TenantUnavailable => {
                "etcd has not said which tenant has this host, or was asked for too many hosts without one; see \
                 `store_failed`"
            }
            Self::Unauthenticated => "no session, and not a navigation",
            Self::UnexpectedInput => "an unexpected input arrived for this request",
            Self::UnknownHost => "no tenant has this host",
        })
    }
}

impl std::error::Error for RequestError {}

impl From<CrossOrigin> for RequestError {
    fn from(error: CrossOrigin) -> Self {
        Self::CrossOrigin(error)
    }
}
