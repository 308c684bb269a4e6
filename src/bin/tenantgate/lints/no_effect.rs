//! Settings that nothing uses.

use super::site::Site;
use super::{Found, Scene};
use crate::codes;

pub(super) fn lint(site: &Site<'_>, scene: &Scene<'_>) -> Vec<Found> {
    // What is missing may stand there under another name.
    if site.model.is_none() {
        return Vec::new();
    }
    let has = |path: &str| site.at(path).is_some();
    let discovers = site.is_true("provider.discovery");
    let mut found = Vec::new();
    let mut warn = |is_unused: bool, path: &str, message: &str| {
        if is_unused && has(path) {
            found.push(site.warning(codes::NO_EFFECT, path, message));
        }
    };
    warn(
        !site.is_true("login.userinfo"),
        "provider.userinfo_endpoint",
        "is asked for nothing; set `login.userinfo: true` if claims are to come from there, or remove it",
    );
    warn(
        !has("refresh"),
        "provider.revocation_endpoint",
        "revokes refresh tokens, and there are none; add `refresh`, or remove it",
    );
    let ends = discovers || has("provider.end_session_endpoint");
    warn(
        !ends,
        "login.post_logout_redirect_uri",
        "is for the issuer, and no sign-out goes there; add `provider.end_session_endpoint`, or remove it",
    );
    warn(
        !ends && site.is_true("login.keep_id_token"),
        "login.keep_id_token",
        "is for a sign-out at the issuer, and none goes there; add `provider.end_session_endpoint`, or remove it",
    );
    warn(
        site.is_true("access_dry_run") && !has("access"),
        "access_dry_run",
        "is about access rules, and there are none; add `access`, or remove it",
    );
    let interval = seconds(site.text("refresh.interval"));
    let lifetime = seconds(scene.configuration.node.at("session.lifetime").and_then(crate::yaml::Node::string));
    let is_late =
        interval.zip(lifetime.or(Some(DEFAULT_LIFETIME))).is_some_and(|(interval, lifetime)| interval >= lifetime);
    warn(
        is_late,
        "refresh.interval",
        "is not shorter than `session.lifetime`, so no session is ever refreshed; write a shorter one, such as 10m",
    );
    found
}

fn seconds(text: Option<&str>) -> Option<u64> {
    humantime::parse_duration(text?).ok().map(|duration| duration.as_secs())
}

/// The default of `session.lifetime`.
const DEFAULT_LIFETIME: u64 = 8 * 60 * 60;
