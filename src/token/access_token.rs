//! JWT access tokens of API clients (RFC 9068), and ID tokens where a tenant takes them as such.

use serde_json::Value;

use super::claims::Claims;
use super::rejection::TokenRejection;
use super::signed::Signed;
use crate::env::UnixTime;
use crate::keys::Verifier;
use crate::tenant::{Bearer, Tenant};

/// A bearer token that passed every check, for one tenant: the only way to make one is [`VerifiedAccessToken::verify`].
#[derive(Debug)]
pub struct VerifiedAccessToken {
    signed: Signed,
    scopes: Vec<String>,
}

impl VerifiedAccessToken {
    /// Verifies `token` for `tenant`, which accepts what `bearer` says, at `now`.
    ///
    /// # Errors
    /// The first check that fails, as a [`TokenRejection`]; [`TokenRejection::Scope`] if the token is good and only not enough.
    pub fn verify(
        token: &str,
        tenant: &Tenant,
        bearer: &Bearer,
        now: UnixTime,
        verifier: Verifier<'_>,
    ) -> Result<Self, TokenRejection> {
        let signed = Signed::verify(token, tenant, now, verifier)?;
        let claims = signed.claims();
        match signed.typ.as_deref() {
            Some("at+jwt") => {}
            // Many issuers do not say that it is an access token; then it must not look like an ID token (RFC 9068 section 5).
            None | Some("jwt") if bearer.id_tokens || !is_id_token(claims) => {}
            _ => return Err(TokenRejection::WrongType),
        }
        if !claims.audiences()?.iter().any(|audience| bearer.audiences.iter().any(|accepted| accepted == audience)) {
            return Err(TokenRejection::WrongClaim("aud"));
        }
        let granted = scopes(claims)?;
        if !bearer.scopes.iter().all(|scope| granted.contains(&scope.as_str())) {
            return Err(TokenRejection::Scope);
        }
        let scopes = granted.into_iter().filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
        Ok(Self { signed, scopes })
    }

    pub(crate) fn signed(&self) -> &Signed {
        &self.signed
    }

    /// The scopes that it was granted.
    pub(crate) fn scopes(&self) -> &[String] {
        &self.scopes
    }
}

/// The claims that only ID tokens have (OpenID Connect Core sections 2 and 3.1.3.6).
fn is_id_token(claims: &Claims) -> bool {
    ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.get(name).is_some())
}

/// `scope` (RFC 9068 section 2.2.3): words with spaces between. Some issuers have `scp` instead, as text or as an array.
fn scopes(claims: &Claims) -> Result<Vec<&str>, TokenRejection> {
    if let Some(text) = claims.text("scope")? {
        return Ok(text.split(' ').collect());
    }
    match claims.get("scp") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.split(' ').collect()),
        Some(Value::Array(words)) => {
            words.iter().map(|word| word.as_str().ok_or(TokenRejection::Claim("scp"))).collect()
        }
        Some(_) => Err(TokenRejection::Claim("scp")),
    }
}
