//! `tenants[].hosts`: the hosts that select a tenant.

use super::cursor::Cursor;
use crate::http::host::HostPattern;

/// Reads the hosts. The result has those that could be read, each once.
pub(super) fn hosts(at: &Cursor<'_>) -> Vec<HostPattern> {
    let mut hosts = Vec::new();
    for element in at.required_elements() {
        match host_pattern(&element) {
            Some(host) if hosts.contains(&host) => element.error(format!("\"{host}\" is listed twice")),
            Some(host) => hosts.push(host),
            None => {}
        }
    }
    hosts
}

/// Reads a host pattern: one host, or every host below a domain.
pub(super) fn host_pattern(at: &Cursor<'_>) -> Option<HostPattern> {
    let text = at.text()?;
    at.note(HostPattern::parse(text).map_err(|problem| format!("{text:?} is not a host pattern: {problem}")))
}
