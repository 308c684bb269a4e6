//! `tenants[].login`: the settings of a login.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::cursor::{Cursor, Object};
use super::request::request;
use super::values::{Scheme, duration, path, url};
use crate::http::host::{Host, HostPattern};
use crate::tenant::{CookieDomain, IdTokenHint, Login, Scopes, TenantName};

/// Reads the section. `tenant` is the name of the tenant, if it is valid. The result is `None` if a
/// part that every login needs could not be read.
pub(super) fn login(
    at: &Cursor<'_>,
    scheme: Scheme,
    hosts: &[HostPattern],
    tenant: Option<&TenantName>,
) -> Option<Login> {
    let object = at.object();
    let scopes = scopes(&object.field("scopes"));
    let request = request(&object, scheme);
    let userinfo = object.field("userinfo").boolean().unwrap_or(false);
    let callback_path = path(&object.field("callback_path"), DEFAULT_CALLBACK_PATH);
    let logout_path = path(&object.field("logout_path"), DEFAULT_LOGOUT_PATH);
    let initiate_login_path = path(&object.field("initiate_login_path"), DEFAULT_INITIATE_LOGIN_PATH);
    let userinfo_path = path(&object.field("userinfo_path"), DEFAULT_USERINFO_PATH);
    let optional = |at: &Cursor<'_>, example| at.is_present().then(|| path(at, example)).flatten();
    let frontchannel_logout_path = optional(&object.field("frontchannel_logout_path"), "/oauth2/frontchannel-logout");
    let backchannel_logout_path = optional(&object.field("backchannel_logout_path"), "/oauth2/backchannel-logout");
    let paths = [
        ("callback_path", &callback_path),
        ("logout_path", &logout_path),
        ("initiate_login_path", &initiate_login_path),
        ("userinfo_path", &userinfo_path),
        ("frontchannel_logout_path", &frontchannel_logout_path),
        ("backchannel_logout_path", &backchannel_logout_path),
    ];
    for (place, (name, path)) in paths.iter().enumerate() {
        if let Some((other, _)) = paths.iter().take(place).find(|(_, other)| path.is_some() && other == path) {
            object.field(name).error(format!("is the same as `{other}`; each needs its own"));
        }
    }
    let redirect_uri = redirect_uri(&object.field("redirect_uri"), scheme, hosts, callback_path.as_deref());
    let post_logout_redirect_uri = url(&object.field("post_logout_redirect_uri"), scheme);
    let id_token_hint = match object.field("keep_id_token").boolean() {
        None => IdTokenHint::InOneCookie,
        Some(true) => IdTokenHint::InAllCookies,
        Some(false) => IdTokenHint::Never,
    };
    let cookie_domain = cookie_domain(&object.field("cookie_domain"), hosts);
    require_for_several_hosts(&object, hosts);
    let timeout = duration(&object.field("timeout"), DEFAULT_TIMEOUT, MIN_TIMEOUT..=MAX_TIMEOUT);
    object.finish();
    Some(Login {
        scopes: scopes?,
        request: request?,
        userinfo,
        callback_path: callback_path?,
        logout_path: logout_path?,
        initiate_login_path: initiate_login_path?,
        userinfo_path: userinfo_path?,
        frontchannel_logout_path,
        backchannel_logout_path,
        redirect_uri,
        post_logout_redirect_uri,
        id_token_hint,
        cookie_domain: cookie_domain
            .zip(tenant)
            .map(|(domain, tenant)| CookieDomain { domain, tenant: tenant.clone() }),
        timeout: timeout?,
    })
}

/// Whether the section cannot be read without the hosts and the name of the tenant: two tenants
/// with the same values may then get different results.
pub(super) fn depends_on_tenant(at: &Cursor<'_>, hosts: &[HostPattern]) -> bool {
    let has = |field| at.value().is_some_and(|section| section.get(field).is_some());
    !matches!(hosts, [HostPattern::Exact(_)]) || has("redirect_uri") || has("cookie_domain")
}

/// Reads the scopes of the authorization request (RFC 6749 section 3.3). `openid` is required
/// (OpenID Connect Core section 3.1.2.1).
fn scopes(at: &Cursor<'_>) -> Option<Scopes> {
    if !at.is_present() {
        return Some(Scopes::Default);
    }
    let mut scopes: Vec<String> = Vec::new();
    let elements = at.elements();
    if !at.value().is_some_and(Value::is_array) {
        return None;
    }
    for element in elements {
        let scope = scope(&element)?;
        if scopes.contains(&scope) {
            return element.refuse(format!("{scope:?} is listed twice"));
        }
        scopes.push(scope);
    }
    if !scopes.iter().any(|scope| scope == "openid") {
        return at.refuse("lacks \"openid\", without which there is no ID token");
    }
    Some(Scopes::Configured(scopes))
}

/// Reads one scope token (RFC 6749 section 3.3).
pub(super) fn scope(at: &Cursor<'_>) -> Option<String> {
    let text = at.text()?;
    let is_token = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
    if !is_token {
        return at.refuse(format!("{text:?} is not a scope: printable ASCII without spaces, quotes and backslashes"));
    }
    Some(text.to_owned())
}

/// Reads the redirect URI. Its host must be one of the tenant's `hosts`, its path must be
/// `callback_path`, and it must have no query.
fn redirect_uri(
    at: &Cursor<'_>,
    scheme: Scheme,
    hosts: &[HostPattern],
    callback_path: Option<&str>,
) -> Option<Box<Url>> {
    let uri = url(at, scheme)?;
    let host = uri.host_str().and_then(|host| Host::from_name(host).ok());
    // Without any host that could be read, that mistake is the one to report.
    if !hosts.is_empty() && !host.is_some_and(|host| hosts.iter().any(|pattern| pattern.matches(&host))) {
        at.error("is on a host that is not one of this tenant's `hosts`");
    }
    if uri.query().is_some() {
        at.error("has a query; leave it out");
    }
    if callback_path.is_some_and(|path| path != uri.path()) {
        at.error("has another path than `callback_path`");
    }
    Some(uri)
}

fn cookie_domain(at: &Cursor<'_>, hosts: &[HostPattern]) -> Option<Host> {
    let text = at.text()?;
    let domain = Host::from_name(text).ok().filter(|domain| domain.as_str().contains('.'));
    let Some(domain) = domain else {
        return at.refuse(format!("{text:?} is not a domain of at least two labels (\"acme.example\")"));
    };
    for pattern in hosts {
        let (HostPattern::Exact(host) | HostPattern::Below(host)) = pattern;
        if !host.is_within(&domain) {
            at.error(format!("\"{pattern}\" is not within \"{domain}\", so browsers would refuse its cookies"));
        }
    }
    Some(domain)
}

/// Checks that a tenant with several hosts has the fields that this requires. An issuer registers
/// each redirect URI separately, so a tenant with many hosts may use one redirect URI for all of
/// them. The cookies must then be shared with the host of that redirect URI.
fn require_for_several_hosts(object: &Object<'_>, hosts: &[HostPattern]) {
    let wildcard = hosts.iter().any(|pattern| matches!(pattern, HostPattern::Below(_)));
    let (redirect_uri, cookie_domain) = (object.field("redirect_uri"), object.field("cookie_domain"));
    if wildcard && !redirect_uri.is_present() {
        redirect_uri.error("is missing; with a wildcard in `hosts` the one redirect URI has to be named");
    }
    if wildcard && !cookie_domain.is_present() {
        cookie_domain.error("is missing; with a wildcard in `hosts` cookies have to be shared between the hosts");
    }
    if !wildcard && hosts.len() > 1 && redirect_uri.is_present() && !cookie_domain.is_present() {
        cookie_domain.error("is missing; with `redirect_uri` and several hosts cookies have to be shared between them");
    }
}

const DEFAULT_CALLBACK_PATH: &str = "/oauth2/callback";
const DEFAULT_LOGOUT_PATH: &str = "/oauth2/logout";
const DEFAULT_INITIATE_LOGIN_PATH: &str = "/oauth2/login";
const DEFAULT_USERINFO_PATH: &str = "/oauth2/userinfo";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15 * 60);
const MIN_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_TIMEOUT: Duration = Duration::from_secs(60 * 60);
