//! Roles that no rule asks for, and roles that a rule takes for groups.

use super::site::Site;
use super::{Found, Scene};
use crate::codes;

pub(super) fn lint(site: &Site<'_>, scene: &Scene<'_>) -> Vec<Found> {
    let rules = site.count("access");
    let lists = |field: &str| -> Vec<(String, &str)> {
        let paths =
            (0..rules).flat_map(|rule| ["allow", "allow.all_of"].map(|part| format!("access[{rule}].{part}.{field}")));
        paths.flat_map(|path| site.texts(&path).collect::<Vec<_>>()).collect()
    };
    let (named, groups) = (lists("roles"), lists("groups"));
    // Where the upstream, or another filter, is told the roles by a setting of its own, they are
    // for it.
    let is_for_others = site.text("headers.roles").is_some()
        || ["assertion", "filter_state"].iter().any(|field| scene.configuration.node.get(field).is_some());
    let mut found = Vec::new();
    for index in 0..site.count("roles") {
        let path = format!("roles[{index}].name");
        let Some(role) = site.text(&path) else { continue };
        if rules == 0 || named.iter().any(|(_, name)| *name == role) {
            continue;
        }
        let own_groups = site.texts(&format!("roles[{index}].groups")).any(|(_, group)| group == role);
        if let Some((at, _)) = groups.iter().find(|(_, group)| *group == role && !own_groups) {
            let message =
                format!("\"{role}\" is a role here, and its members are in other groups; write `roles: [{role}]`");
            found.push(site.warning(codes::ROLE_UNUSED, at, &message));
        // The rule that asks for it may be one with a mistake.
        } else if !is_for_others && site.model.is_some() {
            let message = format!(
                "no rule asks for the role \"{role}\"; name it in one (`allow: {{roles: [{role}]}}`), remove it, or \
                 write `headers.roles` if it is for the upstream alone"
            );
            found.push(site.warning(codes::ROLE_UNUSED, &path, &message));
        }
    }
    found
}
