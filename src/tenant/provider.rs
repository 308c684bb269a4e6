//! The OpenID Provider of a tenant, as the configuration describes it.

use std::time::Duration;

use url::Url;

/// The provider's endpoints and the Envoy cluster that reaches them.
#[derive(Debug)]
pub struct ProviderConfig {
    /// The cluster that outbound calls go to; calls go nowhere else.
    pub cluster: String,
    /// The longest that a call may take.
    pub timeout: Duration,
    /// The endpoints that the configuration names. They win over those that were discovered.
    pub endpoints: Endpoints,
    /// Whether the configuration says that every answer of the issuer names it (`iss`, RFC 9207).
    pub authorization_response_iss_parameter_supported: bool,
    /// What is fetched; nothing without it.
    pub source: Option<ProviderSource>,
}

/// Endpoints, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Where the browser is sent to sign in. May have a query of its own, no fragment.
    pub authorization: Option<Url>,
    /// Where a code is redeemed.
    pub token: Option<Url>,
    /// Where the claims are that an ID token lacks (OpenID Connect Core section 5.3).
    pub userinfo: Option<Url>,
    /// Where the browser is sent to sign out (OpenID Connect RP-Initiated Logout 1.0), if the provider has that.
    pub end_session: Option<Url>,
}

/// What is fetched of a provider, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSource {
    /// Where it begins.
    pub start: SourceStart,
    /// Whether http is permitted, for development.
    pub insecure: bool,
    /// How long after a fetch the next one is due.
    pub interval: Duration,
    /// Keys that were fetched longer ago than this are not used any more. Without it they stay until there are others.
    pub max_age: Option<Duration>,
}

/// Where fetching begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceStart {
    /// With the provider's metadata, which names the rest (OpenID Connect Discovery 1.0 section 4).
    Discovery(Url),
    /// With the JWK Set.
    JwksUri(Url),
}

impl ProviderConfig {
    /// Whether the metadata of the provider are fetched.
    pub(crate) fn discovers(&self) -> bool {
        self.source.as_ref().is_some_and(|source| matches!(source.start, SourceStart::Discovery(_)))
    }
}
