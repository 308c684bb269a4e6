//! A tenant: one enterprise customer, its hosts, its issuer and its keys, as the configuration gives them.
//!
//! Every field is of a type that was parsed at load, so nothing here can be wrong when a request arrives.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::access::{Access, Roles};
use crate::env::UnixTime;
use crate::forward::IdentityHeaders;
use crate::host::{Host, HostPattern};
use crate::identity::IdentityClaims;
use crate::keys::{KeySet, SigningKey, Voucher};
use crate::page::OwnWords;
use crate::provider::Provider;
use crate::revocation;
use crate::secret::Secret;
use crate::token::KnownHeaders;

/// The name of a tenant, unique in a configuration: 1 to 63 letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantName(Arc<str>);

impl TenantName {
    /// Reads a name. `None` if it is empty, too long, or has other characters.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        fits.then(|| Self(text.into()))
    }

    /// The name as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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
    pub provider: Provider,
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
    pub access: Access,
    /// Under which names the upstream receives it.
    pub headers: IdentityHeaders,
    /// Its own words for the gate's pages.
    pub words: OwnWords,
    /// Sessions that began before this are over.
    pub sessions_not_before: Option<UnixTime>,
    /// Sessions that are over before their time.
    pub(crate) revoked: revocation::Slot,
    /// Headers of tokens that its issuer has signed.
    pub(crate) known_headers: KnownHeaders,
}

/// The client registration at the issuer (RFC 6749 section 2).
#[derive(Debug)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// How the token endpoint knows us.
    pub authentication: ClientAuthentication,
}

/// Client authentication at the token endpoint (OpenID Connect Core section 9).
#[derive(Debug)]
pub enum ClientAuthentication {
    /// `client_secret_basic`: HTTP Basic, both parts form-encoded first (RFC 6749 section 2.3.1).
    Basic(Secret<String>),
    /// `client_secret_post`: in the form.
    Post(Secret<String>),
    /// `private_key_jwt`: a JWT that the client signs (RFC 7523).
    PrivateKeyJwt {
        /// The key that signs it.
        key: Box<SigningKey>,
        /// Whom the JWT is for.
        audience: AssertionAudience,
    },
    /// `none`: a public client.
    None,
}

/// Whom a client assertion is for (`aud`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The Issuer Identifier: nobody else can take the assertion for one that was made out to it (draft-ietf-oauth-rfc7523bis).
    Issuer,
    /// The token endpoint (OpenID Connect Core section 9), which is all that some issuers take.
    TokenEndpoint,
}

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

/// How sessions are refreshed (RFC 6749 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// How old an identity may get; less where the tokens of the issuer are good for less.
    pub interval: Duration,
}

/// Which bearer tokens are accepted (RFC 6750).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The token has to be for one of these (`aud`); at least one.
    pub audiences: Vec<String>,
    /// The token has to have all of these (`scope`).
    pub scopes: Vec<String>,
    /// The token has to satisfy all of these.
    pub claims: Vec<RequiredClaim>,
    /// Whether an ID token for one of the audiences is accepted, too.
    pub id_tokens: bool,
}

/// A claim that a token has to have: one of `values`, or a list with one of them in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredClaim {
    /// The name of a member of the token, never a path: names may be URLs, which have dots.
    pub name: String,
    /// The values that are enough; at least one.
    pub values: Vec<String>,
}

impl Login {
    /// The paths that the gate answers itself at this tenant.
    pub fn own_paths(&self) -> impl Iterator<Item = &str> {
        let optional = [&self.frontchannel_logout_path, &self.backchannel_logout_path].into_iter().flatten();
        [&self.callback_path, &self.logout_path].into_iter().chain(optional).map(String::as_str)
    }
}

impl Tenant {
    /// Whether the key that vouched for a token is one of the keys at `now`.
    pub fn has_key(&self, voucher: &Voucher, now: UnixTime) -> bool {
        match voucher {
            Voucher::Configured(key) => self.keys.contains(key),
            Voucher::Fetched(key) => self.provider.fresh(now).is_some_and(|fetched| fetched.keys.contains(key)),
        }
    }

    /// Whether one of the keys at `now` has this `kid`.
    pub(crate) fn names_key(&self, kid: &str, now: UnixTime) -> bool {
        self.keys.names(kid) || self.provider.fresh(now).is_some_and(|fetched| fetched.keys.names(kid))
    }

    /// Whether a session that `voucher` vouched for may go on. A configured key that leaves the configuration takes its sessions along. A
    /// fetched one comes and goes as the issuer rotates, which is no reason to sign anybody out.
    pub fn keeps_sessions_of(&self, voucher: &Voucher) -> bool {
        match voucher {
            Voucher::Configured(key) => self.keys.contains(key),
            Voucher::Fetched(_) => self.provider.source.is_some(),
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
