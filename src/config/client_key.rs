//! `tenants[].client_key`: what the client signs its assertions with.

use super::Environment;
use super::cursor::Cursor;
use super::values::secret;
use crate::keys::SigningKey;
use crate::tenant::{AssertionAudience, ClientAuthentication};

/// The authentication with the key, if there is one that can sign.
pub(super) fn client_key(at: &Cursor<'_>, environment: &dyn Environment) -> Option<ClientAuthentication> {
    let object = at.object();
    let (pem, jwk, kid) = (object.field("pem"), object.field("jwk"), object.field("kid"));
    let key = match (pem.is_present(), jwk.is_present()) {
        (true, false) => {
            secret(&pem, environment).and_then(|text| pem.note(SigningKey::from_pem(text.expose_secret())))
        }
        (false, true) => {
            secret(&jwk, environment).and_then(|text| jwk.note(SigningKey::from_jwk(text.expose_secret())))
        }
        _ if at.value().is_some_and(serde_json::Value::is_object) => {
            at.refuse("has to have exactly one of `pem` and `jwk`")
        }
        _ => None,
    };
    let key = match kid.text() {
        Some(kid) => key.map(|key| key.with_kid(kid.to_owned())),
        None => key,
    };
    let audience = audience(&object.field("audience"));
    object.finish();
    Some(ClientAuthentication::PrivateKeyJwt { key: Box::new(key?), audience: audience? })
}

fn audience(at: &Cursor<'_>) -> Option<AssertionAudience> {
    match at.text() {
        Some("issuer") => Some(AssertionAudience::Issuer),
        Some("token_endpoint") => Some(AssertionAudience::TokenEndpoint),
        Some(other) => at.refuse(format!("{other:?} is neither issuer nor token_endpoint")),
        None => (!at.is_present()).then_some(AssertionAudience::Issuer),
    }
}
