//! The plain model of a tenant: one enterprise customer with its hosts, its issuer, its keys and
//! its access rules, as configured.
//!
//! Every value is parsed and checked when the configuration is loaded. This room has no mutex, no
//! cache and no state that changes: the higher rooms hold the state of each tenant. It does not
//! know tokens, identities or sessions.
//!
//! Scenarios: tests/scenarios/tenants.rs.

pub mod access;
mod bearer;
mod claim_path;
mod client;
mod cookies;
mod headers;
mod identity_claims;
mod login;
mod provider;
mod refresh;
mod scopes;
mod session_policy;

use std::sync::Arc;

use crate::base::time::UnixTime;
use crate::http::host::{Host, HostPattern};
use crate::http::page_settings::PageSettings;
use crate::jose::{AlgorithmSet, KeySet, SigningKeyRef};
use access::{AccessRules, Roles};

pub use crate::base::tenant_name::TenantName;
pub use bearer::{Bearer, RequiredClaim};
pub use claim_path::ClaimPath;
pub use client::{AssertionAudience, Client, ClientAuthentication};
pub(crate) use cookies::{MAX_PIECES, TenantCookies, without_tenantgate_cookies};
pub(crate) use headers::DEFAULT_NAMES;
pub use headers::{
    DEFAULT_ASSERTION, DEFAULT_EMAIL, DEFAULT_GROUPS, DEFAULT_PREFERRED_USERNAME, DEFAULT_ROLES, DEFAULT_TENANT,
    DEFAULT_USER, ForwardedAuthorization, IdentityHeaders, ListForm,
};
pub use identity_claims::{GroupClaim, IdentityClaims, RetainedClaims};
pub use login::{AuthorizationParameters, CookieDomain, IdTokenHint, Login};
pub use provider::{Endpoints, ProviderConfig, ProviderSource, SourceStart};
pub use refresh::{Refresh, WithoutToken};
pub use scopes::{OptionalScopes, Scopes};
pub use session_policy::SessionPolicy;

/// One tenant of the loaded configuration. What tenants have alike is there once for all of them.
#[derive(Debug)]
pub struct Tenant {
    /// The unique name. The upstream receives it, and sealed values are bound to it.
    pub name: TenantName,
    /// The hosts that select this tenant, at least one.
    pub hosts: Vec<HostPattern>,
    /// The Issuer Identifier, compared byte for byte with `iss` (OpenID Connect Core section 2).
    pub issuer: String,
    /// The client registration at the issuer.
    pub client: Client,
    /// The algorithms that sign ID tokens (`id_token_signed_response_alg` of OpenID Connect
    /// Registration 1.0). Without it those that the metadata list, or that the keys have.
    pub id_token_algorithms: Option<AlgorithmSet>,
    /// The audiences that an ID token may have besides the client.
    pub trusted_audiences: Vec<String>,
    /// The configured public keys of the issuer, at least one unless keys are fetched.
    pub keys: Arc<KeySet>,
    /// The endpoints of the issuer and the cluster that reaches them.
    pub provider: ProviderConfig,
    /// The settings of a login.
    pub login: Arc<Login>,
    /// The origins whose pages may use a session of this tenant, besides the origin of the request,
    /// in the form of the header `Origin`.
    pub trusted_origins: Vec<String>,
    /// The settings of the session refresh. Without them sessions are not refreshed.
    pub refresh: Option<Refresh>,
    /// The bearer tokens that are accepted from API clients. Without it none is accepted.
    pub bearer: Option<Arc<Bearer>>,
    /// The claims that make up the identity.
    pub identity: Arc<IdentityClaims>,
    /// The roles that the tenant gives to users and groups.
    pub roles: Arc<Roles>,
    /// The access rules.
    pub access: Arc<AccessRules>,
    /// The headers in which the upstream receives the identity.
    pub headers: Arc<IdentityHeaders>,
    /// What the tenant configures for Tenantgate's pages.
    pub pages: Arc<PageSettings>,
    /// Sessions that began before this time are revoked when it has come.
    pub sessions_not_before: Option<UnixTime>,
}

impl Tenant {
    /// Whether a session stays valid whose identity was verified with `key`. If a configured key is
    /// removed from the configuration, its sessions end. Fetched keys change when the issuer
    /// rotates its keys, which does not end a session. Those sessions end if the tenant no longer
    /// fetches keys.
    pub fn keeps_sessions_of(&self, key: &SigningKeyRef) -> bool {
        match key {
            SigningKeyRef::Configured(key) => self.keys.contains(key),
            SigningKeyRef::Fetched(_) => self.provider.source.is_some(),
        }
    }

    /// The redirect URI of a login on `host` (RFC 6749 section 3.1.2). It is the configured one, or
    /// else it consists of `https`, the exact host that the configuration names, and the callback
    /// path.
    pub fn redirect_uri(&self, host: &Host) -> String {
        match &self.login.redirect_uri {
            Some(uri) => uri.as_str().to_owned(),
            None => format!("https://{host}{}", self.login.callback_path),
        }
    }

    /// The origin of `host` as a browser sees it. Scheme and port are those of the redirect URI.
    pub fn origin(&self, host: &Host) -> String {
        match &self.login.redirect_uri {
            Some(uri) => match uri.port() {
                Some(port) => format!("{}://{host}:{port}", uri.scheme()),
                None => format!("{}://{host}", uri.scheme()),
            },
            None => format!("https://{host}"),
        }
    }
}
