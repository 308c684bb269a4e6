//! The environment variables of the process.

/// The environment variables for `{env: NAME}`.
pub trait Environment {
    /// The value of the variable, if it is set.
    fn var(&self, name: &str) -> Option<String>;
}

/// An environment without variables.
#[derive(Clone, Copy, Debug)]
pub struct NoEnvironment;

impl Environment for NoEnvironment {
    fn var(&self, _name: &str) -> Option<String> {
        None
    }
}
