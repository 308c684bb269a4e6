//! `tenants[].bearer`: the bearer tokens that the tenant accepts.

use serde_json::Value;

use super::cursor::Cursor;
use super::login::scope;
use crate::tenant::{Bearer, RequiredClaim};

/// Reads the section. `Some(None)` if it is absent, `None` if it has a mistake.
pub(super) fn bearer(at: &Cursor<'_>) -> Option<Option<Bearer>> {
    if !at.is_present() {
        return Some(None);
    }
    let object = at.object();
    let audiences: Option<Vec<String>> = object.field("audiences").required_elements().iter().map(audience).collect();
    let scopes: Option<Vec<String>> = object.field("scopes").elements().iter().map(scope).collect();
    let claims: Option<Vec<RequiredClaim>> =
        object.field("claims").entries().iter().map(|(name, at)| required_claim(name, at)).collect();
    let id_tokens = object.field("id_tokens").boolean().unwrap_or(false);
    object.finish();
    Some(Some(Bearer { audiences: audiences?, scopes: scopes?, claims: claims?, id_tokens }))
}

/// Reads the requirement for one claim: one required value, or a list of accepted values.
fn required_claim(name: &str, at: &Cursor<'_>) -> Option<RequiredClaim> {
    if name.is_empty() {
        return at.refuse("has an empty name; give the name of a claim");
    }
    let values: Option<Vec<String>> = match at.value() {
        Some(Value::Array(_)) => at.required_elements().iter().map(claim_value).collect(),
        _ => claim_value(at).map(|value| vec![value]),
    };
    let values = values.filter(|values| !values.is_empty())?;
    Some(RequiredClaim { name: name.to_owned(), values })
}

fn claim_value(at: &Cursor<'_>) -> Option<String> {
    match at.text()? {
        "" => at.refuse("is empty; give a value that the claim has to have"),
        text => Some(text.to_owned()),
    }
}

/// Reads one audience, which must not be empty.
pub(super) fn audience(at: &Cursor<'_>) -> Option<String> {
    match at.text()? {
        "" => at.refuse("is empty; give the audience that tokens for this service have"),
        text => Some(text.to_owned()),
    }
}
