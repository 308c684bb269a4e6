//! Provider metadata (OpenID Connect Discovery 1.0 section 3), as far as Tenantgate uses it.
//!
//! Scenarios: tests/scenarios/keys.rs.

use serde_json::{Map, Value};
use url::Url;

use super::error::{FetchError, METADATA};
use crate::base::json;
use crate::jose::{AlgorithmSet, SignatureAlgorithm};
use crate::tenant::{Endpoints, OptionalScopes, ProviderSource, Tenant};

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
    /// The algorithms that sign ID tokens, as far as they are supported here. `None` if the
    /// document lists none.
    pub(crate) id_token_algorithms: Option<AlgorithmSet>,
    /// Why optional endpoints of the document were left out.
    pub(super) left_out: Vec<FetchError>,
}

impl Metadata {
    /// Parses the metadata document. Where the tenant has configured an address, that of the
    /// document does not count, and is not looked at.
    ///
    /// # Errors
    /// [`FetchError`]. In particular, `issuer` has to be identical to the configured issuer
    /// (section 4.3).
    pub(super) fn read(body: &[u8], tenant: &Tenant) -> Result<Self, FetchError> {
        let source = tenant.provider.source.as_ref().ok_or(FetchError::NotJson(METADATA))?;
        let document = json::parse_object(body).map_err(|_| FetchError::NotJson(METADATA))?;
        match document.get("issuer") {
            Some(Value::String(named)) if *named == tenant.issuer => {}
            named => {
                let named = named.and_then(Value::as_str).unwrap_or_default();
                return Err(FetchError::OtherIssuer(named.to_owned()));
            }
        }
        let configured = &tenant.provider.endpoints;
        let required = |name, configured: &Option<Url>| match configured {
            Some(_) => Ok(None),
            None => url(&document, name, source),
        };
        let (authorization, token) = (
            required("authorization_endpoint", &configured.authorization)?,
            required("token_endpoint", &configured.token)?,
        );
        let jwks_uri = url(&document, "jwks_uri", source)?.ok_or(FetchError::Field("jwks_uri"))?;
        let mut left_out = Vec::new();
        let mut optional = |name, configured| {
            required(name, configured).unwrap_or_else(|error| {
                left_out.push(error);
                None
            })
        };
        let endpoints = Endpoints {
            authorization,
            token,
            userinfo: optional("userinfo_endpoint", &configured.userinfo),
            end_session: optional("end_session_endpoint", &configured.end_session),
            revocation: optional("revocation_endpoint", &configured.revocation),
        };
        let names_issuer = document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true));
        let scopes = scopes(&document);
        let id_token_algorithms = id_token_algorithms(&document);
        Ok(Self { endpoints, jwks_uri, scopes, names_issuer, id_token_algorithms, left_out })
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

/// The algorithms that `id_token_signing_alg_values_supported` lists.
fn id_token_algorithms(document: &Map<String, Value>) -> Option<AlgorithmSet> {
    let listed = document.get("id_token_signing_alg_values_supported")?.as_array()?;
    let names = listed.iter().filter_map(Value::as_str);
    let algorithms: AlgorithmSet = names.filter_map(SignatureAlgorithm::parse).collect();
    (!algorithms.is_empty()).then_some(algorithms)
}

/// The URL in field `name`, under the same conditions as a configured URL, and at an origin of the
/// issuer: calls go there with the credentials of the client, and browsers with their users.
fn url(document: &Map<String, Value>, name: &'static str, source: &ProviderSource) -> Result<Option<Url>, FetchError> {
    let text = match document.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value.as_str().ok_or(FetchError::Field(name))?,
    };
    let url = Url::parse(text).map_err(|_| FetchError::Field(name))?;
    let scheme = url.scheme() == "https" || (source.insecure && url.scheme() == "http");
    let plain = url.has_host() && url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let origin = url.origin().ascii_serialization();
    if !scheme || !plain || origin.len() > MAX_ORIGIN {
        return Err(FetchError::Field(name));
    }
    if source.origins.contains(&origin) { Ok(Some(url)) } else { Err(FetchError::Origin(name, origin)) }
}

/// The scheme, a name of the DNS, and a port.
const MAX_ORIGIN: usize = 270;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{self, LoadContext};
    use crate::jose::HostAlgorithms;
    use crate::runtime::TenantEntry;
    use crate::testing::TestHost;

    /// What a tenant of this issuer reads from `document`.
    fn read(document: &Value, provider: &Value) -> Result<Metadata, FetchError> {
        let mut tenant = json!({
            "name": "a", "hosts": ["a.example"], "issuer": document["issuer"], "client_id": "gate",
            "provider": { "cluster": "i", "discovery": true },
        });
        tenant["provider"].as_object_mut().unwrap().extend(provider.as_object().unwrap().clone());
        let key = json!({ "id": "k", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" });
        let configuration = json!({ "strict": true, "session": { "keys": [key] }, "tenants": [tenant] });
        let context = LoadContext { environment: &TestHost::default(), host: HostAlgorithms::default() };
        let runtime = config::load_value(&configuration, context).unwrap().runtime;
        let [TenantEntry::Served(tenant)] = runtime.entries() else { panic!("one tenant serves") };
        Metadata::read(document.to_string().as_bytes(), &tenant.model)
    }

    fn with_origins(origins: &[&str]) -> Value {
        if origins.is_empty() { json!({}) } else { json!({ "trusted_origins": origins }) }
    }

    /// The addresses that providers publish, and the origins to trust, as in docs/operations.md:
    /// the required ones, and those of optional endpoints.
    #[test]
    fn shapes_of_providers() {
        let google = json!({
            "issuer": "https://accounts.google.com",
            "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
            "device_authorization_endpoint": "https://oauth2.googleapis.com/device/code",
            "token_endpoint": "https://oauth2.googleapis.com/token",
            "userinfo_endpoint": "https://openidconnect.googleapis.com/v1/userinfo",
            "revocation_endpoint": "https://oauth2.googleapis.com/revoke",
            "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
        });
        let entra = json!({
            "issuer": "https://login.microsoftonline.com/f7f9/v2.0",
            "authorization_endpoint": "https://login.microsoftonline.com/f7f9/oauth2/v2.0/authorize",
            "token_endpoint": "https://login.microsoftonline.com/f7f9/oauth2/v2.0/token",
            "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
            "end_session_endpoint": "https://login.microsoftonline.com/f7f9/oauth2/v2.0/logout",
            "jwks_uri": "https://login.microsoftonline.com/f7f9/discovery/v2.0/keys",
        });
        let auth0 = json!({
            "issuer": "https://acme.eu.auth0.com/",
            "authorization_endpoint": "https://acme.eu.auth0.com/authorize",
            "token_endpoint": "https://acme.eu.auth0.com/oauth/token",
            "userinfo_endpoint": "https://acme.eu.auth0.com/userinfo",
            "end_session_endpoint": "https://acme.eu.auth0.com/oidc/logout",
            "revocation_endpoint": "https://acme.eu.auth0.com/oauth/revoke",
            "jwks_uri": "https://acme.eu.auth0.com/.well-known/jwks.json",
        });
        let okta = json!({
            "issuer": "https://acme.okta.com/oauth2/default",
            "authorization_endpoint": "https://acme.okta.com/oauth2/default/v1/authorize",
            "token_endpoint": "https://acme.okta.com/oauth2/default/v1/token",
            "userinfo_endpoint": "https://acme.okta.com/oauth2/default/v1/userinfo",
            "end_session_endpoint": "https://acme.okta.com/oauth2/default/v1/logout",
            "revocation_endpoint": "https://acme.okta.com/oauth2/default/v1/revoke",
            "jwks_uri": "https://acme.okta.com/oauth2/default/v1/keys",
        });
        let keycloak = json!({
            "issuer": "https://sso.acme.example/realms/acme",
            "authorization_endpoint": "https://sso.acme.example/realms/acme/protocol/openid-connect/auth",
            "token_endpoint": "https://sso.acme.example/realms/acme/protocol/openid-connect/token",
            "userinfo_endpoint": "https://sso.acme.example/realms/acme/protocol/openid-connect/userinfo",
            "end_session_endpoint": "https://sso.acme.example/realms/acme/protocol/openid-connect/logout",
            "revocation_endpoint": "https://sso.acme.example/realms/acme/protocol/openid-connect/revoke",
            "jwks_uri": "https://sso.acme.example/realms/acme/protocol/openid-connect/certs",
        });
        let cognito = json!({
            "issuer": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a1B2",
            "authorization_endpoint": "https://acme.auth.eu-central-1.amazoncognito.com/oauth2/authorize",
            "token_endpoint": "https://acme.auth.eu-central-1.amazoncognito.com/oauth2/token",
            "userinfo_endpoint": "https://acme.auth.eu-central-1.amazoncognito.com/oauth2/userInfo",
            "end_session_endpoint": "https://acme.auth.eu-central-1.amazoncognito.com/logout",
            "revocation_endpoint": "https://acme.auth.eu-central-1.amazoncognito.com/oauth2/revoke",
            "jwks_uri": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a1B2/.well-known/jwks.json",
        });
        let shapes: [(Value, &[&str], &[&str]); 6] = [
            (
                google,
                &["https://oauth2.googleapis.com", "https://www.googleapis.com"],
                &["https://openidconnect.googleapis.com"],
            ),
            (entra, &[], &["https://graph.microsoft.com"]),
            (auth0, &[], &[]),
            (okta, &[], &[]),
            (keycloak, &[], &[]),
            (cognito, &["https://acme.auth.eu-central-1.amazoncognito.com"], &[]),
        ];
        for (document, required, optional) in shapes {
            for missing in 0..required.len() {
                let others: Vec<&str> = required.iter().copied().filter(|it| *it != required[missing]).collect();
                let error = read(&document, &with_origins(&others)).unwrap_err();
                assert!(matches!(&error, FetchError::Origin(_, origin) if origin == required[missing]), "{error}");
            }
            let metadata = read(&document, &with_origins(required)).unwrap();
            let missing = |name| FetchError::Origin("userinfo_endpoint", str::to_owned(name));
            assert_eq!(metadata.left_out, optional.iter().copied().map(missing).collect::<Vec<_>>());
            let metadata = read(&document, &with_origins(&[required, optional].concat())).unwrap();
            assert_eq!(metadata.left_out, []);
            let has = |name: &str| document.get(name).is_some();
            assert_eq!(metadata.endpoints.end_session.is_some(), has("end_session_endpoint"));
            assert_eq!(metadata.endpoints.revocation.is_some(), has("revocation_endpoint"));
            assert!(metadata.endpoints.userinfo.is_some());
        }
    }

    /// The origin is compared as a whole.
    #[test]
    fn other_origins() {
        let base = "https://login.acme.example";
        for origin in [
            "https://login.acme.example:8443",
            "https://login.acme.example.evil.example",
            "https://acme.example",
            "https://169.254.169.254",
            "https://[::1]",
            "https://localhost",
        ] {
            let document = json!({ "issuer": base, "jwks_uri": format!("{origin}/keys") });
            let error = read(&document, &json!({})).unwrap_err();
            assert_eq!(error, FetchError::Origin("jwks_uri", origin.to_owned()));
            assert!(error.to_string().contains("add it to `provider.trusted_origins`"), "{error}");
        }
        for same in ["https://login.acme.example:443/keys", "https://LOGIN.acme.example/keys"] {
            assert!(read(&json!({ "issuer": base, "jwks_uri": same }), &json!({})).is_ok(), "{same}");
        }
        let long = json!({ "issuer": base, "jwks_uri": format!("https://{}/", "a.".repeat(1000)) });
        assert_eq!(read(&long, &json!({})), Err(FetchError::Field("jwks_uri")));
        // A configured address counts before one of the document, whatever that is.
        let document = json!({ "issuer": base, "jwks_uri": format!("{base}/keys"), "token_endpoint": "https://x/" });
        assert!(read(&document, &json!({})).is_err());
        let metadata = read(&document, &json!({ "token_endpoint": "https://y.example/token" })).unwrap();
        assert_eq!((metadata.endpoints.token, metadata.left_out), (None, vec![]));
    }
}
