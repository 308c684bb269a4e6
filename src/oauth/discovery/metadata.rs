//! Provider metadata (OpenID Connect Discovery 1.0 section 3), as far as it is used here.

use serde_json::{Map, Value};
use url::Url;

use super::error::FetchError;
use crate::base::json;
use crate::tenant::{Endpoints, ProviderSource};

/// The metadata of a provider that is the one that was configured.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) endpoints: Endpoints,
    pub(crate) jwks_uri: Url,
    /// RFC 9207 section 3: every answer names its issuer.
    pub(crate) names_issuer: bool,
}

impl Metadata {
    /// Reads the document.
    ///
    /// # Errors
    /// [`FetchError`], above all if it is that of another issuer (section 4.3: the two have to be identical).
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
        };
        let names_issuer = document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true));
        Ok(Self { endpoints, jwks_uri: url("jwks_uri")?.ok_or(FetchError::Field("jwks_uri"))?, names_issuer })
    }
}

/// A URL that could stand in the configuration as well.
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
