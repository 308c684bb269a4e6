//! Outbound HTTP calls: the request, the response and the reasons for failure.

use std::fmt;
use std::time::Duration;

use crate::base::secret::Secret;

/// An HTTP call to a cluster that the configuration names.
pub struct HttpCall {
    /// The Envoy cluster.
    pub cluster: String,
    /// Header lines, pseudo-headers first.
    pub headers: Vec<(&'static str, Secret<String>)>,
    /// The whole body.
    pub body: Secret<String>,
    /// The time after which the call fails.
    pub timeout: Duration,
}

/// Omits headers and body, because they contain the client secret, the code and the verifier.
impl fmt::Debug for HttpCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCall")
            .field("cluster", &self.cluster)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The response to a call.
pub struct CallResponse {
    /// The HTTP status code.
    pub status: u16,
    /// The body: at most [`CallResponse::MAX_BODY`] bytes, and one more if it is too long.
    pub body: Secret<Vec<u8>>,
}

impl CallResponse {
    /// The longest body that is accepted, in bytes. A token response has a few thousand.
    pub const MAX_BODY: usize = 64 * 1024;
}

impl fmt::Debug for CallResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The reason why a call has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// The host did not accept the call: there is no such cluster, or it is shutting down.
    Refused,
    /// The timeout expired, the connection failed, or the response was not HTTP.
    NoAnswer,
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => {
                "the host refused the call to the issuer; check that a cluster with the configured name exists"
            }
            Self::NoAnswer => "no answer from the issuer in time",
        })
    }
}

impl std::error::Error for CallFailure {}
