//! `tenants[].hosts`: the hosts that select a tenant.

use std::sync::Arc;

use super::cursor::Cursor;
use crate::http::host::{HostPattern, HostPatternError};

/// The hosts of a tenant, as far as they could be read.
pub(super) struct Hosts {
    /// Those that could be read, each once.
    pub(super) read: Arc<[HostPattern]>,
    /// Those that could not be read.
    pub(super) unreadable: Vec<UnreadableHost>,
}

/// A host that could not be read, so that it does not select its tenant.
pub(super) struct UnreadableHost {
    /// Its place in the tenant.
    pub(super) path: String,
    /// What it has to be instead, if that is certain.
    pub(super) meant: Option<HostPattern>,
}

/// Reads the hosts.
pub(super) fn hosts(at: &Cursor<'_>) -> Hosts {
    let (mut read, mut unreadable) = (Vec::new(), Vec::new());
    let elements = at.required_elements();
    for element in &elements {
        match host_pattern(element) {
            Some(host) if read.contains(&host) => element.error(format!("\"{host}\" is listed twice")),
            Some(host) => read.push(host),
            None => unreadable.push(UnreadableHost::at(element)),
        }
    }
    if elements.is_empty() {
        unreadable.push(UnreadableHost::at(at));
    }
    Hosts { read: read.into(), unreadable }
}

impl UnreadableHost {
    fn at(at: &Cursor<'_>) -> Self {
        Self { path: at.path(), meant: at.value().and_then(|value| meant(value.as_str()?)) }
    }
}

/// Reads a host pattern: one host, or every host below a domain.
pub(super) fn host_pattern(at: &Cursor<'_>) -> Option<HostPattern> {
    let text = at.text()?;
    let problem = |problem: HostPatternError| match meant(text) {
        Some(host) => format!("{text:?} is not a host pattern; write \"{host}\", without scheme, port and path"),
        None => format!("{text:?} is not a host pattern: {problem}"),
    };
    at.note(HostPattern::parse(text).map_err(problem))
}

/// The pattern that `text` has around it a scheme, a port, a path or a final dot.
fn meant(text: &str) -> Option<HostPattern> {
    let text = text.trim();
    let text = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    let text = text.split_once('/').map_or(text, |(authority, _)| authority);
    let text = match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => text,
    };
    HostPattern::parse(text.strip_suffix('.').unwrap_or(text)).ok()
}
