//! The client and its secret or key, by the token request of the filter with a code that does not
//! exist. A provider looks at the client before it looks at the code (RFC 6749 section 4.1.3).

use std::rc::Rc;

use serde_json::{Map, Value};
use tenantgate::tenant::{ClientAuthentication, Tenant};

use super::finding::Finding;
use super::redirect_uri::reason;
use crate::browser::{AuthorizationRequest, Browser};
use crate::client::{Answer, Client, response};

/// The finding about the client. The code is that of the login that `request` has begun.
pub(super) fn probe(
    client: &Client,
    tenant: &Tenant,
    browser: &mut Browser,
    request: &AuthorizationRequest,
) -> Finding {
    let mut received: Option<Result<Rc<Answer>, String>> = None;
    let outcome = browser.exchange(&request.response(tenant, CODE), &mut |call| {
        let answer = client.call(call);
        let result = response(&answer);
        received.get_or_insert(answer);
        result
    });
    // What the filter would log has no secret.
    let reason = reason(&outcome);
    let answer = match received {
        None => return Finding::error(ABOUT, format!("no token request was made: {reason}")),
        Some(Err(problem)) => return Finding::error(ABOUT, format!("the token endpoint: {problem}")),
        Some(Ok(answer)) => answer,
    };
    verdict(tenant, &answer, &reason)
}

fn verdict(tenant: &Tenant, answer: &Answer, reason: &str) -> Finding {
    let body = serde_json::from_slice::<Map<String, Value>>(&answer.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let credential = match &tenant.client.authentication {
        ClientAuthentication::Basic(_) | ClientAuthentication::Post(_) => "the client and its secret",
        ClientAuthentication::PrivateKeyJwt { .. } => "the client and its key",
        ClientAuthentication::None => "the client, without a secret",
    };
    let error = text("error").filter(|_| (400..500).contains(&answer.status));
    let received = format!("expected `invalid_grant` for an invalid code, received status {}: {reason}", answer.status);
    let accepted = format!("the provider knows {credential}: an invalid code is `{}`", error.unwrap_or_default());
    match error {
        Some("invalid_grant") => Finding::ok(ABOUT, accepted),
        // dex answers so, after it has looked at the client.
        Some("invalid_request") if text("error_description").is_some_and(|text| text.contains("code")) => {
            Finding::ok(ABOUT, accepted)
        }
        Some("invalid_client") => {
            let help = match &tenant.client.authentication {
                ClientAuthentication::PrivateKeyJwt { .. } => {
                    "register the public key of `client_key` at the provider; some want `client_key.audience: token_endpoint`"
                }
                ClientAuthentication::None => "the client is registered as a confidential one: write `client_secret`",
                ClientAuthentication::Basic(_) => {
                    "compare `client_id` and `client_secret` with the registration; some providers want \
                     `provider.token_endpoint_auth_method: client_secret_post`"
                }
                ClientAuthentication::Post(_) => {
                    "compare `client_id` and `client_secret` with the registration; some providers want \
                     `provider.token_endpoint_auth_method: client_secret_basic`"
                }
            };
            Finding::error(ABOUT, received).help(help)
        }
        Some("unauthorized_client" | "unsupported_grant_type") => {
            Finding::error(ABOUT, received).help("permit the authorization code flow to the client at the provider")
        }
        Some(_) => Finding::warning(ABOUT, received),
        None if answer.status >= 500 => Finding::warning(ABOUT, received),
        None => Finding::error(ABOUT, received)
            .help("compare `provider.token_endpoint` with the documentation of the provider"),
    }
}

const ABOUT: &str = "client";
/// No provider has made this code.
const CODE: &str = "tenantgate-probe";
