//! The authorization request (OpenID Connect Core section 3.1.2.1).

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::attempt::Attempt;
use crate::base::encoding::base64url;
use crate::oauth::discovery::{MetadataUnavailable, Provider};
use crate::tenant::AuthorizationParameters;

/// The URL of the authorization request. Its parameters come from the configuration and from the
/// attempt, none from the request that began the login. With `ask` it has `prompt=login`, unless a
/// prompt is configured.
///
/// # Errors
/// [`MetadataUnavailable`] if the authorization endpoint or the scopes are not known yet.
pub(super) fn url(
    provider: &Provider,
    attempt: &Attempt,
    redirect_uri: &str,
    ask: bool,
) -> Result<String, MetadataUnavailable> {
    let tenant = provider.tenant();
    let mut url = provider.authorization_endpoint()?;
    let mut pairs: Vec<(&str, Cow<'_, str>)> = vec![
        ("response_type", "code".into()),
        ("client_id", (&tenant.client.id).into()),
        ("redirect_uri", redirect_uri.into()),
        ("scope", provider.scope()?.into()),
        ("state", attempt.state().into()),
        ("nonce", attempt.nonce().expose_secret().clone().into()),
        ("code_challenge", code_challenge(attempt.verifier().expose_secret()).into()),
        ("code_challenge_method", "S256".into()),
    ];
    let AuthorizationParameters { prompt, max_age, acr_values, login_hint, claims, resources, others } =
        &tenant.login.request;
    if let Some(prompt) = prompt.as_deref().or_else(|| ask.then_some("login")) {
        pairs.push(("prompt", prompt.into()));
    }
    if let Some(max_age) = max_age {
        pairs.push(("max_age", max_age.as_secs().to_string().into()));
    }
    if !acr_values.is_empty() {
        pairs.push(("acr_values", acr_values.join(" ").into()));
    }
    if let Some(login_hint) = login_hint {
        pairs.push(("login_hint", login_hint.into()));
    }
    if let Some(claims) = claims {
        pairs.push(("claims", claims.into()));
    }
    pairs.extend(resources.iter().map(|resource| ("resource", resource.into())));
    pairs.extend(others.iter().map(|(name, value)| (name.as_str(), value.into())));
    remove_parameters(&mut url, |name| pairs.iter().any(|(ours, _)| *ours == name));
    url.query_pairs_mut().extend_pairs(pairs);
    Ok(url.into())
}

/// Removes these parameters from the query of the endpoint, because each may occur once. The other
/// ones stay as they are (RFC 6749 section 3.1).
fn remove_parameters(url: &mut Url, is_removed: impl Fn(&str) -> bool) {
    let Some(query) = url.query() else { return };
    let is_kept =
        |pair: &&str| form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(name, _)| !is_removed(&name));
    let kept: Vec<&str> = query.split('&').filter(is_kept).collect();
    let kept = (!kept.is_empty()).then(|| kept.join("&"));
    url.set_query(kept.as_deref());
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
