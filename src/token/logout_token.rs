//! Logout Token Validation (OpenID Connect Back-Channel Logout 1.0 section 2.6).

use serde_json::Value;

use super::claims::Claims;
use super::id_token::{verify_audience, verify_session_id};
use super::signed::{Kind, TokenContext, VerifiedToken};
use crate::base::time::UnixTime;
use crate::jose::TokenError;

/// A logout token that passed every check, for one tenant: the only way to make one is [`VerifiedLogoutToken::verify`]. Whether it came before
/// is still to be found out.
#[derive(Debug)]
pub(crate) struct VerifiedLogoutToken {
    /// Which sessions are to end.
    pub(crate) subject: LogoutSubject,
    /// `jti`.
    pub(crate) id: String,
    /// The moment from which it is refused.
    pub(crate) expires: UnixTime,
}

/// Whom a logout token is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogoutSubject {
    /// One session at the issuer (`sid`), and whose it is, if that is said.
    Session(String, Option<String>),
    /// Everything of one person (`sub`).
    Subject(String),
}

impl VerifiedLogoutToken {
    /// Verifies `token`.
    pub(crate) fn verify(token: &str, context: &TokenContext<'_>) -> Result<Self, TokenError> {
        // Steps 1 to 3: no token is encrypted here, and signature, `iss`, `exp` and `iat` are checked as those of every token.
        let signed = VerifiedToken::verify(Kind::Logout, token, context)?;
        // Section 2.4: `logout+jwt` is recommended; many issuers have `JWT` or nothing.
        if signed.typ().is_some_and(|typ| !matches!(typ, "logout+jwt" | "jwt")) {
            return Err(TokenError::WrongType);
        }
        let claims = signed.claims();
        verify_audience(claims, &context.tenant.client.id)?;
        claims.date("iat")?.ok_or(TokenError::MissingClaim("iat"))?;
        // Step 4.
        let text = |text: Option<&str>| text.map(str::to_owned);
        let subject = match (text(verify_session_id(claims)?), text(claims.text("sub")?)) {
            (Some(sid), subject) => LogoutSubject::Session(sid, subject),
            (None, Some(subject)) => LogoutSubject::Subject(subject),
            (None, None) => return Err(TokenError::MissingClaim("sub")),
        };
        verify_events(claims)?;
        // Step 6: it is no ID token.
        if claims.get("nonce").is_some() {
            return Err(TokenError::Claim("nonce"));
        }
        let id = claims.text("jti")?.ok_or(TokenError::MissingClaim("jti"))?;
        if id.is_empty() {
            return Err(TokenError::Claim("jti"));
        }
        Ok(Self { subject, id: id.to_owned(), expires: signed.expires() })
    }
}

/// Step 5: an object with this member, which is an object, too.
fn verify_events(claims: &Claims) -> Result<(), TokenError> {
    let events = claims.get("events").ok_or(TokenError::MissingClaim("events"))?;
    match events.as_object().and_then(|events| events.get(EVENT)) {
        Some(Value::Object(_)) => Ok(()),
        _ => Err(TokenError::WrongClaim("events")),
    }
}

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
