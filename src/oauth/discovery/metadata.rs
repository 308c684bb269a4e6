//! Provider metadata (OpenID Connect Discovery 1.0 section 3), as far as Tenantgate uses it.
//!
//! Scenarios: tests/scenarios/keys.rs.

use serde_json::{Map, Value};
use url::Url;

use super::error::FetchError;
use crate::base::json;
use crate::tenant::{Endpoints, OptionalScopes, ProviderSource};

/// The metadata of the configured issuer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// The endpoints, as far as the provider has them.
    pub(crate) endpoints: Endpoints,
    /// The location of the JWK Set.
    pub(crate) jwks_uri: Url,
    /// The scopes that the provider has.
    pub(crate) scopes: OptionalScopes,
    /// Whether every authorization response has `iss` (RFC 9207 section 3).
    pub(crate) names_issuer: bool,
}

impl Metadata {
    /// Parses the metadata document.
    ///
    /// # Errors
    /// [`FetchError`]. In particular, `issuer` has to be identical to the configured issuer
    /// (section 4.3).
    pub(super) fn read(body: &[u8], issuer: &str, source: &ProviderSource) -> Result<Self, FetchError> {
        let document = json::parse_object(body).map_err(|_| FetchError::NotJson)?;
        match document.get("issuer") {
            Some(Value::String(named)) if named == issuer => {}
            _ => return Err(FetchError::OtherIssuer),
        }
        let url = |name| url(&document, name, source);
        let endpoints = Endpoints {
            authorization: url("authorization_endpoint")?,
            token: url("token_endpoint")?,
            userinfo: url("userinfo_endpoint")?,
            end_session: url("end_session_endpoint")?,
            revocation: url("revocation_endpoint")?,
        };
        let names_issuer = document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true));
        let scopes = scopes(&document);
        Ok(Self { endpoints, jwks_uri: url("jwks_uri")?.ok_or(FetchError::Field("jwks_uri"))?, scopes, names_issuer })
    }
}

/// The scopes that `scopes_supported` lists.
fn scopes(document: &Map<String, Value>) -> OptionalScopes {
    match document.get("scopes_supported") {
        Some(Value::Array(listed)) if !listed.is_empty() => {
            let has = |scope| listed.iter().any(|listed| listed.as_str() == Some(scope));
            OptionalScopes { groups: has("groups"), offline_access: has("offline_access") }
        }
        _ => OptionalScopes::NOT_LISTED,
    }
}

/// The URL in field `name`, under the same conditions as a configured URL.
fn url(document: &Map<String, Value>, name: &'static str, source: &ProviderSource) -> Result<Option<Url>, FetchError> {
    let text = match document.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value.as_str().ok_or(FetchError::Field(name))?,
    };
    let url = Url::parse(text).map_err(|_| FetchError::Field(name))?;
    let scheme = url.scheme() == "https" || (source.insecure && url.scheme() == "http");
    let plain = url.has_host() && url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if scheme && plain { Ok(Some(url)) } else { Err(FetchError::Field(name)) }
}
