//! Cookie domains that browsers refuse.

use tenantgate::tenant::Tenant;

use super::Found;
use super::site::Site;
use crate::codes;

/// The mistake of a tenant whose cookie domain is a public suffix, such as `co.uk`. Browsers refuse
/// cookies for those (RFC 6265 section 5.3). The module has no list of them.
pub(super) fn lint(site: &Site<'_>, tenant: &Tenant) -> Option<Found> {
    let domain = tenant.login.cookie_domain.as_ref()?.domain.as_str();
    psl::suffix(domain.as_bytes()).filter(|suffix| suffix.is_known() && suffix.as_bytes() == domain.as_bytes())?;
    let message =
        format!("\"{domain}\" is a public suffix, so browsers would refuse its cookies; name a domain below it");
    Some(site.error(codes::PUBLIC_SUFFIX, "login.cookie_domain", &message))
}
