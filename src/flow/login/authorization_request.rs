//! The authorization request (OpenID Connect Core section 3.1.2.1).

use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::attempt::Attempt;
use crate::base::encoding::base64url;
use crate::oauth::discovery::{MetadataUnavailable, Provider};
use crate::tenant::AuthorizationParameters;

/// The URL of the authorization request. Its parameters come from the configuration and from the
/// attempt, none from the request that began the login, but for `hint`: the `login_hint` of a third
/// party, which has to be sent (section 4). With `ask` it has `prompt=login`, unless a prompt is
/// configured.
///
/// # Errors
/// [`MetadataUnavailable`] if the authorization endpoint or the scopes are not known yet.
pub(super) fn url(
    provider: &Provider,
    attempt: &Attempt,
    redirect_uri: &str,
    hint: Option<&str>,
    ask: bool,
) -> Result<String, MetadataUnavailable> {
    let tenant = provider.tenant();
    let url = provider.authorization_endpoint()?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &tenant.client.id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", &provider.scope()?)
        .append_pair("state", &attempt.state())
        .append_pair("nonce", attempt.nonce().expose_secret())
        .append_pair("code_challenge", &code_challenge(attempt.verifier().expose_secret()))
        .append_pair("code_challenge_method", "S256");
    let AuthorizationParameters { prompt, max_age, acr_values, login_hint, claims, resources, others } =
        &tenant.login.request;
    if let Some(prompt) = prompt.as_deref().or_else(|| ask.then_some("login")) {
        query.append_pair("prompt", prompt);
    }
    if let Some(max_age) = max_age {
        query.append_pair("max_age", &max_age.as_secs().to_string());
    }
    if !acr_values.is_empty() {
        query.append_pair("acr_values", &acr_values.join(" "));
    }
    if let Some(login_hint) = hint.or(login_hint.as_deref()) {
        query.append_pair("login_hint", login_hint);
    }
    if let Some(claims) = claims {
        query.append_pair("claims", claims);
    }
    for resource in resources {
        query.append_pair("resource", resource);
    }
    for (name, value) in others {
        query.append_pair(name, value);
    }
    let url = url.as_str();
    let (endpoint, its_query) = url.split_once('?').unwrap_or((url, ""));
    Ok([endpoint, "?", &joined(its_query, &query.finish())].concat())
}

/// The query of the endpoint and then ours. A parameter of the endpoint that is in ours, too, is
/// left out, because each may occur once. The others stay as they are (RFC 6749 section 3.1).
fn joined(endpoint: &str, ours: &str) -> String {
    let mut query = String::new();
    for pair in endpoint.split('&').filter(|pair| !pair.is_empty()) {
        let is_ours = |name: &str| form_urlencoded::parse(ours.as_bytes()).any(|(other, _)| other == name);
        if !form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| is_ours(&name)) {
            query += pair;
            query += "&";
        }
    }
    query + ours
}

/// The code challenge with `S256` (RFC 7636 section 4.2).
fn code_challenge(verifier: &str) -> String {
    base64url(&Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_challenge_equals_the_example_of_rfc_7636_appendix_b() {
        assert_eq!(
            code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
