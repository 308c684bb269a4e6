//! Endpoints that are swapped, equal, or at somebody else's.

use tenantgate::config::Code;
use url::{Origin, Url};

use super::site::Site;
use super::{Found, issuer};
use crate::codes;

/// A field with an address, and the last segments that such an address usually has.
struct Field {
    name: &'static str,
    segments: &'static [&'static str],
}

const FIELDS: [Field; 6] = [
    Field { name: "authorization_endpoint", segments: &["authorize", "authorization", "auth"] },
    Field { name: "token_endpoint", segments: &["token", "tokens", "access_token"] },
    Field { name: "userinfo_endpoint", segments: &["userinfo", "userInfo"] },
    Field {
        name: "end_session_endpoint",
        segments: &["logout", "end_session", "endsession", "end-session", "signout"],
    },
    Field { name: "revocation_endpoint", segments: &["revoke", "revocation"] },
    Field { name: "jwks_uri", segments: &["jwks", "jwks.json", "certs", "keys"] },
];

pub(super) fn lint(site: &Site<'_>, tenants: &[Site<'_>]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut seen: Vec<(&Field, Url)> = Vec::new();
    let mut swapped: Vec<&str> = Vec::new();
    let issuer = IssuerOrigin::of(site);
    found.extend(issuer.finding(site));
    for field in &FIELDS {
        let path = format!("provider.{}", field.name);
        let Some(url) = site.text(&path).and_then(|text| Url::parse(text).ok()) else { continue };
        let same = seen.iter().find(|(_, other)| *other == url).map(|(other, _)| other.name);
        let other = kind(&url).filter(|kind| kind.name != field.name);
        let message = if swapped.contains(&field.name) {
            None
        } else if let Some(other) = same {
            Some((codes::ENDPOINT, format!("is the same as `{other}`; write the one of the metadata")))
        } else if is_issuer(site, &url) {
            Some((
                codes::ENDPOINT,
                format!("is the issuer itself; write the address that the metadata have as `{}`", field.name),
            ))
        } else if url.path().contains("%7B") {
            Some((codes::ENDPOINT, "has a part that is to be filled in; write the address of the metadata".to_owned()))
        } else if url.path().contains("/.well-known/openid-") {
            Some((codes::ENDPOINT, "is the address of the metadata; write `discovery: true` instead".to_owned()))
        } else if let Some(other) = other {
            // The other way round it is one mistake.
            swapped.push(other.name);
            Some((codes::ENDPOINT, misplaced(site, field, other)))
        } else {
            elsewhere(&issuer, site, &url, tenants).or_else(|| discovered(&found, site, field, &url))
        };
        found.extend(message.map(|(code, message)| site.warning(code, &path, &message)));
        seen.push((field, url));
    }
    found
}

fn is_issuer(site: &Site<'_>, url: &Url) -> bool {
    let issuer = site.text("issuer").unwrap_or_default();
    issuer.trim_end_matches('/') == url.as_str().trim_end_matches('/')
}

/// The field whose address this seems to be.
fn kind(url: &Url) -> Option<&'static Field> {
    let last = url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    FIELDS.iter().find(|field| field.segments.contains(&last))
}

fn misplaced(site: &Site<'_>, field: &Field, other: &Field) -> String {
    let there = site.text(&format!("provider.{}", other.name)).and_then(|text| Url::parse(text).ok());
    if there.as_ref().and_then(kind).is_some_and(|kind| kind.name == field.name) {
        return format!("has the address for `{}`, and that has the one for this; swap them", other.name);
    }
    format!("is probably the address for `{}`; write the one that the metadata have as `{}`", other.name, field.name)
}

/// What is known about the origin of the issuer.
enum IssuerOrigin<'a> {
    /// The issuer, at this origin.
    At(&'a str, Origin),
    /// The issuer has a mistake, so nothing can be said about addresses.
    Unknown,
    /// All addresses are at this origin, and the issuer is at another one.
    AllElsewhere(String),
}

impl<'a> IssuerOrigin<'a> {
    fn of(site: &Site<'a>) -> Self {
        let Some(text) = site.text("issuer").filter(|_| issuer::lint(site).is_none()) else { return Self::Unknown };
        let is_permitted = |url: &Url| url.scheme() == "https" || site.is_true("allow_insecure_issuer");
        let Some(url) = Url::parse(text).ok().filter(is_permitted) else { return Self::Unknown };
        let texts = FIELDS.iter().filter_map(|field| site.text(&format!("provider.{}", field.name)));
        let mut origins: Vec<Origin> = texts.filter_map(|text| Some(Url::parse(text).ok()?.origin())).collect();
        let is_several = origins.len() > 1;
        origins.dedup();
        match &origins[..] {
            [one] if is_several && *one != url.origin() && site.provider().is_none() && !is_local_development(site) => {
                Self::AllElsewhere(one.ascii_serialization())
            }
            _ => Self::At(text, url.origin()),
        }
    }

    fn finding(&self, site: &Site<'_>) -> Option<Found> {
        let Self::AllElsewhere(origin) = self else { return None };
        let message = format!(
            "is not at {origin}, where all endpoints are; write the issuer and the endpoints of the same metadata"
        );
        Some(site.warning(codes::ENDPOINT_ELSEWHERE, "issuer", &message))
    }
}

fn is_local_development(site: &Site<'_>) -> bool {
    site.is_true("allow_insecure_issuer")
}

/// An address that is not where the issuer is.
fn elsewhere(issuer: &IssuerOrigin<'_>, site: &Site<'_>, url: &Url, tenants: &[Site<'_>]) -> Option<(Code, String)> {
    let IssuerOrigin::At(text, origin) = issuer else { return None };
    if *origin == url.origin() {
        let part = site.provider()?.path_of_endpoints(text)?;
        let path = url.path().strip_prefix('/').unwrap_or_default();
        return (!path.starts_with(&part)).then(|| {
            let message =
                format!("is not below \"/{part}\", where this issuer is; write the address that its metadata have");
            (codes::ENDPOINT_ELSEWHERE, message)
        });
    }
    let host = url.host_str()?;
    let owner = tenants.iter().find(|other| {
        let theirs = other.text("issuer").filter(|theirs| theirs != text);
        theirs.and_then(|theirs| Url::parse(theirs).ok()).is_some_and(|theirs| theirs.origin() == url.origin())
    });
    let message = if let Some(owner) = owner {
        format!("is at the issuer of {}; write the address of this tenant's issuer", owner.label)
    } else if site.provider().is_some_and(|provider| provider.is_also_at(host)) || is_local_development(site) {
        return None;
    } else {
        format!(
            "is at {}, and the issuer is not; write the address that the metadata of the issuer have, since the secret \
             and codes are for the issuer alone",
            url.origin().ascii_serialization()
        )
    };
    Some((codes::ENDPOINT_ELSEWHERE, message))
}

/// An address that is discovered as well. A query can be the reason why it is written. One finding
/// is about all.
fn discovered(found: &[Found], site: &Site<'_>, field: &Field, url: &Url) -> Option<(Code, String)> {
    let is_required = ["authorization_endpoint", "token_endpoint"].contains(&field.name);
    let is_known = found.iter().any(|(_, found)| found.code == codes::ENDPOINT_DISCOVERED);
    let discovers = site.is_true("provider.discovery") && site.at("provider.jwks_uri").is_none();
    (is_required && discovers && url.query().is_none() && !is_known).then(|| {
        let message = "wins over what `discovery` finds, also when the issuer moves it; leave out what is discovered";
        (codes::ENDPOINT_DISCOVERED, message.to_owned())
    })
}
