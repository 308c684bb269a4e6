//! JWT access tokens of API clients (RFC 9068), and ID tokens where a tenant accepts them as bearer
//! tokens.
//!
//! Scenarios: tests/scenarios/bearer.rs.

use std::fmt;

use serde_json::Value;

use super::claims::Claims;
use super::signed::{Kind, TokenContext, VerifiedToken};
use crate::jose::TokenError;
use crate::tenant::{Bearer, RequiredClaim};

/// A bearer token that passed every check, for one tenant. It can be made only by
/// [`VerifiedAccessToken::verify`].
#[derive(Debug)]
pub struct VerifiedAccessToken {
    signed: VerifiedToken,
    scopes: Vec<String>,
}

impl VerifiedAccessToken {
    /// Verifies `token` for a tenant that accepts bearer tokens as `bearer` configures.
    ///
    /// # Errors
    /// An [`AccessTokenError`] for the first check that fails.
    pub fn verify(token: &str, bearer: &Bearer, context: &TokenContext<'_>) -> Result<Self, AccessTokenError> {
        let signed = VerifiedToken::verify(Kind::Identity, token, context)?;
        let claims = signed.claims();
        match signed.typ() {
            Some("at+jwt") => {}
            // Many issuers do not mark access tokens with `at+jwt`. Such a token must not have the
            // claims of an ID token (RFC 9068 section 5).
            None | Some("jwt") if bearer.id_tokens || !is_id_token(claims) => {}
            _ => return Err(TokenError::WrongType.into()),
        }
        if !claims.audiences()?.iter().any(|audience| bearer.audiences.iter().any(|accepted| accepted == audience)) {
            return Err(TokenError::WrongClaim("aud").into());
        }
        let granted = scopes(claims)?;
        if !bearer.scopes.iter().all(|scope| granted.contains(&scope.as_str())) {
            return Err(Shortfall::Scope(bearer.scopes.clone()).into());
        }
        if let Some(lacking) = bearer.claims.iter().find(|required| !has(claims, required)) {
            return Err(Shortfall::Claim(lacking.name.clone()).into());
        }
        let scopes = granted.into_iter().filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
        Ok(Self { signed, scopes })
    }

    /// The token with its claims, expiry and key.
    pub(crate) fn signed(&self) -> &VerifiedToken {
        &self.signed
    }

    /// The scopes that were granted to the token.
    pub(crate) fn scopes(&self) -> &[String] {
        &self.scopes
    }
}

/// Why an access token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessTokenError {
    /// The token is invalid.
    Refused(TokenError),
    /// The token is valid, but lacks a required scope or claim.
    Insufficient(Shortfall),
}

impl fmt::Display for AccessTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Insufficient(shortfall) => shortfall.fmt(f),
        }
    }
}

impl std::error::Error for AccessTokenError {}

impl From<TokenError> for AccessTokenError {
    fn from(rejection: TokenError) -> Self {
        Self::Refused(rejection)
    }
}

impl From<Shortfall> for AccessTokenError {
    fn from(shortfall: Shortfall) -> Self {
        Self::Insufficient(shortfall)
    }
}

/// What a valid token lacks. It contains what the configuration requires, and no data of the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// At least one of these scopes. All of them are required.
    Scope(Vec<String>),
    /// The claim of this name, or a required value of it.
    Claim(String),
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(_) => f.write_str("a required scope is missing"),
            Self::Claim(name) => write!(f, "claim `{name}` does not have a required value"),
        }
    }
}

/// Whether the required claim is present with one of the required values, or is an array that has
/// one.
fn has(claims: &Claims, required: &RequiredClaim) -> bool {
    let is_enough = |value: &Value| value.as_str().is_some_and(|text| required.values.iter().any(|v| v == text));
    match claims.get(&required.name) {
        Some(Value::Array(values)) => values.iter().any(is_enough),
        Some(value) => is_enough(value),
        None => false,
    }
}

/// Whether a claim is present that only ID tokens have (OpenID Connect Core sections 2 and
/// 3.1.3.6).
fn is_id_token(claims: &Claims) -> bool {
    ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.get(name).is_some())
}

/// The scopes in `scope` (RFC 9068 section 2.2.3), which are separated by spaces. Some issuers have
/// `scp` instead, as a string or as an array.
fn scopes(claims: &Claims) -> Result<Vec<&str>, TokenError> {
    if let Some(text) = claims.text("scope")? {
        return Ok(text.split(' ').collect());
    }
    match claims.get("scp") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.split(' ').collect()),
        Some(Value::Array(words)) => words.iter().map(|word| word.as_str().ok_or(TokenError::Claim("scp"))).collect(),
        Some(_) => Err(TokenError::Claim("scp")),
    }
}
