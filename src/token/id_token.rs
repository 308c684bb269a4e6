//! ID Token Validation, with the numbers of the steps in OpenID Connect Core section 3.1.3.7.

use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::claims::{Claims, SubjectMismatch};
use super::signed::{Kind, LEEWAY, TokenContext, VerifiedToken};
use crate::base::encoding::base64url;
use crate::base::secret::Secret;
use crate::base::time::UnixTime;
use crate::jose::{Hash, SignatureAlgorithm, TokenError};

/// What the login that asked for the token knows of it.
pub struct LoginExpectation<'a> {
    /// The `nonce` of the authorization request.
    pub nonce: &'a Secret<String>,
    /// The access token that came along, for `at_hash`.
    pub access_token: &'a Secret<String>,
    /// When the person was sent to the issuer, for `max_age`.
    pub asked_at: UnixTime,
}

/// What the session that is refreshed knows of the token.
pub struct RefreshExpectation<'a> {
    /// `sub` of the token that the session began with.
    pub subject: &'a str,
    /// `nonce` of that token.
    pub nonce: &'a str,
    /// `auth_time`, if an earlier token had it.
    pub auth_time: Option<UnixTime>,
    /// When the session began.
    pub signed_in: UnixTime,
    /// The access token that came along, for `at_hash`.
    pub access_token: &'a Secret<String>,
}

/// An ID token that passed every check, for one tenant: the only ways to one are [`VerifiedIdToken::verify`] and
/// [`VerifiedIdToken::verify_refreshed`].
#[derive(Debug)]
pub struct VerifiedIdToken(VerifiedToken);

impl VerifiedIdToken {
    /// Verifies the ID token of a login.
    ///
    /// # Errors
    /// The first check that fails, as a [`TokenError`].
    pub fn verify(
        token: &str,
        expected: &LoginExpectation<'_>,
        context: &TokenContext<'_>,
    ) -> Result<Self, TokenError> {
        let token = Self::verify_any(token, expected.access_token, context)?;
        let request = &context.tenant.login.request;
        // Step 11.
        let nonce = token.claims().text("nonce")?.ok_or(TokenError::MissingClaim("nonce"))?;
        if !expected.nonce.matches(nonce) {
            return Err(TokenError::WrongClaim("nonce"));
        }
        verify_context(token.claims(), &request.acr_values)?;
        verify_age(token.claims(), request.max_age, expected.asked_at, context.now)?;
        Ok(token)
    }

    /// Verifies the token of a refresh (section 12.2): all that a first one has to prove, and that it is about the same person and the same
    /// sign-in. `nonce` and `auth_time` need not be there.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_refreshed(
        token: &str,
        expected: &RefreshExpectation<'_>,
        context: &TokenContext<'_>,
    ) -> Result<Self, TokenError> {
        let token = Self::verify_any(token, expected.access_token, context)?;
        if token.subject() != expected.subject {
            return Err(TokenError::WrongClaim("sub"));
        }
        if token.claims().text("nonce")?.is_some_and(|nonce| nonce != expected.nonce) {
            return Err(TokenError::WrongClaim("nonce"));
        }
        let is_original = |time| match expected.auth_time {
            Some(original) => time == original,
            // No earlier token said; but the person was authenticated by the time the session began.
            None => time <= expected.signed_in.plus(LEEWAY),
        };
        if token.claims().date("auth_time")?.is_some_and(|time| !is_original(time)) {
            return Err(TokenError::WrongClaim("auth_time"));
        }
        Ok(token)
    }

    fn verify_any(token: &str, access_token: &Secret<String>, context: &TokenContext<'_>) -> Result<Self, TokenError> {
        // Step 1: an encrypted ID token (five parts) is malformed; none was negotiated. Steps 2, 6, 7, 9 and 10, too, are those of every
        // token. Step 8 has no case, since there is no HMAC.
        let signed = VerifiedToken::verify(Kind::Identity, token, context)?;
        // A logout token or an access token is no ID token (RFC 8725 section 3.11).
        if signed.typ().is_some_and(|typ| typ != "jwt") {
            return Err(TokenError::WrongType);
        }
        let claims = signed.claims();
        verify_audience(claims, &context.tenant.client.id)?;
        claims.date("iat")?.ok_or(TokenError::MissingClaim("iat"))?;
        claims.date("auth_time")?;
        verify_session_id(claims)?;
        verify_access_token_hash(claims, signed.algorithm(), access_token)?;
        Ok(Self(signed))
    }

    /// The same token with the claims that the UserInfo endpoint adds. What the token says itself stands, and nothing that was
    /// verified is looked at again.
    ///
    /// # Errors
    /// [`SubjectMismatch`] if they are about somebody else.
    pub fn with_userinfo(mut self, userinfo: Map<String, Value>) -> Result<Self, SubjectMismatch> {
        let userinfo = Claims::from_userinfo(userinfo, self.subject())?;
        self.0.supplement(userinfo);
        Ok(self)
    }

    /// `sub`, which every token has.
    pub(crate) fn subject(&self) -> &str {
        self.claims().get("sub").and_then(Value::as_str).unwrap_or_default()
    }

    /// `sid`, if the issuer names its sessions.
    pub(crate) fn session_id(&self) -> Option<&str> {
        self.claims().get("sid").and_then(Value::as_str)
    }

    /// `auth_time`, if the issuer says when the person signed in there.
    pub(crate) fn auth_time(&self) -> Option<UnixTime> {
        self.claims().date("auth_time").ok().flatten()
    }

    fn claims(&self) -> &Claims {
        self.0.claims()
    }

    pub(crate) fn signed(&self) -> &VerifiedToken {
        &self.0
    }
}

/// Front-Channel Logout 1.0 section 3: text, if the issuer names its sessions. It goes into every cookie of the session.
pub(super) fn verify_session_id(claims: &Claims) -> Result<Option<&str>, TokenError> {
    let sid = claims.text("sid")?;
    if sid.is_some_and(|sid| sid.is_empty() || sid.len() > 255) {
        return Err(TokenError::Claim("sid"));
    }
    Ok(sid)
}

/// Steps 3 to 5: we are an audience; among several, or where `azp` is given, we are also the authorized party.
pub(super) fn verify_audience(claims: &Claims, client_id: &str) -> Result<(), TokenError> {
    let audiences = claims.audiences()?;
    if !audiences.contains(&client_id) {
        return Err(TokenError::WrongClaim("aud"));
    }
    match claims.text("azp")? {
        Some(party) if party == client_id => Ok(()),
        Some(_) => Err(TokenError::WrongClaim("azp")),
        None if audiences.iter().all(|&audience| audience == client_id) => Ok(()),
        None => Err(TokenError::MissingClaim("azp")),
    }
}

/// Step 12: whoever asks for authentication contexts wants one of them, so another one, or none, is not enough.
fn verify_context(claims: &Claims, wanted: &[String]) -> Result<(), TokenError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let context = claims.text("acr")?.ok_or(TokenError::MissingClaim("acr"))?;
    if wanted.iter().any(|value| value == context) { Ok(()) } else { Err(TokenError::WrongClaim("acr")) }
}

/// Step 13: with `max_age` there has to be `auth_time` (section 3.1.2.1). It counts from the request on, not from now: what a person
/// does at the issuer after signing in there takes its time.
fn verify_age(claims: &Claims, max_age: Option<Duration>, asked_at: UnixTime, now: UnixTime) -> Result<(), TokenError> {
    let Some(max_age) = max_age else { return Ok(()) };
    let signed_in = claims.date("auth_time")?.ok_or(TokenError::MissingClaim("auth_time"))?;
    if signed_in > now.plus(LEEWAY) {
        return Err(TokenError::NotYetValid("auth_time"));
    }
    if signed_in.plus(max_age).plus(LEEWAY) < asked_at { Err(TokenError::TooOld) } else { Ok(()) }
}

/// Section 3.1.3.8: the left half of the hash that belongs to the algorithm. The claim is optional in this flow; if it is
/// there, it has to fit.
fn verify_access_token_hash(
    claims: &Claims,
    algorithm: SignatureAlgorithm,
    access_token: &Secret<String>,
) -> Result<(), TokenError> {
    let Some(claimed) = claims.text("at_hash")? else { return Ok(()) };
    let token = access_token.expose_secret().as_bytes();
    let hash = match algorithm.hash() {
        Hash::Sha256 => Sha256::digest(token).to_vec(),
        Hash::Sha384 => Sha384::digest(token).to_vec(),
        Hash::Sha512 => Sha512::digest(token).to_vec(),
    };
    let half = hash.get(..hash.len() / 2).unwrap_or_default();
    if base64url(half) == claimed { Ok(()) } else { Err(TokenError::WrongClaim("at_hash")) }
}
