//! Client ids that the issuer cannot have given, and clients without credentials.

use super::Found;
use super::secrets::is_to_be_filled_in;
use super::site::Site;
use crate::codes;
use crate::known_provider::{KnownProvider, is_uuid};

pub(super) fn lint(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    if let Some(message) = site.text("client_id").and_then(|id| problem(id, site)) {
        found.push(site.warning(codes::CLIENT_ID, "client_id", &message));
    }
    let has = |path: &str| site.at(path).is_some();
    // What is missing may stand there under another name.
    if site.model.is_some()
        && !has("client_secret")
        && !has("client_key")
        && !has("provider.token_endpoint_auth_method")
    {
        let message = "has neither `client_secret` nor `client_key`, so this is a public client; add `client_secret: \
                       {env: NAME}`, or write `provider.token_endpoint_auth_method: none`";
        found.push(site.warning(codes::PUBLIC_CLIENT, "client_id", message));
    }
    found
}

fn problem(id: &str, site: &Site<'_>) -> Option<String> {
    let provider = site.provider();
    if id.trim() != id {
        Some(format!("has white space around it; write \"{}\"", id.trim()))
    } else if is_to_be_filled_in(id) || id.contains(['<', '>', '{', '}', '$']) {
        Some("is a placeholder; write the client id that the issuer shows for this client".to_owned())
    } else if provider == Some(KnownProvider::EntraId) && !is_uuid(id) {
        Some("is no id of Entra ID; write the Application (client) ID, which is a UUID".to_owned())
    } else if provider == Some(KnownProvider::Google) && !id.ends_with(GOOGLE) {
        Some(format!("is no client id of Google; write the one that ends with `{GOOGLE}`"))
    } else {
        None
    }
}

const GOOGLE: &str = ".apps.googleusercontent.com";
