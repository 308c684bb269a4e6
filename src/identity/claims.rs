//! Reads user name, e-mail address and groups from the claims that the tenant configures.

use serde_json::Value;

use super::error::IdentityError;
use super::groups::read_groups;
use crate::tenant::{ClaimPath, IdentityClaims};
use crate::token::Claims;

/// The user name, which is required.
pub(super) fn user(claims: &Claims, names: &IdentityClaims) -> Result<String, IdentityError> {
    text(claims, &names.user)?.ok_or_else(|| IdentityError::Missing(names.user.clone()))
}

/// The e-mail address, if the claim has one.
pub(super) fn email(claims: &Claims, names: &IdentityClaims) -> Result<Option<String>, IdentityError> {
    text(claims, &names.email)
}

/// Whether the e-mail address is verified.
pub(super) fn email_verified(claims: &Claims, names: &IdentityClaims) -> bool {
    names.email_can_be_verified() && claims.email_verified()
}

/// The groups; no group is empty.
pub(super) fn groups(claims: &Claims, names: &IdentityClaims) -> Result<Vec<String>, IdentityError> {
    read_groups(&names.groups, claims)
}

/// A claim that is a string. Absent, `null` and empty are equivalent: some issuers send one of them
/// for an attribute that the directory does not have.
fn text(claims: &Claims, path: &ClaimPath) -> Result<Option<String>, IdentityError> {
    match claims.find(path) {
        None => Ok(None),
        Some(Value::String(text)) => Ok((!text.is_empty()).then(|| text.clone())),
        Some(_) => Err(IdentityError::WrongType(path.clone())),
    }
}
