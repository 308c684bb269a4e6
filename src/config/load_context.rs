//! The environment and the host that a configuration is loaded for.

use crate::env::Environment;
use crate::jose::HostAlgorithms;

/// The environment and the host that a configuration is loaded for.
#[derive(Clone, Copy)]
pub struct LoadContext<'a> {
    /// The environment variables with the secrets.
    pub environment: &'a dyn Environment,
    /// The algorithms that the host can verify.
    pub host: HostAlgorithms,
}
