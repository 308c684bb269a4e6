//! Audiences that other tokens have as well, or none has.

use tenantgate::tenant::Bearer;

use super::Found;
use super::site::Site;
use crate::codes;
use crate::known_provider::KnownProvider;

/// The warnings about the audiences of one tenant.
pub(super) fn lint(site: &Site<'_>) -> Vec<Found> {
    let provider = site.provider();
    let own = |text: &str| site.text("client_id") == Some(text);
    let mut found = Vec::new();
    for (path, text) in site.texts("bearer.audiences") {
        let message = if let Some(problem) = spelling(text) {
            problem
        } else if own(text) && !site.is_true("bearer.id_tokens") && provider != Some(KnownProvider::EntraId) {
            "is the `client_id`, the audience of ID tokens; write the audience of this service, or set \
             `bearer.id_tokens: true` if ID tokens are meant"
                .to_owned()
        } else if is_same(text, site.text("issuer")) {
            "is the issuer, and no service; write the audience that tokens for this service have".to_owned()
        } else if is_for_all(provider, text) {
            format!(
                "is an audience that tokens for other services at {} have, too; write one for this service alone",
                provider.map_or("the issuer", KnownProvider::name)
            )
        } else {
            continue;
        };
        found.push(site.warning(codes::AUDIENCE, &path, &message));
    }
    for (path, text) in site.texts("trusted_audiences") {
        let redundant = || own(text).then(|| "is the `client_id`, which is accepted anyway; remove it".to_owned());
        found.extend(spelling(text).or_else(redundant).map(|message| site.warning(codes::AUDIENCE, &path, &message)));
    }
    found
}

fn is_same(text: &str, issuer: Option<&str>) -> bool {
    issuer.is_some_and(|issuer| issuer.trim_end_matches('/') == text.trim_end_matches('/'))
}

fn spelling(text: &str) -> Option<String> {
    if text.trim() != text {
        Some(format!("has white space around it; write \"{}\"", text.trim()))
    } else if text.contains('*') {
        Some(format!("\"{text}\" is compared as it stands, and no token has it; write each audience"))
    } else if text.contains(',') && !text.contains("://") {
        Some(format!("\"{text}\" is one audience with a comma in it; write [{}]", text.replace(',', ", ")))
    } else {
        None
    }
}

/// Whether the tokens for many services have this audience.
fn is_for_all(provider: Option<KnownProvider>, audience: &str) -> bool {
    match provider {
        Some(KnownProvider::Keycloak) => ["account", "realm-management"].contains(&audience),
        Some(KnownProvider::EntraId) => ENTRA_GRAPH.contains(&audience.trim_end_matches('/')),
        Some(KnownProvider::OktaOrganization | KnownProvider::Okta) => audience == "api://default",
        Some(KnownProvider::Auth0) => audience.ends_with(".auth0.com/userinfo") || audience.ends_with("/api/v2/"),
        Some(KnownProvider::Cognito | KnownProvider::Google) | None => false,
    }
}

/// Microsoft Graph.
const ENTRA_GRAPH: [&str; 2] = ["00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com"];

/// The warnings about all pairs of tenants that accept the tokens of each other, each at the second
/// of them.
pub(super) fn between(tenants: &[Site<'_>]) -> Vec<Found> {
    let mut warnings = Vec::new();
    let models = || tenants.iter().filter_map(|site| Some((site, site.model?)));
    for (number, (_, first)) in models().enumerate() {
        for (site, second) in models().skip(number.saturating_add(1)) {
            if first.issuer != second.issuer {
                continue;
            }
            let (Some(a), Some(b)) = (&first.bearer, &second.bearer) else { continue };
            if let Some(audience) = a.audiences.iter().find(|audience| b.audiences.contains(audience))
                && !are_told_apart(a, b)
            {
                let message = format!(
                    "accepts every token of {} for \"{audience}\", and so does tenant \"{}\"; give each tenant an \
                     audience of its own, or name the claim that tells them apart in `bearer.claims`",
                    first.issuer, first.name
                );
                warnings.push(site.warning(codes::SHARED_AUDIENCE, "bearer.audiences", &message));
            }
        }
    }
    warnings
}

/// Whether no token can have what both require.
fn are_told_apart(a: &Bearer, b: &Bearer) -> bool {
    a.claims.iter().any(|claim| {
        let mut same = b.claims.iter().filter(|other| other.name == claim.name);
        same.any(|other| !other.values.iter().any(|value| claim.values.contains(value)))
    })
}
