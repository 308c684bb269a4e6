//! Access rules that have no effect, or leave more open than they seem to.

use tenantgate::access::{Warning, warnings};
use tenantgate::config::Code;

use super::{Found, Indexed};
use crate::codes;

pub(super) fn lint(tenant: Indexed<'_>) -> Vec<Found> {
    let found = warnings(tenant.tenant).into_iter().map(|warning| {
        let text = warning.to_string();
        let (path, message) = text.split_once(": ").unwrap_or(("access", &text));
        tenant.warning(code(&warning), path, message)
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
        Warning::CatchAll(..) | Warning::OpenDefault(..) => codes::RULE_CATCH_ALL,
    }
}
