//! A private signing key: `pem` or `jwk`, and `kid`.

use super::cursor::{Cursor, Object};
use super::values::secret;
use crate::env::Environment;
use crate::jose::SigningKey;

/// Reads the key from `object` at `at`. The caller reads further fields and finishes the object.
pub(super) fn signing_key(at: &Cursor<'_>, object: &Object<'_>, environment: &dyn Environment) -> Option<SigningKey> {
    let (pem, jwk, kid) = (object.field("pem"), object.field("jwk"), object.field("kid"));
    let key = match (pem.is_present(), jwk.is_present()) {
        (true, false) => {
            secret(&pem, environment).and_then(|text| pem.note(SigningKey::from_pem(text.expose_secret())))
        }
        (false, true) => {
            secret(&jwk, environment).and_then(|text| jwk.note(SigningKey::from_jwk(text.expose_secret())))
        }
        (true, true) | (false, false) if object.members().is_some() => {
            at.refuse("has to have exactly one of `pem` and `jwk`")
        }
        (true, true) | (false, false) => None,
    };
    match kid.text() {
        Some("") => kid.refuse("is empty"),
        Some(kid) => key.map(|key| key.with_kid(kid.to_owned())),
        None => key,
    }
}
