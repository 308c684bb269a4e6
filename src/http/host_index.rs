//! Positions in a list, by host.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::host::Host;

/// Positions in a list, by host. Every lookup is in one place, which keeps the module small.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostIndex(HashMap<Box<str>, usize>);

impl HostIndex {
    /// Adds a host. If it is there already, its first position stays and is returned.
    #[inline(never)]
    pub(crate) fn add(&mut self, host: &Host, position: usize) -> Option<usize> {
        let first = self.get(host.as_str());
        if first.is_none() {
            self.replace(host.as_str(), position);
        }
        first
    }

    /// Adds a host, a host pattern or another name. If it is there already, its former position is
    /// returned.
    #[inline(never)]
    pub(crate) fn replace(&mut self, name: &str, position: usize) -> Option<usize> {
        self.0.insert(name.into(), position)
    }

    /// The first name by its letters for which `is_it` holds.
    #[inline(never)]
    pub(crate) fn least(&self, is_it: &dyn Fn(&str) -> bool) -> Option<&str> {
        self.0.keys().map(AsRef::as_ref).filter(|name| is_it(name)).min()
    }

    /// The position of a host, by its canonical name.
    #[inline(never)]
    pub(crate) fn get(&self, name: &str) -> Option<usize> {
        self.0.get(name).copied()
    }
}
