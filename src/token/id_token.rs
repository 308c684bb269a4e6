//! ID Token Validation, with the numbers of the steps in OpenID Connect Core section 3.1.3.7.

use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::claims::Claims;
use super::rejection::TokenRejection;
use super::signed::{LEEWAY, Signed};
use crate::encode::base64url;
use crate::env::UnixTime;
use crate::keys::{Hash, SignatureAlgorithm, Verifier};
use crate::secret::Secret;
use crate::tenant::Tenant;

/// What the login that asked for the token knows of it.
pub struct Expected<'a> {
    /// The `nonce` of the authorization request.
    pub nonce: &'a Secret<String>,
    /// The access token that came along, for `at_hash`.
    pub access_token: &'a Secret<String>,
    /// When the person was sent to the issuer, for `max_age`.
    pub asked_at: UnixTime,
}

/// The UserInfo endpoint speaks of somebody else, or does not say of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherSubject;

/// An ID token that passed every check, for one tenant: the only way to make one is [`VerifiedIdToken::verify`].
#[derive(Debug)]
pub struct VerifiedIdToken(Signed);

impl VerifiedIdToken {
    /// Verifies `token` for `tenant` at `now`.
    ///
    /// # Errors
    /// The first check that fails, as a [`TokenRejection`].
    pub fn verify(
        token: &str,
        tenant: &Tenant,
        expected: &Expected<'_>,
        now: UnixTime,
        verifier: Verifier<'_>,
    ) -> Result<Self, TokenRejection> {
        // Step 1: an encrypted ID token (five parts) is malformed; none was negotiated. Steps 2, 6, 7, 9 and 10, too, are those of every
        // token. Step 8 has no case, since there is no HMAC.
        let signed = Signed::verify(token, tenant, now, verifier)?;
        // A logout token or an access token is no ID token (RFC 8725 section 3.11).
        if signed.typ.as_deref().is_some_and(|typ| typ != "jwt") {
            return Err(TokenRejection::WrongType);
        }
        let claims = signed.claims();
        verify_audience(claims, &tenant.client.id)?;
        claims.date("iat")?.ok_or(TokenRejection::MissingClaim("iat"))?;
        // Step 11.
        let nonce = claims.text("nonce")?.ok_or(TokenRejection::MissingClaim("nonce"))?;
        if !expected.nonce.matches(nonce) {
            return Err(TokenRejection::WrongClaim("nonce"));
        }
        verify_context(claims, &tenant.login.request.acr_values)?;
        verify_age(claims, tenant.login.request.max_age, expected.asked_at, now)?;
        verify_access_token_hash(claims, signed.algorithm, expected.access_token)?;
        Ok(Self(signed))
    }

    /// The same token with the claims that the UserInfo endpoint adds. What the token says itself stands, and nothing that was
    /// verified is looked at again.
    ///
    /// # Errors
    /// [`OtherSubject`] if they are about somebody else (section 5.3.2: `sub` has to be there, and exactly the same).
    pub fn with_userinfo(mut self, userinfo: Map<String, Value>) -> Result<Self, OtherSubject> {
        let same = userinfo.get("sub").is_some_and(|subject| self.0.claims().get("sub") == Some(subject));
        if !same {
            return Err(OtherSubject);
        }
        self.0.supplement(userinfo);
        Ok(self)
    }

    pub(crate) fn signed(&self) -> &Signed {
        &self.0
    }
}

/// Steps 3 to 5: we are an audience; among several, or where `azp` is given, we are also the authorized party.
fn verify_audience(claims: &Claims, client_id: &str) -> Result<(), TokenRejection> {
    let audiences = claims.audiences()?;
    if !audiences.contains(&client_id) {
        return Err(TokenRejection::WrongClaim("aud"));
    }
    match claims.text("azp")? {
        Some(party) if party == client_id => Ok(()),
        Some(_) => Err(TokenRejection::WrongClaim("azp")),
        None if audiences.iter().all(|&audience| audience == client_id) => Ok(()),
        None => Err(TokenRejection::MissingClaim("azp")),
    }
}

/// Step 12: whoever asks for authentication contexts wants one of them, so another one, or none, is not enough.
fn verify_context(claims: &Claims, wanted: &[String]) -> Result<(), TokenRejection> {
    if wanted.is_empty() {
        return Ok(());
    }
    let context = claims.text("acr")?.ok_or(TokenRejection::MissingClaim("acr"))?;
    if wanted.iter().any(|value| value == context) { Ok(()) } else { Err(TokenRejection::WrongClaim("acr")) }
}

/// Step 13: with `max_age` there has to be `auth_time` (section 3.1.2.1). It counts from the request on, not from now: what a person
/// does at the issuer after signing in there takes its time.
fn verify_age(
    claims: &Claims,
    max_age: Option<Duration>,
    asked_at: UnixTime,
    now: UnixTime,
) -> Result<(), TokenRejection> {
    let Some(max_age) = max_age else { return Ok(()) };
    let signed_in = claims.date("auth_time")?.ok_or(TokenRejection::MissingClaim("auth_time"))?;
    if signed_in > now.plus(LEEWAY) {
        return Err(TokenRejection::NotYetValid("auth_time"));
    }
    if signed_in.plus(max_age).plus(LEEWAY) < asked_at { Err(TokenRejection::TooOld) } else { Ok(()) }
}

/// Section 3.1.3.8: the left half of the hash that belongs to the algorithm. The claim is optional in this flow; if it is
/// there, it has to fit.
fn verify_access_token_hash(
    claims: &Claims,
    algorithm: SignatureAlgorithm,
    access_token: &Secret<String>,
) -> Result<(), TokenRejection> {
    let Some(claimed) = claims.text("at_hash")? else { return Ok(()) };
    let token = access_token.expose_secret().as_bytes();
    let hash = match algorithm.hash() {
        Hash::Sha256 => Sha256::digest(token).to_vec(),
        Hash::Sha384 => Sha384::digest(token).to_vec(),
        Hash::Sha512 => Sha512::digest(token).to_vec(),
    };
    let half = hash.get(..hash.len() / 2).unwrap_or_default();
    if base64url(half) == claimed { Ok(()) } else { Err(TokenRejection::WrongClaim("at_hash")) }
}
