//! `tenants[].client_key`: the key of `private_key_jwt`, the signed client assertion.

use super::cursor::Cursor;
use super::signing_key::signing_key;
use crate::env::Environment;
use crate::tenant::{AssertionAudience, ClientAuthentication};

/// Reads the client authentication with this key. `None` if the key or the audience could not be
/// read.
pub(super) fn client_key(at: &Cursor<'_>, environment: &dyn Environment) -> Option<ClientAuthentication> {
    let object = at.object();
    let key = signing_key(at, &object, environment);
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
