//! Origins of other tenants that are trusted.

use tenantgate::http::host::{Host, HostPattern};
use url::Url;

use super::Found;
use super::site::Site;
use crate::codes;

pub(super) fn lint(site: &Site<'_>, tenants: &[Site<'_>]) -> Vec<Found> {
    let origins = site.texts("csrf.trusted_origins").filter_map(|(path, text)| {
        let host = Url::parse(text).ok()?.host_str().and_then(|host| Host::from_name(host).ok())?;
        let mut others = tenants.iter().filter(|other| !std::ptr::eq(*other, site));
        let owner = others.find(|other| has_host(other, &host))?;
        let message = format!(
            "is a host of {}, whose pages could act for the users of this tenant; remove it, or make both one tenant",
            owner.label
        );
        Some(site.warning(codes::FOREIGN_ORIGIN, &path, &message))
    });
    origins.collect()
}

fn has_host(site: &Site<'_>, host: &Host) -> bool {
    site.texts("hosts").any(|(_, text)| HostPattern::parse(text).is_ok_and(|pattern| pattern.matches(host)))
}
