//! Logout Token Validation (OpenID Connect Back-Channel Logout 1.0 section 2.6).
//!
//! Scenarios: tests/scenarios/backchannel.rs.

use serde_json::Value;

use super::claims::Claims;
use super::id_token::{verify_audience, verify_session_id};
use super::signed::{Kind, TokenContext, VerifiedToken};
use crate::base::time::UnixTime;
use crate::jose::TokenError;

/// A logout token that passed every check, for one tenant. It can be made only by
/// [`VerifiedLogoutToken::verify`]. Whether the same token was received before is not checked here.
#[derive(Debug)]
pub(crate) struct VerifiedLogoutToken {
    /// The sessions to end.
    pub(crate) subject: LogoutSubject,
    /// The `jti` claim.
    pub(crate) id: String,
    /// The time from which the token is refused.
    pub(crate) expires: UnixTime,
}

/// The sessions that a logout token ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogoutSubject {
    /// One session at the issuer (`sid`), and its subject (`sub`), if the token has it.
    Session(String, Option<String>),
    /// All sessions of one subject (`sub`).
    Subject(String),
}

impl VerifiedLogoutToken {
    /// Verifies `token`.
    ///
    /// # Errors
    /// A [`TokenError`] for the first check that fails.
    pub(crate) fn verify(token: &str, context: &TokenContext<'_>) -> Result<Self, TokenError> {
        // Steps 1 to 3: encrypted tokens are not supported. Signature, `iss`, `exp` and `iat` are
        // verified as in every token.
        let signed = VerifiedToken::verify(Kind::Logout, token, context)?;
        // A logout token is signed as an ID token is (step 2).
        signed.verify_id_token_algorithm(context)?;
        // `logout+jwt` is recommended (section 2.4). Many issuers set `JWT` or no `typ`.
        if signed.typ().is_some_and(|typ| !matches!(typ, "logout+jwt" | "jwt")) {
            return Err(TokenError::WrongType);
        }
        let claims = signed.claims();
        verify_audience(claims, context.tenant)?;
        claims.date("iat")?.ok_or(TokenError::MissingClaim("iat"))?;
        // Step 4.
        let text = |text: Option<&str>| text.map(str::to_owned);
        let subject = match (text(verify_session_id(claims)?), text(claims.optional_text("sub")?)) {
            (Some(sid), subject) => LogoutSubject::Session(sid, subject),
            (None, Some(subject)) => LogoutSubject::Subject(subject),
            (None, None) => return Err(TokenError::MissingClaim("sub")),
        };
        verify_events(claims)?;
        // Step 6: `nonce` is prohibited, so that an ID token is not accepted as a logout token.
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

/// Step 5: `events` is an object, and its member [`EVENT`] is an object.
fn verify_events(claims: &Claims) -> Result<(), TokenError> {
    let events = claims.get("events").ok_or(TokenError::MissingClaim("events"))?;
    match events.as_object().and_then(|events| events.get(EVENT)) {
        Some(Value::Object(_)) => Ok(()),
        _ => Err(TokenError::WrongClaim("events")),
    }
}

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
