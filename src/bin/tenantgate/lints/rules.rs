//! Access rules that have no effect, or leave more open than they seem to.

use tenantgate::access::{Warning, warnings};
use tenantgate::config::Code;
use tenantgate::tenant::Tenant;

use super::Found;
use super::site::Site;
use crate::codes;

pub(super) fn lint(site: &Site<'_>, tenant: &Tenant) -> Vec<Found> {
    let found = warnings(tenant).into_iter().map(|warning| {
        let text = warning.to_string();
        let (path, message) = text.split_once(": ").unwrap_or(("access", &text));
        site.warning(code(&warning), path, message)
    });
    found.collect()
}

fn code(warning: &Warning) -> Code {
    match warning {
        Warning::Shadowed(..) => codes::RULE_SHADOWED,
        Warning::ForeignHost(..) => codes::RULE_HOST,
        Warning::OwnPath(..) => codes::RULE_OWN_PATH,
        Warning::NoBearer(_) => codes::RULE_SCOPES,
        Warning::NoVerifiedEmail(_) => codes::RULE_EMAIL,
        Warning::OtherMethods(..) => codes::RULE_METHODS,
        Warning::LeftBelow(..) => codes::RULE_BELOW,
        Warning::AllPublic(_) => codes::RULE_ALL_PUBLIC,
        Warning::CatchAll(..) | Warning::OpenDefault(..) => codes::RULE_CATCH_ALL,
    }
}
