//! Rules after which nothing says what happens to all other paths.

use tenantgate::tenant::access::PathPattern;

use super::Found;
use super::site::Site;
use crate::codes;

pub(super) fn lint(site: &Site<'_>) -> Option<Found> {
    let rules = site.count("access");
    let is_said = site.at("access_default").is_some() || (0..rules).any(|rule| is_about_all_paths(site, rule));
    if site.at("access").is_none() && site.text("access_default") == Some("deny") && site.model.is_some() {
        let message = "is the answer to every request, since there are no rules; add `access` with who may pass";
        return Some(site.warning(codes::RULES_END, "access_default", message));
    }
    // What is missing may stand there under another name.
    if rules == 0 || is_said || site.model.is_none() {
        return None;
    }
    let message = "no rule is about all other paths, so nobody can open them; write `access_default: deny` if that is \
                   meant, or add a last rule without `paths`";
    Some(site.warning(codes::RULES_END, "access", message))
}

fn is_about_all_paths(site: &Site<'_>, rule: usize) -> bool {
    let list = format!("access[{rule}].paths");
    let all = PathPattern::parse("/*").ok();
    site.at(&list).is_none() || site.texts(&list).any(|(_, text)| PathPattern::parse(text).ok() == all)
}
