//! The settings of a login at a tenant.

use std::time::Duration;

use url::Url;

use super::scopes::Scopes;
use crate::base::tenant_name::TenantName;
use crate::http::host::Host;

/// The settings of a login at a tenant.
#[derive(Debug)]
pub struct Login {
    /// The requested scopes.
    pub scopes: Scopes,
    /// The optional parameters of the authorization request.
    pub request: AuthorizationParameters,
    /// Whether claims that the ID token lacks are fetched from the UserInfo endpoint.
    pub userinfo: bool,
    /// The path of the redirect URI. Paths are compared for equality.
    pub callback_path: String,
    /// The path that signs the user out, compared for equality. It differs from the callback path.
    pub logout_path: String,
    /// The path that begins a login for a third party, compared for equality.
    pub initiate_login_path: String,
    /// The path that tells a page who is signed in, compared for equality.
    pub userinfo_path: String,
    /// The path that the issuer loads in a frame for a front-channel logout, compared for equality,
    /// if the tenant has one.
    pub frontchannel_logout_path: Option<String>,
    /// The path that receives logout tokens in a back-channel logout, compared for equality, if the
    /// tenant has one.
    pub backchannel_logout_path: Option<String>,
    /// The redirect URI for every host, if one is configured. Its host belongs to this tenant, and
    /// its path is `callback_path`.
    pub redirect_uri: Option<Box<Url>>,
    /// The URI that the issuer redirects the browser to after a logout, as registered at the
    /// issuer.
    pub post_logout_redirect_uri: Option<Box<Url>>,
    /// Whether a session keeps its ID token for the sign-out at the issuer.
    pub id_token_hint: IdTokenHint,
    /// The domain that cookies are set for. Without it each host has its own cookies.
    pub cookie_domain: Option<CookieDomain>,
    /// The time that a user has to sign in at the issuer.
    pub timeout: Duration,
}

/// Whether a session keeps its ID token, to send it as `id_token_hint`: it tells the issuer which
/// session ends. Nothing is kept for an issuer without an end session endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdTokenHint {
    /// It does not.
    Never,
    /// It does if the session then fits into one cookie.
    InOneCookie,
    /// It does if the session then fits into all cookies that a session can have.
    InAllCookies,
}

/// The domain that the cookies of a tenant are set for. No host of another tenant is within it.
#[derive(Debug)]
pub struct CookieDomain {
    /// The domain.
    pub domain: Host,
    /// The name of the tenant, which the names of the cookies contain: a tenant of another gateway
    /// can have hosts there.
    pub tenant: TenantName,
}

/// The optional parameters of the authorization request (OpenID Connect Core section 3.1.2.1). All
/// of them come from the configuration, and none from a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationParameters {
    /// `prompt`: what the issuer asks the user for.
    pub prompt: Option<String>,
    /// `max_age`: the longest time since the user signed in at the issuer. The ID token has to
    /// prove it with `auth_time`.
    pub max_age: Option<Duration>,
    /// `acr_values`, in order of preference. `acr` of the ID token has to be one of them.
    pub acr_values: Vec<String>,
    /// `login_hint`: a hint about the user who signs in, for the issuer.
    pub login_hint: Option<String>,
    /// `claims` (section 5.5), as JSON text.
    pub claims: Option<String>,
    /// `resource`: the resources that the access token is for (RFC 8707).
    pub resources: Vec<String>,
    /// Other parameters: names and values. Tenantgate sets none of these itself.
    pub others: Vec<(String, String)>,
}

impl Login {
    /// The paths of this tenant that Tenantgate answers itself.
    pub fn own_paths(&self) -> impl Iterator<Item = &str> {
        let optional = [&self.frontchannel_logout_path, &self.backchannel_logout_path].into_iter().flatten();
        [&self.callback_path, &self.logout_path, &self.initiate_login_path, &self.userinfo_path]
            .into_iter()
            .chain(optional)
            .map(String::as_str)
    }
}
