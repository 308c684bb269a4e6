//! Logout Token Validation (OpenID Connect Back-Channel Logout 1.0 section 2.6).

use serde_json::Value;

use super::claims::Claims;
use super::id_token::{verify_audience, verify_session_id};
use super::rejection::TokenRejection;
use super::signed::{Kind, Signed};
use crate::env::UnixTime;
use crate::keys::Verifier;
use crate::tenant::Tenant;

/// A logout token that passed every check, for one tenant: the only way to make one is [`VerifiedLogoutToken::verify`]. Whether it came before
/// is still to be found out.
#[derive(Debug)]
pub(crate) struct VerifiedLogoutToken {
    /// Which sessions are to end.
    pub(crate) whose: Whose,
    /// `jti`.
    pub(crate) id: String,
    /// The moment from which it is refused.
    pub(crate) expires: UnixTime,
}

/// Whom a logout token is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// One session at the issuer (`sid`), and whose it is, if that is said.
    Session(String, Option<String>),
    /// Everything of one person (`sub`).
    Subject(String),
}

impl VerifiedLogoutToken {
    /// Verifies `token` for `tenant` at `now`.
    pub(crate) fn verify(
        token: &str,
        tenant: &Tenant,
        now: UnixTime,
        verifier: Verifier<'_>,
    ) -> Result<Self, TokenRejection> {
        // Steps 1 to 3: no token is encrypted here, and signature, `iss`, `exp` and `iat` are checked as those of every token.
        let signed = Signed::verify(Kind::Logout, token, tenant, now, verifier)?;
        // Section 2.4: `logout+jwt` is recommended; many issuers have `JWT` or nothing.
        if signed.typ().is_some_and(|typ| !matches!(typ, "logout+jwt" | "jwt")) {
            return Err(TokenRejection::WrongType);
        }
        let claims = signed.claims();
        verify_audience(claims, &tenant.client.id)?;
        claims.date("iat")?.ok_or(TokenRejection::MissingClaim("iat"))?;
        // Step 4.
        let text = |text: Option<&str>| text.map(str::to_owned);
        let whose = match (text(verify_session_id(claims)?), text(claims.text("sub")?)) {
            (Some(sid), subject) => Whose::Session(sid, subject),
            (None, Some(subject)) => Whose::Subject(subject),
            (None, None) => return Err(TokenRejection::MissingClaim("sub")),
        };
        verify_events(claims)?;
        // Step 6: it is no ID token.
        if claims.get("nonce").is_some() {
            return Err(TokenRejection::Claim("nonce"));
        }
        let id = claims.text("jti")?.ok_or(TokenRejection::MissingClaim("jti"))?;
        if id.is_empty() {
            return Err(TokenRejection::Claim("jti"));
        }
        Ok(Self { whose, id: id.to_owned(), expires: signed.expires() })
    }
}

/// Step 5: an object with this member, which is an object, too.
fn verify_events(claims: &Claims) -> Result<(), TokenRejection> {
    let events = claims.get("events").ok_or(TokenRejection::MissingClaim("events"))?;
    match events.as_object().and_then(|events| events.get(EVENT)) {
        Some(Value::Object(_)) => Ok(()),
        _ => Err(TokenRejection::WrongClaim("events")),
    }
}

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
