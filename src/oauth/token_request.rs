//! The token request (OpenID Connect Core section 3.1.3.1).

use url::Url;

use super::call_headers::request_line;
use super::client_assertion::client_assertion;
use super::discovery::Provider;
use super::error::TokenRequestError;
use super::sent_secrets::SentSecrets;
use crate::base::encoding::{base64, form, form_value};
use crate::base::secret::Secret;
use crate::env::Env;
use crate::http::call::HttpCall;
use crate::tenant::{Client, ClientAuthentication};

/// A request of the client, and what the text of its answer must not show.
pub(crate) struct ClientRequest {
    /// The call that is to be made.
    pub(crate) call: HttpCall,
    /// The secrets in it.
    pub(crate) sent: SentSecrets,
}

/// The token request that redeems `code`. `verifier` is the PKCE code verifier (RFC 7636 section
/// 4.5).
///
/// # Errors
/// [`TokenRequestError`] if the token endpoint is not known, or the client cannot be authenticated.
pub(crate) fn token_request(
    provider: &Provider,
    code: &Secret<String>,
    verifier: &Secret<String>,
    redirect_uri: &str,
    env: &mut Env<'_>,
) -> Result<ClientRequest, TokenRequestError> {
    let parameters = [
        ("grant_type", "authorization_code"),
        ("code", code.expose_secret()),
        ("redirect_uri", redirect_uri),
        ("code_verifier", verifier.expose_secret()),
    ];
    call(provider, parameters.into(), env)
}

/// The token request that refreshes a session (RFC 6749 section 6). It has no `scope`, which asks
/// for the scope that was granted.
///
/// # Errors
/// [`TokenRequestError`] if the token endpoint is not known, or the client cannot be authenticated.
pub(crate) fn refresh_request(
    provider: &Provider,
    refresh_token: &str,
    env: &mut Env<'_>,
) -> Result<ClientRequest, TokenRequestError> {
    call(provider, vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)], env)
}

/// The token request for `grant`.
fn call(provider: &Provider, grant: Vec<(&str, &str)>, env: &mut Env<'_>) -> Result<ClientRequest, TokenRequestError> {
    let mut parameters = grant;
    // RFC 8707 section 2.2. Without `resource` some issuers issue a token for no resource at all.
    let resources = &provider.tenant().login.request.resources;
    parameters.extend(resources.iter().map(|resource| ("resource", resource.as_str())));
    authenticated(provider, &provider.token_endpoint()?, parameters, env)
}

/// A request of the client to `endpoint`: adds the client authentication to `parameters`. The call
/// goes to the cluster of the tenant's provider.
///
/// # Errors
/// [`TokenRequestError`] if the client cannot be authenticated.
pub(super) fn authenticated(
    provider: &Provider,
    endpoint: &Url,
    parameters: Vec<(&str, &str)>,
    env: &mut Env<'_>,
) -> Result<ClientRequest, TokenRequestError> {
    let tenant = provider.tenant();
    let Client { id, authentication } = &tenant.client;
    let assertion;
    let mut parameters = parameters;
    let mut authorization = None;
    let mut sent = SentSecrets::default();
    match authentication {
        ClientAuthentication::Basic(secret) => {
            sent.add(secret.expose_secret());
            // The provider may repeat the secret as it is inside the credentials.
            sent.add(&form_value(secret.expose_secret()));
            let credentials = basic(id, secret);
            sent.add(credentials.expose_secret());
            authorization = Some(Secret::new(["Basic ", credentials.expose_secret()].concat()));
        }
        ClientAuthentication::Post(secret) => {
            parameters.extend([("client_id", id.as_str()), ("client_secret", secret.expose_secret())]);
        }
        ClientAuthentication::PrivateKeyJwt { key, audience } => {
            assertion = client_assertion(provider, key, *audience, env)?;
            parameters.extend([
                ("client_id", id.as_str()),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", assertion.expose_secret()),
            ]);
        }
        ClientAuthentication::None => parameters.push(("client_id", id)),
    }

    parameters.iter().filter(|(name, _)| !PUBLIC.contains(name)).for_each(|(_, value)| sent.add(value));
    let mut headers = post_to(endpoint);
    headers.extend(authorization.map(|value| ("authorization", value)));
    let call = HttpCall {
        cluster: tenant.provider.cluster.clone(),
        headers,
        body: Secret::new(form(parameters)),
        timeout: tenant.provider.timeout,
    };
    Ok(ClientRequest { call, sent })
}

/// RFC 6749 section 2.3.1: both parts are form-encoded before they are joined.
fn basic(id: &str, secret: &Secret<String>) -> Secret<String> {
    let credentials = format!("{}:{}", form_value(id), form_value(secret.expose_secret()));
    Secret::new(base64(credentials.as_bytes()))
}

fn post_to(endpoint: &Url) -> Vec<(&'static str, Secret<String>)> {
    let mut headers = request_line("POST", endpoint);
    headers.extend(
        [
            ("content-type", "application/x-www-form-urlencoded"),
            // Without `accept` some issuers send their errors as HTML.
            ("accept", "application/json"),
        ]
        .map(|(name, value)| (name, Secret::new(value.to_owned()))),
    );
    headers
}

/// The parameters that are no secrets. Every other one is.
const PUBLIC: [&str; 6] =
    ["client_assertion_type", "client_id", "grant_type", "redirect_uri", "resource", "token_type_hint"];
/// RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_of_basic_are_form_encoded() {
        let value = basic("a:b", &Secret::new("p+ %\u{e9}".to_owned()));
        assert_eq!(value.expose_secret(), &base64(b"a%3Ab:p%2B+%25%C3%A9"));
    }
}
