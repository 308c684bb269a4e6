//! A front-channel logout for which browsers send no cookies.

use tenantgate::http::host::HostPattern;
use tenantgate::tenant::Tenant;
use url::Url;

use super::Found;
use super::site::Site;
use crate::codes;

/// Browsers send cookies with `SameSite=Lax` into a frame only on the site of the page around it.
pub(super) fn lint(site: &Site<'_>, tenant: &Tenant) -> Option<Found> {
    tenant.login.frontchannel_logout_path.as_ref()?;
    let address = tenant.provider.endpoints.end_session.clone().or_else(|| Url::parse(&tenant.issuer).ok())?;
    let theirs = psl::domain_str(address.host_str()?)?;
    let is_other = |pattern: &HostPattern| {
        let (HostPattern::Exact(host) | HostPattern::Below(host)) = pattern;
        psl::domain_str(host.as_str()).is_some_and(|own| own != theirs)
    };
    tenant.hosts.iter().all(is_other).then(|| {
        let message = format!(
            "is loaded in a frame of {theirs}, another site, where browsers send no session cookie; use \
             `backchannel_logout_path` instead"
        );
        site.warning(codes::FRONTCHANNEL, "login.frontchannel_logout_path", &message)
    })
}
