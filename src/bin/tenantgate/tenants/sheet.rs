//! What to register at the provider of a tenant.

use tenantgate::http::host::HostPattern;
use tenantgate::tenant::Tenant;

/// The addresses of a tenant, each with its name.
pub(super) fn sheet(tenant: &Tenant) -> Vec<(&'static str, String)> {
    let login = &tenant.login;
    // With a wildcard there is a redirect URI and a domain of the cookies for all hosts.
    let exact = tenant.hosts.iter().filter_map(|host| match host {
        HostPattern::Exact(host) => Some(tenant.origin(host)),
        HostPattern::Below(_) => None,
    });
    let origins: Vec<String> = exact.collect();
    // What the provider calls itself needs one host: that of the redirect URI, or the first.
    let own = login.redirect_uri.as_ref().map(|uri| uri.origin().ascii_serialization());
    let one = own.or_else(|| origins.first().cloned()).unwrap_or_default();
    let mut sheet = Vec::new();
    match &login.redirect_uri {
        Some(uri) => sheet.push(("redirect URI", uri.to_string())),
        None => sheet.extend(origins.iter().map(|origin| ("redirect URI", format!("{origin}{}", login.callback_path)))),
    }
    sheet.extend(login.post_logout_redirect_uri.iter().map(|uri| ("post logout redirect URI", uri.to_string())));
    sheet.extend(login.backchannel_logout_path.iter().map(|path| ("back-channel logout URI", format!("{one}{path}"))));
    if let Some(path) = &login.frontchannel_logout_path {
        // Without a common domain each host has cookies of its own.
        let each = if login.cookie_domain.is_some() { vec![one.clone()] } else { origins };
        sheet.extend(each.iter().map(|origin| ("front-channel logout URI", format!("{origin}{path}"))));
    }
    sheet.push(("login initiation URI", format!("{one}{} (only for a portal)", login.initiate_login_path)));
    sheet
}

/// The lines of the sheet.
pub(super) fn lines(tenant: &Tenant) -> Vec<String> {
    let sheet = sheet(tenant);
    let width = sheet.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    sheet.iter().map(|(name, uri)| format!("{name:width$}  {uri}")).collect()
}
