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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// The cluster has no endpoint, so there was nobody to call.
    NoEndpoint,
    /// The host did not accept the call: there is no such cluster, or it is shutting down.
    Refused,
    /// The timeout expired, the connection failed, or the response was not HTTP.
    NoAnswer,
    /// Envoy answered in place of the server, because it could not reach it.
    Local(LocalReason),
}

/// What Envoy says about a call that it could not make, such as a failed TLS handshake. It comes
/// from Envoy and not from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalReason(String);

impl LocalReason {
    /// The body of Envoy's reply, in printable ASCII and at most [`MAX_REASON`] characters.
    pub fn new(body: &[u8]) -> Self {
        let plain = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { ' ' };
        Self(body.iter().take(MAX_REASON).map(plain).collect())
    }
}

const MAX_REASON: usize = 300;

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => {
                f.write_str("Envoy refused the call; check that a cluster with the configured name exists")
            }
            Self::NoAnswer => f.write_str("no answer in time"),
            Self::NoEndpoint => f.write_str("it has no endpoint; check that the name of its server resolves"),
            Self::Local(LocalReason(reason)) => {
                write!(f, "Envoy: {reason}")?;
                // Envoy keeps the reason of a failed TLS handshake out of its reply.
                let is_hidden = reason.ends_with("connection failure") || reason.ends_with("connection termination");
                f.write_str(if is_hidden {
                    "; the cluster's counters `ssl` and `upstream_cx_connect_fail` say more"
                } else {
                    ""
                })
            }
        }
    }
}

impl std::error::Error for CallFailure {}
