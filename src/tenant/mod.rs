//! The plain model of a tenant: one enterprise customer, its hosts, its issuer, its keys and its rules, as the
//! configuration gives them.
//!
//! Every field has a type that was parsed at load, so a request finds nothing wrong here. This room holds no
//! mutex, no cache and nothing that changes: what runs for a tenant is in the rooms above, by tenant.

pub mod access;
mod bearer;
mod claim_path;
mod client;
mod cookies;
mod headers;
mod identity_claims;
mod login;
mod name;
mod provider;
mod refresh;
mod session_policy;

use crate::base::time::UnixTime;
use crate::http::host::{Host, HostPattern};
use crate::http::page::PageTexts;
use crate::jose::{KeySet, SigningKeyRef};
use access::{AccessRules, Roles};

pub use bearer::{Bearer, RequiredClaim};
pub use claim_path::ClaimPath;
pub use client::{AssertionAudience, Client, ClientAuthentication};
pub(crate) use cookies::{TenantCookies, without_ours};
pub(crate) use headers::DEFAULT_NAMES;
pub use headers::{
    DEFAULT_ASSERTION, DEFAULT_EMAIL, DEFAULT_GROUPS, DEFAULT_PREFERRED_USERNAME, DEFAULT_ROLES, DEFAULT_TENANT,
    DEFAULT_USER, ForwardedAuthorization, IdentityHeaders, ListForm,
};
pub use identity_claims::{GroupClaim, IdentityClaims, RetainedClaims};
pub use login::{AuthorizationParameters, Login};
pub use name::TenantName;
pub use provider::{Endpoints, ProviderConfig, ProviderSource, SourceStart};
pub use refresh::{Refresh, WithoutToken};
pub use session_policy::SessionPolicy;

/// One tenant that serves.
#[derive(Debug)]
pub struct Tenant {
    /// Unique name; the upstream receives it, and sealed values are bound to it.
    pub name: TenantName,
    /// The hosts that select this tenant; at least one.
    pub hosts: Vec<HostPattern>,
    /// The Issuer Identifier, compared byte for byte with `iss` (OpenID Connect Core section 2).
    pub issuer: String,
    /// Who we are at the issuer.
    pub client: Client,
    /// The configured public keys; at least one, unless keys are fetched.
    pub keys: KeySet,
    /// Where the issuer is.
    pub provider: ProviderConfig,
    /// How a login runs.
    pub login: Login,
    /// Whether and how often sessions are refreshed; not without it.
    pub refresh: Option<Refresh>,
    /// What is accepted of API clients; nothing without it.
    pub bearer: Option<Bearer>,
    /// Which claims make the identity.
    pub identity: IdentityClaims,
    /// The names that it gives to users and groups.
    pub roles: Roles,
    /// Who may do what.
    pub access: AccessRules,
    /// Under which names the upstream receives it.
    pub headers: IdentityHeaders,
    /// Its own words for the gate's pages.
    pub texts: PageTexts,
    /// Sessions that began before this are over.
    pub sessions_not_before: Option<UnixTime>,
}

impl Tenant {
    /// Whether a session that `key` vouched for may go on. A configured key that leaves the configuration takes its sessions along. A
    /// fetched one comes and goes as the issuer rotates, which is no reason to sign anybody out.
    pub fn keeps_sessions_of(&self, key: &SigningKeyRef) -> bool {
        match key {
            SigningKeyRef::Configured(key) => self.keys.contains(key),
            SigningKeyRef::Fetched(_) => self.provider.source.is_some(),
        }
    }

    /// The redirect URI of a login on `host` (RFC 6749 section 3.1.2). It comes from the configuration: either it is
    /// configured, or it is `https`, the exact host that the configuration names, and the callback path.
    pub fn redirect_uri(&self, host: &Host) -> String {
        match &self.login.redirect_uri {
            Some(uri) => uri.as_str().to_owned(),
            None => format!("https://{host}{}", self.login.callback_path),
        }
    }

    /// The origin that a browser sees `host` under: scheme and port are those of the redirect URI.
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
