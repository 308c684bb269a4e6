//! Where a sign-out ends.

use tenantgate::http::host::{Host, HostPattern};
use url::Url;

use super::Found;
use super::site::Site;
use crate::codes;

pub(super) fn lint(site: &Site<'_>, tenants: &[Site<'_>]) -> Option<Found> {
    let path = "login.post_logout_redirect_uri";
    // A host that could not be read may be this one.
    site.model?;
    let url = Url::parse(site.text(path)?).ok()?;
    let host = url.host_str()?;
    let message = if let Some(own) = own_path(site, url.path()) {
        format!("is the `{own}` of Tenantgate, which is no page to arrive at; write an address of the application")
    } else if has_host(site, host) {
        return None;
    } else if let Some(other) = tenants.iter().find(|other| has_host(other, host)) {
        format!("is at a host of {}; write an address at a host of this tenant", other.label)
    } else if is_same_site(site, host) {
        return None;
    } else {
        format!("is at \"{host}\", which is no host of this tenant; write an address at one of `hosts`")
    };
    Some(site.warning(codes::SIGN_OUT, path, &message))
}

/// The field of Tenantgate's own path that this is.
fn own_path(site: &Site<'_>, path: &str) -> Option<&'static str> {
    let fields = [
        ("callback_path", "/oauth2/callback"),
        ("logout_path", "/oauth2/logout"),
        ("frontchannel_logout_path", ""),
        ("backchannel_logout_path", ""),
    ];
    let is_own =
        |(field, default): &(&str, &'static str)| site.text(&format!("login.{field}")).unwrap_or(default) == path;
    fields.into_iter().find(is_own).map(|(field, _)| field)
}

fn has_host(site: &Site<'_>, host: &str) -> bool {
    let Ok(host) = Host::from_name(host) else { return false };
    patterns(site).any(|pattern| pattern.matches(&host))
}

fn patterns<'a>(site: &Site<'a>) -> impl Iterator<Item = HostPattern> {
    site.texts("hosts").filter_map(|(_, text)| HostPattern::parse(text).ok())
}

/// Whether a host of the tenant belongs to the same organization.
fn is_same_site(site: &Site<'_>, host: &str) -> bool {
    let domain = psl::domain_str(host);
    let mut own = patterns(site).map(|(HostPattern::Exact(own) | HostPattern::Below(own))| own);
    domain.is_some() && own.any(|own| psl::domain_str(own.as_str()) == domain)
}
