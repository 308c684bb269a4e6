//! Rules and user names that need a scope that is not asked for.

use tenantgate::tenant::{Scopes, Tenant};

use super::Found;
use super::names::{Kind, names};
use super::site::Site;
use crate::codes;
use crate::known_provider::KnownProvider;

pub(super) fn lint(site: &Site<'_>, tenant: &Tenant) -> Vec<Found> {
    let Scopes::Configured(scopes) = &tenant.login.scopes else { return Vec::new() };
    // Claims that are asked for one by one, or that come with an access token, need no scope.
    if tenant.login.request.claims.is_some() {
        return Vec::new();
    }
    let lacks = |scope: &str| !scopes.iter().any(|own| own == scope);
    let names = names(site);
    let uses = |kind: Kind| names.iter().any(|name| name.kind == kind);
    let user = tenant.identity.user.as_configured();
    let provider = site.provider();
    let mut found = Vec::new();
    let mut warn = |scope: &str, what: &str, who: &str| {
        let message =
            format!("has no `{scope}`, and {what}, which {who} only with it; write `[{}, {scope}]`", scopes.join(", "));
        found.push(site.warning(codes::SCOPE_MISSING, "login.scopes", &message));
    };
    if lacks("email") {
        let is_default = tenant.identity.email_can_be_verified();
        if user == "email" {
            warn("email", "`identity.user` is the e-mail address", "issuers send");
        } else if is_default && (uses(Kind::Email) || uses_domains(site)) {
            warn("email", "rules are about e-mail addresses", "issuers send");
        }
    }
    if lacks("profile") && PROFILE.contains(&user.as_ref()) && provider != Some(KnownProvider::EntraId) {
        warn("profile", &format!("`identity.user` is `{user}`"), "issuers send");
    }
    let groups = tenant.identity.groups.claim.as_configured();
    if lacks("groups") && groups == "groups" && uses(Kind::Group) && provider.is_none() {
        warn("groups", "rules are about groups", "most issuers send");
    }
    found
}

fn uses_domains(site: &Site<'_>) -> bool {
    (0..site.count("access")).any(|rule| site.at(&format!("access[{rule}].allow.email_domains")).is_some())
}

/// Claims of the scope `profile` (OpenID Connect Core section 5.4) that name a user.
const PROFILE: [&str; 3] = ["preferred_username", "name", "nickname"];
