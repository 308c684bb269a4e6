//! `tenants[].bearer`: which tokens of API clients are accepted.

use super::cursor::Cursor;
use super::login::scope;
use crate::tenant::Bearer;

/// What is accepted; `Some(None)` if the section is not there.
pub(super) fn bearer(at: &Cursor<'_>) -> Option<Option<Bearer>> {
    if !at.is_present() {
        return Some(None);
    }
    let object = at.object();
    let audiences: Option<Vec<String>> = object.field("audiences").required_elements().iter().map(audience).collect();
    let scopes: Option<Vec<String>> = object.field("scopes").elements().iter().map(scope).collect();
    let id_tokens = object.field("id_tokens").boolean().unwrap_or(false);
    object.finish();
    Some(Some(Bearer { audiences: audiences?, scopes: scopes?, id_tokens }))
}

/// One audience.
pub(super) fn audience(at: &Cursor<'_>) -> Option<String> {
    match at.text()? {
        "" => at.refuse("is empty; give the audience that tokens for this service have"),
        text => Some(text.to_owned()),
    }
}
