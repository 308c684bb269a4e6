//! A private key that signs: `pem` or `jwk`, and a `kid`.

use serde_json::Value;

use super::Environment;
use super::cursor::Cursor;
use super::values::secret;
use crate::keys::SigningKey;

pub(super) fn signing_key(at: &Cursor<'_>, environment: &dyn Environment) -> Option<SigningKey> {
    let object = at.object();
    let (pem, jwk, kid) = (object.field("pem"), object.field("jwk"), object.field("kid"));
    let key = match (pem.is_present(), jwk.is_present()) {
        (true, false) => {
            secret(&pem, environment).and_then(|text| pem.note(SigningKey::from_pem(text.expose_secret())))
        }
        (false, true) => {
            secret(&jwk, environment).and_then(|text| jwk.note(SigningKey::from_jwk(text.expose_secret())))
        }
        (true, true) | (false, false) if at.value().is_some_and(Value::is_object) => {
            at.refuse("has to have exactly one of `pem` and `jwk`")
        }
        (true, true) | (false, false) => None,
    };
    let key = match kid.text() {
        Some("") => kid.refuse("is empty"),
        Some(kid) => key.map(|key| key.with_kid(kid.to_owned())),
        None => key,
    };
    object.finish();
    key
}
