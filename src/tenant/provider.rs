//! The OpenID Provider of a tenant, as configured.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

/// The provider's endpoints and the Envoy cluster that reaches them.
#[derive(Debug)]
pub struct ProviderConfig {
    /// The only cluster that outbound calls go to.
    pub cluster: String,
    /// The timeout of a call.
    pub timeout: Duration,
    /// The configured endpoints. They take precedence over those from the metadata.
    pub endpoints: Arc<Endpoints>,
    /// Whether the configuration says that every authorization response of the issuer has `iss`
    /// (RFC 9207).
    pub authorization_response_iss_parameter_supported: bool,
    /// The documents that are fetched. Without it none is fetched.
    pub source: Option<Box<ProviderSource>>,
}

/// The endpoints of a provider, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// The authorization endpoint, where the browser is sent to sign in. It may have a query, but
    /// no fragment.
    pub authorization: Option<Url>,
    /// The token endpoint, which exchanges a code for tokens.
    pub token: Option<Url>,
    /// The UserInfo endpoint, which has claims that an ID token lacks (OpenID Connect Core section
    /// 5.3).
    pub userinfo: Option<Url>,
    /// The end session endpoint, where the browser is sent to sign out (OpenID Connect RP-Initiated
    /// Logout 1.0), if the provider has one.
    pub end_session: Option<Url>,
    /// The revocation endpoint, where a sign-out ends the refresh token (RFC 7009), if the provider
    /// has one.
    pub revocation: Option<Url>,
}

/// The documents of a provider that are fetched, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSource {
    /// The document that is fetched first.
    pub start: SourceStart,
    /// Whether `http` is permitted, for development.
    pub insecure: bool,
    /// The origins that discovered addresses may have: that of the issuer, and the trusted ones.
    pub origins: Vec<String>,
    /// The time from one fetch until the next one is due.
    pub interval: Duration,
    /// The time after which fetched keys are no longer used.
    pub max_age: Duration,
}

/// The document that is fetched first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceStart {
    /// The provider's metadata, which contain the other URLs (OpenID Connect Discovery 1.0 section
    /// 4).
    Discovery(Url),
    /// The JWK Set.
    JwksUri(Url),
}

impl ProviderConfig {
    /// Whether the metadata of the provider are fetched.
    pub fn discovers(&self) -> bool {
        self.source.as_ref().is_some_and(|source| matches!(source.start, SourceStart::Discovery(_)))
    }
}
