//! ID Token Validation, step by step as OpenID Connect Core section 3.1.3.7 numbers it.

use std::time::Duration;

use sha2::{Digest, Sha256, Sha384, Sha512};

use super::claims::Claims;
use super::compact::UntrustedToken;
use super::rejection::TokenRejection;
use crate::encode::base64url;
use crate::env::UnixTime;
use crate::json;
use crate::keys::{Hash, SignatureAlgorithm, Thumbprint, Verifier};
use crate::secret::Secret;
use crate::tenant::{Tenant, TenantName};

/// What the login that asked for the token knows of it.
pub struct Expected<'a> {
    /// The `nonce` of the authorization request.
    pub nonce: &'a Secret<String>,
    /// The access token that came along, for `at_hash`.
    pub access_token: &'a Secret<String>,
}

/// An ID token that passed every check, for one tenant: the only way to make one is [`VerifiedIdToken::verify`].
#[derive(Debug)]
pub struct VerifiedIdToken {
    tenant: TenantName,
    subject: String,
    claims: Claims,
    vouched_by: Thumbprint,
}

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
        // Step 1: an encrypted ID token (five parts) is malformed here; none was negotiated.
        let untrusted = UntrustedToken::parse(token)?;
        // A logout token or an access token is no ID token (RFC 8725 section 3.11).
        if untrusted.typ.as_deref().is_some_and(|typ| typ != "jwt") {
            return Err(TokenRejection::WrongType);
        }
        // Steps 6 to 8: the key decides the algorithm. HS256 does not exist here, so step 8 has no case.
        let vouched_by = verify_signature(&untrusted, tenant, verifier)?;
        let claims = Claims::new(json::parse_object(&untrusted.payload).map_err(|_| TokenRejection::Malformed)?);

        // Step 2.
        match claims.text("iss")?.ok_or(TokenRejection::MissingClaim("iss"))? {
            issuer if issuer == tenant.issuer => {}
            _ => return Err(TokenRejection::WrongClaim("iss")),
        }
        verify_audience(&claims, &tenant.client.id)?;
        verify_dates(&claims, now)?;
        // Step 11.
        let nonce = claims.text("nonce")?.ok_or(TokenRejection::MissingClaim("nonce"))?;
        if !expected.nonce.matches(nonce) {
            return Err(TokenRejection::WrongClaim("nonce"));
        }
        verify_access_token_hash(&claims, untrusted.algorithm, expected.access_token)?;
        // Back-Channel Logout 1.0 section 2.4: this claim makes it a logout token.
        if claims.get("events").is_some() {
            return Err(TokenRejection::WrongType);
        }
        let subject = subject(&claims)?.to_owned();
        Ok(Self { tenant: tenant.name.clone(), subject, claims, vouched_by })
    }

    /// The tenant it was verified for.
    pub fn tenant(&self) -> &TenantName {
        &self.tenant
    }

    /// `sub`: 1 to 255 ASCII characters.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// All claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The key whose signature it bears.
    pub fn vouched_by(&self) -> Thumbprint {
        self.vouched_by
    }
}

fn verify_signature(
    token: &UntrustedToken<'_>,
    tenant: &Tenant,
    verifier: Verifier<'_>,
) -> Result<Thumbprint, TokenRejection> {
    let mut candidates = tenant.keys.candidates(token.algorithm, token.kid.as_deref()).take(MAX_TRIES).peekable();
    if candidates.peek().is_none() {
        return Err(TokenRejection::UnknownKey);
    }
    candidates
        .find(|key| key.verify(token.signing_input, &token.signature, verifier))
        .map(|key| key.thumbprint())
        .ok_or(TokenRejection::Signature)
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

/// Steps 9 and 10, and `nbf` (RFC 7519 section 4.1.5) where there is one.
fn verify_dates(claims: &Claims, now: UnixTime) -> Result<(), TokenRejection> {
    let expiry = claims.date("exp")?.ok_or(TokenRejection::MissingClaim("exp"))?;
    if expiry.plus(LEEWAY) <= now {
        return Err(TokenRejection::Expired);
    }
    let issued = claims.date("iat")?.ok_or(TokenRejection::MissingClaim("iat"))?;
    if issued > now.plus(LEEWAY) {
        return Err(TokenRejection::NotYetValid("iat"));
    }
    match claims.date("nbf")? {
        Some(start) if start > now.plus(LEEWAY) => Err(TokenRejection::NotYetValid("nbf")),
        _ => Ok(()),
    }
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

/// Section 2: at most 255 ASCII characters.
fn subject(claims: &Claims) -> Result<&str, TokenRejection> {
    let subject = claims.text("sub")?.ok_or(TokenRejection::MissingClaim("sub"))?;
    if subject.is_empty() || subject.len() > 255 || !subject.is_ascii() {
        return Err(TokenRejection::Claim("sub"));
    }
    Ok(subject)
}

/// How far the issuer's clock may be from ours.
const LEEWAY: Duration = Duration::from_secs(60);
/// A token without `kid` is tried against this many keys of its algorithm at most.
const MAX_TRIES: usize = 8;
