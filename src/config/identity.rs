//! `tenants[].identity`: the claims that the identity consists of.

use serde_json::Value;

use super::cursor::Cursor;
use super::values::{listed, text_or};
use crate::tenant::{ClaimPath, GroupClaim, IdentityClaims, RetainedClaims};

/// Reads the claims of this section. The caller adds the claims that other sections retain.
pub(super) fn identity(at: &Cursor<'_>) -> Option<IdentityClaims> {
    let object = at.object();
    let user_at = object.field("user");
    let user = claim_or(&user_at, "sub");
    let email = claim_or(&object.field("email"), "email");
    let require_email_verified = object.field("require_email_verified").boolean().unwrap_or(true);
    let forward_unverified_email = object.field("forward_unverified_email").boolean().unwrap_or(false);
    let claim = claim_or(&object.field("groups"), "groups");
    let required = object.field("groups_required").boolean().unwrap_or(false);
    let field_at = object.field("group_field");
    let field = match field_at.text() {
        Some("") => field_at.refuse("is empty; give the name of the field that names a group"),
        text => Some(text.map(str::to_owned)),
    };
    let common_name = object.field("group_common_name").boolean().unwrap_or(false);
    let strip_prefix = text_or(&object.field("group_prefix"), "");
    let strip_suffix = text_or(&object.field("group_suffix"), "");
    object.finish();
    let groups = GroupClaim {
        claim: claim?,
        required,
        field: field?,
        common_name,
        strip_prefix: strip_prefix?,
        strip_suffix: strip_suffix?,
    };
    let claims = IdentityClaims {
        user: user?,
        email: email?,
        require_email_verified,
        forward_unverified_email,
        groups,
        retained: RetainedClaims::default(),
    };
    if require_email_verified && claims.user_is_email() && !claims.email_can_be_verified() {
        return user_at.refuse(
            "names the user by an e-mail address, and `email_verified` is about the claim `email` only; \
             write `email` for both `user` and `email`, or set `require_email_verified: false`",
        );
    }
    Some(claims)
}

fn claim_or(at: &Cursor<'_>, default: &str) -> Option<ClaimPath> {
    if at.is_present() { claim(at) } else { Some(default.into()) }
}

/// Reads a claim: its name or path as a string, or the names of the path as an array.
pub(super) fn claim(at: &Cursor<'_>) -> Option<ClaimPath> {
    match at.value()? {
        Value::String(text) if text.is_empty() => at.refuse("is empty; give the name of a claim"),
        Value::String(text) => Some(ClaimPath::Text(text.clone())),
        Value::Array(_) => listed(at, &mut name).map(ClaimPath::Names),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            at.refuse("must be the name of a claim, or a list of names that leads to it")
        }
    }
}

fn name(at: &Cursor<'_>) -> Option<String> {
    match at.text()? {
        "" => at.refuse("is empty; give the name of a claim"),
        text => Some(text.to_owned()),
    }
}
