//! The environment and the host that a configuration is loaded for.

use crate::jose::HostAlgorithms;

/// The environment variables for `{env: NAME}`.
pub trait Environment {
    /// The value of the variable, if it is set.
    fn var(&self, name: &str) -> Option<String>;
}

/// The environment and the host that a configuration is loaded for.
#[derive(Clone, Copy)]
pub struct LoadContext<'a> {
    /// The environment variables with the secrets.
    pub environment: &'a dyn Environment,
    /// The algorithms that the host can verify.
    pub host: HostAlgorithms,
}
