//! The mistakes of a configuration, with their places.

use std::fmt;

use super::code::Code;
use crate::base::event::{Event, Level, LogLine};
use crate::tenant::TenantName;

/// One mistake: the tenant, the field, and a message that says what is wrong and what is right. It
/// contains no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    code: Code,
    tenant: Option<String>,
    index: Option<usize>,
    path: String,
    /// The path of what the mistake is about, if it is another one.
    place: Option<String>,
    message: String,
    name: Option<TenantName>,
}

impl ConfigError {
    /// A mistake at `path`. `tenant` is the label of the tenant, such as `tenant "acme"`, and its
    /// index.
    pub(super) fn new(code: Code, tenant: Option<(&str, usize)>, path: String, message: String) -> Self {
        let (tenant, index) = tenant.map(|(label, index)| (label.to_owned(), index)).unzip();
        Self { code, tenant, index, path, place: None, message, name: None }
    }

    /// The mistake as one that is about the value at `place`, which is another path.
    pub(super) fn at(self, place: Option<String>) -> Self {
        Self { place, ..self }
    }

    /// The kind of the mistake.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The label of the tenant, such as `tenant "acme"`. `None` if the mistake concerns all
    /// tenants.
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The path of the value that the mistake is about, from the top of the configuration, such as
    /// `tenants[0].hosts[1]`. It ends where the value would be if it is missing.
    pub fn place(&self) -> String {
        let path = self.place.as_ref().unwrap_or(&self.path);
        match self.index {
            None => path.clone(),
            Some(index) if path.is_empty() => format!("tenants[{index}]"),
            Some(index) => format!("tenants[{index}].{path}"),
        }
    }

    /// The path of the value as the message has it: within the tenant if there is one.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, and after a semicolon what would be right.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The mistake as one of the tenant with this name, if it has a valid one.
    pub(super) fn of(self, name: Option<&TenantName>) -> Self {
        Self { name: name.cloned(), ..self }
    }

    /// The line for the log about a mistake inside one tenant.
    pub fn log(&self) -> LogLine {
        let text = format!("configuration: {self}{}", self.advice());
        LogLine::with_text(Level::Error, Event::TenantConfigError, self.name.as_ref(), text)
    }

    /// What else the log says about a variable: those of Envoy's process are not those of the VM.
    pub fn advice(&self) -> &'static str {
        if self.code == Code::VARIABLE { "; set it where Envoy runs, and name it in `host_env_keys`" } else { "" }
    }

    /// A mistake that concerns all tenants.
    pub(super) fn whole(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, None, String::new(), message.into())
    }
}

/// Writes the mistake in the form `tenant "acme": hosts[1]: message`.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tenant) = &self.tenant {
            write!(f, "{tenant}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// All mistakes of one load, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The mistakes of one load.
    pub(super) fn new(errors: Vec<ConfigError>) -> Self {
        Self(errors)
    }

    /// The mistakes, in the order of the configuration.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a ConfigErrors {
    type Item = &'a ConfigError;
    type IntoIter = std::slice::Iter<'a, ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

/// Writes one line for each mistake.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, error) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
