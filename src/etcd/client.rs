//! The etcd of a configuration.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use crate::base::secret::Secret;
use crate::http::call::HttpCall;

/// An etcd that an Envoy cluster reaches.
pub(crate) struct Etcd {
    cluster: String,
    prefix: String,
    user: Option<(String, Secret<String>)>,
    /// The token of the user, which etcd gives for the password.
    token: Mutex<Option<Secret<String>>>,
}

impl Etcd {
    /// The etcd behind `cluster`. Every key begins with `prefix`. The user has a name and a
    /// password.
    pub(crate) fn new(cluster: String, prefix: String, user: Option<(String, Secret<String>)>) -> Self {
        Self { cluster, prefix, user, token: Mutex::default() }
    }

    /// The name of the Envoy cluster.
    pub(crate) fn cluster(&self) -> &str {
        &self.cluster
    }

    /// What every key begins with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The name and the password, if etcd wants them.
    pub(super) fn user(&self) -> Option<&(String, Secret<String>)> {
        self.user.as_ref()
    }

    /// Whether a call has to be made for a token first.
    pub(super) fn needs_token(&self) -> bool {
        self.user.is_some() && self.token.lock().is_ok_and(|token| token.is_none())
    }

    /// Keeps the token for the next calls.
    pub(super) fn set_token(&self, token: Option<Secret<String>>) {
        if let Ok(mut current) = self.token.lock() {
            *current = token;
        }
    }

    /// A POST of this JSON to the gateway.
    pub(super) fn post(&self, path: &str, body: String) -> HttpCall {
        let line = |name, value: &str| (name, Secret::new(value.to_owned()));
        let mut headers = vec![
            line(":method", "POST"),
            line(":scheme", "http"),
            line(":authority", "etcd"),
            line(":path", path),
            line("content-type", "application/json"),
        ];
        let token = self.token.lock().ok().and_then(|token| Some(token.as_ref()?.expose_secret().clone()));
        headers.extend(token.map(|token| ("authorization", Secret::new(token))));
        HttpCall { cluster: self.cluster.clone(), headers, body: Secret::new(body), timeout: TIMEOUT }
    }
}

/// Omits the password and the token.
impl fmt::Debug for Etcd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Etcd").field("cluster", &self.cluster).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// The longest time of a call. etcd answers within milliseconds, and elects a new leader within one
/// to two seconds.
const TIMEOUT: Duration = Duration::from_secs(2);
