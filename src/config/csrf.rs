//! `tenants[].csrf`: the pages that may use a session.

use super::cursor::Cursor;
use super::values::{Scheme, listed, url};

/// Reads the section: the origins that are trusted. `None` if it has a mistake.
pub(super) fn csrf(at: &Cursor<'_>, scheme: Scheme) -> Option<Vec<String>> {
    let object = at.object();
    let origins = listed(&object.field("trusted_origins"), &mut |at| origin(at, scheme));
    object.finish();
    origins
}

/// Reads an origin in the form in which browsers send it (RFC 6454 section 6.2).
pub(super) fn origin(at: &Cursor<'_>, scheme: Scheme) -> Option<String> {
    let text = at.text()?;
    let origin = url(at, scheme)?.origin().ascii_serialization();
    if text.contains('*') {
        return at.refuse(format!("{text:?} has a wildcard; name each origin"));
    }
    if text != origin {
        return at.refuse(format!("{text:?} is not an origin; write it as \"{origin}\""));
    }
    Some(origin)
}
