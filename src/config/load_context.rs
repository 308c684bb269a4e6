//! What a configuration is loaded into.

use crate::jose::HostAlgorithms;

/// Where `{env: NAME}` is looked up.
pub trait Environment {
    /// The value of the variable, if it is set.
    fn var(&self, name: &str) -> Option<String>;
}

/// What a configuration is loaded into.
#[derive(Clone, Copy)]
pub struct LoadContext<'a> {
    /// Where secrets are looked up.
    pub environment: &'a dyn Environment,
    /// What the host can verify.
    pub host: HostAlgorithms,
}
