//! How a login runs at a tenant.

use std::time::Duration;

use url::Url;

use crate::http::host::Host;

/// How a login runs at this tenant.
#[derive(Debug)]
pub struct Login {
    /// Scope values, `openid` among them, each once.
    pub scopes: Vec<String>,
    /// What else the authorization request says.
    pub request: AuthorizationParameters,
    /// Whether claims that the ID token lacks are fetched from the UserInfo endpoint.
    pub userinfo: bool,
    /// The path of the redirect URI, by equality.
    pub callback_path: String,
    /// The path that signs out, by equality; never the callback path.
    pub logout_path: String,
    /// The path that the issuer loads in a frame, by equality; none without it.
    pub frontchannel_logout_path: Option<String>,
    /// The path that takes logout tokens, by equality; none without it.
    pub backchannel_logout_path: Option<String>,
    /// A redirect URI that is the same for every host, if the configuration names one. It is on a host of this
    /// tenant and its path is `callback_path`.
    pub redirect_uri: Option<Url>,
    /// Where the issuer sends the browser after a sign-out, as registered there.
    pub post_logout_redirect_uri: Option<Url>,
    /// Whether a session keeps its ID token, to tell the issuer by it which session is to end.
    pub keep_id_token: bool,
    /// The domain that cookies are shared under; without it each host has its own.
    pub cookie_domain: Option<Host>,
    /// How long a person may take at the issuer.
    pub timeout: Duration,
}

/// The optional parameters of the authorization request (OpenID Connect Core section 3.1.2.1). None of them comes from a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationParameters {
    /// `prompt`: what the issuer asks the person for.
    pub prompt: Option<String>,
    /// `max_age`: how long ago the person may have signed in at the issuer. The ID token has to prove it (`auth_time`).
    pub max_age: Option<Duration>,
    /// `acr_values`, best first. The ID token has to have one of them (`acr`).
    pub acr_values: Vec<String>,
    /// `login_hint`: what the issuer may make of it before it asks who it is.
    pub login_hint: Option<String>,
    /// `claims` (section 5.5), as JSON text.
    pub claims: Option<String>,
    /// `resource`: whom the access token is for (RFC 8707).
    pub resources: Vec<String>,
    /// Others, none of which the gate sets itself.
    pub others: Vec<(String, String)>,
}

impl Login {
    /// The paths that the gate answers itself at this tenant.
    pub fn own_paths(&self) -> impl Iterator<Item = &str> {
        let optional = [&self.frontchannel_logout_path, &self.backchannel_logout_path].into_iter().flatten();
        [&self.callback_path, &self.logout_path].into_iter().chain(optional).map(String::as_str)
    }
}
