//! Reading user name, e-mail address and groups out of the claims that the tenant names.

use serde_json::Value;

use super::error::IdentityError;
use super::groups::read_groups;
use crate::tenant::{ClaimPath, IdentityClaims};
use crate::token::Claims;

/// The user name, which has to be there.
pub(super) fn user(claims: &Claims, names: &IdentityClaims) -> Result<String, IdentityError> {
    text(claims, &names.user)?.ok_or_else(|| IdentityError::Missing(names.user.clone()))
}

/// The e-mail address, if there is one.
pub(super) fn email(claims: &Claims, names: &IdentityClaims) -> Result<Option<String>, IdentityError> {
    text(claims, &names.email)
}

/// The groups, none of them empty.
pub(super) fn groups(claims: &Claims, names: &IdentityClaims) -> Result<Vec<String>, IdentityError> {
    read_groups(&names.groups, claims)
}

/// A claim that is a string. Absent, `null` and empty are the same: some issuers send an attribute that the directory lacks
/// as one of them.
fn text(claims: &Claims, path: &ClaimPath) -> Result<Option<String>, IdentityError> {
    match claims.find(path) {
        None => Ok(None),
        Some(Value::String(text)) => Ok((!text.is_empty()).then(|| text.clone())),
        Some(_) => Err(IdentityError::WrongType(path.clone())),
    }
}
