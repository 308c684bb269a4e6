//! ID Token Validation. The step numbers are those of OpenID Connect Core section 3.1.3.7, and
//! other section numbers without a name are those of OpenID Connect Core, too.
//!
//! Scenarios: tests/scenarios/id_token.rs.

use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::claims::{Claims, SubjectMismatch};
use super::signed::{Kind, LEEWAY, TokenContext, VerifiedToken};
use crate::base::encoding::base64url;
use crate::base::secret::Secret;
use crate::base::time::UnixTime;
use crate::jose::{Hash, SignatureAlgorithm, TokenError};
use crate::tenant::Tenant;

/// The values of the login that the ID token has to match.
pub struct LoginExpectation<'a> {
    /// The `nonce` of the authorization request.
    pub nonce: &'a Secret<String>,
    /// The access token of the same token response, for `at_hash`.
    pub access_token: &'a Secret<String>,
    /// When the browser was redirected to the issuer, for `max_age`.
    pub asked_at: UnixTime,
}

/// The values of the refreshed session that the new ID token has to match.
pub struct RefreshExpectation<'a> {
    /// The `sub` of the token that the session began with.
    pub subject: &'a str,
    /// The `nonce` of that token.
    pub nonce: &'a str,
    /// The `auth_time`, if an earlier token had it.
    pub auth_time: Option<UnixTime>,
    /// When the session began.
    pub signed_in: UnixTime,
    /// The access token of the same token response, for `at_hash`.
    pub access_token: &'a Secret<String>,
}

/// An ID token that passed every check, for one tenant. It can be made only by
/// [`VerifiedIdToken::verify`] and [`VerifiedIdToken::verify_refreshed`].
#[derive(Debug)]
pub struct VerifiedIdToken(VerifiedToken);

impl VerifiedIdToken {
    /// Verifies the ID token of a login.
    ///
    /// # Errors
    /// A [`TokenError`] for the first check that fails.
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

    /// Verifies the ID token of a refresh (section 12.2): the checks of every ID token, and that it
    /// is for the same subject and the same sign-in. `nonce` and `auth_time` are optional.
    ///
    /// # Errors
    /// A [`TokenError`] for the first check that fails.
    pub fn verify_refreshed(
        token: &str,
        expected: &RefreshExpectation<'_>,
        context: &TokenContext<'_>,
    ) -> Result<Self, TokenError> {
        let token = Self::verify_any(token, expected.access_token, context)?;
        if token.subject() != expected.subject {
            return Err(TokenError::WrongClaim("sub"));
        }
        if token.claims().optional_text("nonce")?.is_some_and(|nonce| nonce != expected.nonce) {
            return Err(TokenError::WrongClaim("nonce"));
        }
        let is_original = |time| match expected.auth_time {
            Some(original) => time == original,
            // No earlier token had `auth_time`, but the user signed in before the session began.
            None => time <= expected.signed_in.plus(LEEWAY),
        };
        if token.claims().auth_time()?.is_some_and(|time| !is_original(time)) {
            return Err(TokenError::WrongClaim("auth_time"));
        }
        Ok(token)
    }

    /// Verifies what the ID tokens of logins and of refreshes have in common.
    fn verify_any(token: &str, access_token: &Secret<String>, context: &TokenContext<'_>) -> Result<Self, TokenError> {
        // This verifies steps 2, 6, 7, 9 and 10, as for every token. Step 1: an encrypted ID token
        // (five parts) is malformed, because encryption is not negotiated. Step 8 does not apply,
        // because no HMAC algorithm is supported.
        let signed = VerifiedToken::verify(Kind::Identity, token, context)?;
        signed.verify_id_token_algorithm(context)?;
        // Logout tokens and access tokens are not accepted as ID tokens (RFC 8725 section 3.11).
        if signed.typ().is_some_and(|typ| typ != "jwt") {
            return Err(TokenError::WrongType);
        }
        let claims = signed.claims();
        verify_audience(claims, context.tenant)?;
        claims.date("iat")?.ok_or(TokenError::MissingClaim("iat"))?;
        claims.auth_time()?;
        verify_session_id(claims)?;
        verify_access_token_hash(claims, signed.algorithm(), access_token)?;
        Ok(Self(signed))
    }

    /// The same token with the claims that the UserInfo endpoint adds. The claims of the token take
    /// precedence, and nothing is verified again.
    ///
    /// # Errors
    /// [`SubjectMismatch`] if the `sub` of `userinfo` is absent or not that of the token.
    pub fn with_userinfo(mut self, userinfo: Map<String, Value>) -> Result<Self, SubjectMismatch> {
        let userinfo = Claims::from_userinfo(userinfo, self.subject())?;
        self.0.supplement(userinfo);
        Ok(self)
    }

    /// The `sub` claim, which every ID token has.
    pub(crate) fn subject(&self) -> &str {
        self.0.subject()
    }

    /// The `sid` claim, if the token has it.
    pub(crate) fn session_id(&self) -> Option<&str> {
        self.claims().identifier("sid").ok().flatten()
    }

    /// The `auth_time` claim, if the token has it: when the user signed in at the issuer.
    pub(crate) fn auth_time(&self) -> Option<UnixTime> {
        self.claims().auth_time().ok().flatten()
    }

    fn claims(&self) -> &Claims {
        self.0.claims()
    }

    /// The token with its claims, expiry and key.
    pub(crate) fn signed(&self) -> &VerifiedToken {
        &self.0
    }
}

/// Returns `sid`, if present (Front-Channel Logout 1.0 section 3): a string of at most 255 bytes,
/// because it is stored in every session cookie.
pub(super) fn verify_session_id(claims: &Claims) -> Result<Option<&str>, TokenError> {
    let sid = claims.identifier("sid")?;
    if sid.is_some_and(|sid| sid.len() > 255) {
        return Err(TokenError::Claim("sid"));
    }
    Ok(sid)
}

/// Steps 3 to 5: `aud` contains the client id, and no other audience but trusted ones. If it has
/// such, too, `azp` is required. If `azp` is present, it is the client id.
pub(super) fn verify_audience(claims: &Claims, tenant: &Tenant) -> Result<(), TokenError> {
    let client_id = tenant.client.id.as_str();
    let audiences = claims.audiences()?;
    if !audiences.contains(&client_id) {
        return Err(TokenError::WrongClaim("aud"));
    }
    let is_trusted = |audience: &&str| tenant.trusted_audiences.iter().any(|trusted| trusted == audience);
    if !audiences.iter().all(|audience| *audience == client_id || is_trusted(audience)) {
        return Err(TokenError::UntrustedAudience);
    }
    match claims.identifier("azp")? {
        Some(party) if party == client_id => Ok(()),
        Some(_) => Err(TokenError::WrongClaim("azp")),
        None if audiences.iter().all(|&audience| audience == client_id) => Ok(()),
        None => Err(TokenError::MissingClaim("azp")),
    }
}

/// Step 12: if the authorization request has `acr_values`, `acr` is required and is one of them.
fn verify_context(claims: &Claims, wanted: &[String]) -> Result<(), TokenError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let context = claims.text("acr")?.ok_or(TokenError::MissingClaim("acr"))?;
    if wanted.iter().any(|value| value == context) { Ok(()) } else { Err(TokenError::WrongClaim("acr")) }
}

/// Step 13: if the authorization request has `max_age`, `auth_time` is required (section 3.1.2.1).
/// The age is measured at the time of that request and not now, because the user may spend time at
/// the issuer after the sign-in.
fn verify_age(claims: &Claims, max_age: Option<Duration>, asked_at: UnixTime, now: UnixTime) -> Result<(), TokenError> {
    let Some(max_age) = max_age else { return Ok(()) };
    let signed_in = claims.auth_time()?.ok_or(TokenError::MissingClaim("auth_time"))?;
    if signed_in > now.plus(LEEWAY) {
        return Err(TokenError::NotYetValid("auth_time"));
    }
    if signed_in.plus(max_age).plus(LEEWAY) < asked_at { Err(TokenError::TooOld) } else { Ok(()) }
}

/// Verifies `at_hash` if it is present (section 3.1.3.8): the left half of the access token's hash,
/// with the hash function of the signature algorithm. The claim is optional in this flow.
fn verify_access_token_hash(
    claims: &Claims,
    algorithm: SignatureAlgorithm,
    access_token: &Secret<String>,
) -> Result<(), TokenError> {
    let Some(claimed) = claims.optional_text("at_hash")? else { return Ok(()) };
    let token = access_token.expose_secret().as_bytes();
    let hash = match algorithm.hash() {
        Hash::Sha256 => Sha256::digest(token).to_vec(),
        Hash::Sha384 => Sha384::digest(token).to_vec(),
        Hash::Sha512 => Sha512::digest(token).to_vec(),
    };
    let half = hash.get(..hash.len() / 2).unwrap_or_default();
    if base64url(half) == claimed { Ok(()) } else { Err(TokenError::WrongClaim("at_hash")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::claims;

    /// The age is limited at the time of the request, and the clocks may differ by [`LEEWAY`].
    #[test]
    fn the_limits_of_the_age() {
        let verify = |auth_time: u64, asked_at: u64, now: u64| {
            let claims = claims(json!({ "sub": "a", "auth_time": auth_time }));
            verify_age(&claims, Some(Duration::from_secs(100)), UnixTime(asked_at), UnixTime(now))
        };
        assert_eq!(verify(1000, 1160, 9000), Ok(()));
        assert_eq!(verify(1000, 1161, 9000), Err(TokenError::TooOld));
        assert_eq!(verify(1060, 1000, 1000), Ok(()));
        assert_eq!(verify(1061, 1000, 1000), Err(TokenError::NotYetValid("auth_time")));
    }

    #[test]
    fn the_longest_session_id() {
        let verify = |length: usize| {
            let claims = claims(json!({ "sub": "a", "sid": "s".repeat(length) }));
            verify_session_id(&claims).map(|sid| sid.map(str::len))
        };
        assert_eq!(verify(255), Ok(Some(255)));
        assert_eq!(verify(256), Err(TokenError::Claim("sid")));
    }
}
