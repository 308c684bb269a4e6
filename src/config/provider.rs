//! `tenants[].provider`: the issuer's endpoints.

use std::time::Duration;

use url::Url;

use super::cursor::{Cursor, Object};
use super::request::is_set_by_the_gate;
use super::tenant::{AuthMethod, Credential};
use super::values::{Scheme, duration, url};
use crate::tenant::Provider;

/// The provider and how the client authenticates there; each is absent if something of it could not be read.
pub(super) fn provider(
    at: &Cursor<'_>,
    scheme: Scheme,
    credential: Credential,
) -> (Option<Provider>, Option<AuthMethod>) {
    let object = at.required_object();
    let cluster = cluster(&object.field("cluster"));
    let authorization_endpoint = endpoint(&object, "authorization_endpoint", scheme);
    let token_endpoint = endpoint(&object, "token_endpoint", scheme);
    let userinfo_endpoint = url(&object.field("userinfo_endpoint"), scheme);
    let end_session = object.field("end_session_endpoint");
    let end_session_endpoint = url(&end_session, scheme);
    let names_itself = object.field("authorization_response_iss_parameter_supported").boolean().unwrap_or(false);
    let method = auth_method(&object.field("token_endpoint_auth_method"), credential);
    let timeout = duration(&object.field("timeout"), DEFAULT_TIMEOUT, MIN_TIMEOUT..=MAX_TIMEOUT);
    object.finish();
    let provider = (|| {
        Some(Provider {
            cluster: cluster?,
            authorization_endpoint: authorization_endpoint?,
            token_endpoint: token_endpoint?,
            userinfo_endpoint,
            end_session_endpoint,
            authorization_response_iss_parameter_supported: names_itself,
            timeout: timeout?,
        })
    })();
    (provider, method)
}

fn cluster(at: &Cursor<'_>) -> Option<String> {
    let text = at.required_text()?;
    if text.is_empty() || text.chars().any(char::is_control) {
        return at.refuse("is not the name of an Envoy cluster");
    }
    Some(text.to_owned())
}

/// An endpoint whose query has none of the parameters that the gate adds: each may be there once (RFC 6749 section 3.1).
fn endpoint(object: &Object<'_>, name: &'static str, scheme: Scheme) -> Option<Url> {
    let at = object.field(name);
    at.required_text()?;
    let url = url(&at, scheme)?;
    match url.query_pairs().find(|(name, _)| is_set_by_the_gate(name)) {
        Some((name, _)) => {
            at.refuse(format!("has the parameter {name:?} in its query, which the gate sets itself; leave it out"))
        }
        None => Some(url),
    }
}

/// OpenID Connect Core section 9.
fn auth_method(at: &Cursor<'_>, credential: Credential) -> Option<AuthMethod> {
    let method = match at.text() {
        Some("client_secret_basic") => AuthMethod::Basic,
        Some("client_secret_post") => AuthMethod::Post,
        Some("private_key_jwt") => AuthMethod::PrivateKeyJwt,
        Some("none") => AuthMethod::None,
        Some(other) => {
            return at.refuse(format!(
                "{other:?} is not supported; use client_secret_basic, client_secret_post, private_key_jwt or none"
            ));
        }
        None if at.is_present() => return None,
        None => match credential {
            Credential::None => AuthMethod::None,
            Credential::Secret => AuthMethod::Basic,
            Credential::Key => AuthMethod::PrivateKeyJwt,
        },
    };
    match (method, credential) {
        (AuthMethod::None, Credential::None)
        | (AuthMethod::Basic | AuthMethod::Post, Credential::Secret)
        | (AuthMethod::PrivateKeyJwt, Credential::Key) => {}
        (AuthMethod::None, Credential::Secret) => {
            at.error("is none, but there is a `client_secret`; leave one of them out");
        }
        (AuthMethod::None, Credential::Key) => at.error("is none, but there is a `client_key`; leave one of them out"),
        (AuthMethod::Basic | AuthMethod::Post, _) => at.error("needs a `client_secret`, and there is none"),
        (AuthMethod::PrivateKeyJwt, _) => at.error("needs a `client_key`, and there is none"),
    }
    Some(method)
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
const MIN_TIMEOUT: Duration = Duration::from_millis(100);
const MAX_TIMEOUT: Duration = Duration::from_secs(60);
