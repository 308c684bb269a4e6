//! Issuers that are not written as their provider does. `iss` of every token has to equal the
//! issuer byte for byte (OpenID Connect Core section 3.1.3.7).

use super::Found;
use super::site::Site;
use crate::codes;
use crate::known_provider::{KnownProvider, is_uuid, split};

pub(super) fn lint(site: &Site<'_>) -> Option<Found> {
    let text = site.text("issuer")?;
    if text.contains(char::is_whitespace) {
        let bare: String = text.split_whitespace().collect();
        let message = format!("has white space, which `iss` of a token has not; write \"{bare}\"");
        return Some(site.error(codes::ISSUER_FORM, "issuer", &message));
    }
    if let Some(message) = other_address(text) {
        return Some(site.error(codes::ISSUER_FORM, "issuer", &message));
    }
    if let Some(message) = of_provider(text) {
        return Some(site.warning(codes::ISSUER_PROVIDER, "issuer", &message));
    }
    let message = endpoint(text).or_else(|| spelling(text))?;
    Some(site.warning(codes::ISSUER_FORM, "issuer", &message))
}

/// An address that is certainly none of an issuer.
fn other_address(text: &str) -> Option<String> {
    if let Some((issuer, _)) = text.split_once("/.well-known/") {
        return Some(format!(
            "is the address of the metadata; write the `issuer` that they name, such as \"{issuer}\""
        ));
    }
    if text.contains(['{', '}', '<', '>', '$']) || text.contains("%7B") {
        return Some("has a part that is to be filled in; write the issuer exactly as in the metadata".to_owned());
    }
    let (host, path) = split(text)?;
    let tenant = path.split('/').next().unwrap_or_default();
    (KnownProvider::of(text) == Some(KnownProvider::EntraId)
        && ["common", "organizations", "consumers"].contains(&tenant))
    .then(|| {
        format!(
            "stands for many tenants of Entra ID, and tokens name one; write \"https://{host}/<tenant id>/v2.0\" with \
             the id of the tenant, which is a UUID"
        )
    })
}

/// What a provider writes differently.
fn of_provider(text: &str) -> Option<String> {
    let (host, path) = split(text)?;
    let bare = text.trim_end_matches('/');
    let has_slash = bare != text;
    let segments: Vec<&str> = path.split('/').collect();
    match KnownProvider::of(text) {
        Some(KnownProvider::EntraId) => entra(host, &segments),
        Some(KnownProvider::Google) if text != GOOGLE => Some(format!("is not Google's; write \"{GOOGLE}\"")),
        Some(KnownProvider::Auth0) if text != format!("https://{host}/") => {
            Some(format!("is not Auth0's, which ends with a slash; write \"https://{host}/\""))
        }
        Some(KnownProvider::Okta | KnownProvider::OktaOrganization) if host.contains("-admin.okta") => {
            let host = host.replacen("-admin.", ".", 1);
            Some(format!("is the address of Okta's console; write \"https://{host}\", or that of an authorization server"))
        }
        Some(KnownProvider::Okta) if segments.len() > 2 => {
            let server = segments.get(1).copied().unwrap_or_default();
            Some(format!("is no issuer of Okta; write \"https://{host}/oauth2/{server}\""))
        }
        Some(KnownProvider::Keycloak) => keycloak(text, has_slash),
        Some(provider) if has_slash && provider != KnownProvider::Auth0 => {
            Some(format!("ends with a slash, and {}'s does not; write \"{bare}\"", provider.name()))
        }
        Some(_) => None,
        None if host == "github.com" => Some(
            "is GitHub, which sends no ID tokens; put an OpenID Provider such as dex in front of it, and write its issuer"
                .to_owned(),
        ),
        None if host.ends_with(".amazoncognito.com") => Some(
            "is the domain of the sign-in pages; write \"https://cognito-idp.<region>.amazonaws.com/<pool id>\"".to_owned(),
        ),
        None if ["google.com", "www.google.com"].contains(&host) => {
            Some(format!("is not Google's; write \"{GOOGLE}\""))
        }
        None => None,
    }
}

fn entra(host: &str, segments: &[&str]) -> Option<String> {
    let tenant = segments.first().copied().unwrap_or_default();
    let expected = match host {
        "sts.windows.net" => format!("https://{host}/{tenant}/"),
        _ => format!("https://{host}/{tenant}/v2.0"),
    };
    if !is_uuid(tenant) {
        return Some(
            "does not name the tenant of Entra ID by its id; write \"https://login.microsoftonline.com/<tenant \
             id>/v2.0\" with the id, which is a UUID"
                .to_owned(),
        );
    }
    let is_right = match host {
        "sts.windows.net" => segments == [tenant, ""],
        _ => segments == [tenant, "v2.0"],
    };
    (!is_right).then(|| format!("is not written as Entra ID does; write \"{expected}\""))
}

/// Keycloak's issuer ends with the name of the realm.
fn keycloak(text: &str, has_slash: bool) -> Option<String> {
    let (base, realm) = text.split_once("/realms/")?;
    let (realm, rest) = realm.split_once('/').unwrap_or((realm, ""));
    (has_slash || !rest.is_empty()).then(|| format!("is not the issuer of the realm; write \"{base}/realms/{realm}\""))
}

/// An endpoint in place of the issuer.
fn endpoint(text: &str) -> Option<String> {
    let bare = text.trim_end_matches('/');
    let (issuer, last) = bare.rsplit_once('/')?;
    ENDPOINTS.contains(&last).then(|| {
        format!("is probably an endpoint of the issuer; write the issuer as in the metadata, such as \"{issuer}\"")
    })
}

/// A URL that no issuer writes so.
fn spelling(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at_checked(at).unwrap_or((rest, "")));
    let port = if scheme.eq_ignore_ascii_case("http") { ":80" } else { ":443" };
    let lower = authority.to_ascii_lowercase();
    let bare = lower.strip_suffix(port).unwrap_or(&lower);
    let right = format!("{}://{bare}{path}", scheme.to_ascii_lowercase());
    let what =
        if bare.len() < authority.len() { "names the port that its scheme has" } else { "has upper case in its host" };
    (right != text)
        .then(|| format!("{what}, which issuers rarely write; write \"{right}\", or see `issuer` of the metadata"))
}

const GOOGLE: &str = "https://accounts.google.com";
/// The last segments of endpoints. WSO2 has an issuer that ends with `/oauth2/token`.
const ENDPOINTS: [&str; 7] = ["authorize", "authorization", "userinfo", "jwks", "jwks.json", "certs", "logout"];
