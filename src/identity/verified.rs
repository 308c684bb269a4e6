//! The identity behind a request.

use std::fmt;

use serde_json::{Map, Value};

use super::claims::{email, groups, user};
use super::error::IdentityError;
use super::record::{IdentityRecord, RecordedClaims};
use crate::base::secret::Secret;
use crate::jose::SigningKeyRef;
use crate::seal::Opened;
use crate::tenant::{ClaimPath, IdentityClaims, TenantName};
use crate::token::{VerifiedAccessToken, VerifiedIdToken, VerifiedToken};

/// An identity that was verified for one tenant. There are three ways to one: a [`VerifiedIdToken`], a session that this gate sealed
/// after it had one, and a [`VerifiedAccessToken`].
#[derive(Clone)]
pub struct VerifiedIdentity {
    tenant: TenantName,
    user: String,
    email: Option<String>,
    email_verified: bool,
    groups: Vec<String>,
    claims: Map<String, Value>,
    /// Of a bearer token; nobody who signed in has any.
    scopes: Option<Vec<String>>,
    verified_with: SigningKeyRef,
    tokens: Tokens,
}

/// What the issuer gave out for it, so far as the tenant's upstream wants it.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// The access token, which is for whoever it was issued for.
    pub access_token: Option<Secret<String>>,
    /// The ID token.
    pub id_token: Option<Secret<String>>,
}

impl VerifiedIdentity {
    /// The identity of somebody who signed in.
    ///
    /// # Errors
    /// [`IdentityError`] if the user claim is absent, a claim has another type than expected, or what is there is not enough.
    pub fn from_id_token(token: &VerifiedIdToken, names: &IdentityClaims) -> Result<Self, IdentityError> {
        Self::read(token.signed(), names, None)
    }

    /// The identity of an API client.
    ///
    /// # Errors
    /// As [`from_id_token`](Self::from_id_token).
    pub fn from_access_token(token: &VerifiedAccessToken, names: &IdentityClaims) -> Result<Self, IdentityError> {
        let needed = |scope: &&String| names.retained.scopes.contains(scope);
        let scopes = token.scopes().iter().filter(needed).cloned().collect();
        Self::read(token.signed(), names, Some(scopes))
    }

    /// Reads the identity out of the claims that the tenant names.
    fn read(token: &VerifiedToken, names: &IdentityClaims, scopes: Option<Vec<String>>) -> Result<Self, IdentityError> {
        let claims = token.claims();
        let user = user(claims, names)?;
        let email_verified = claims.email_verified();
        if names.require_email_verified && names.user_is_email() && !email_verified {
            return Err(IdentityError::EmailUnverified);
        }
        let mut kept = Map::new();
        for path in &names.retained.claims {
            if let Some(value) = claims.find(path) {
                kept.insert(path.to_string(), value.clone());
            }
        }
        Ok(Self {
            tenant: token.tenant().clone(),
            user,
            email: email(claims, names)?,
            email_verified,
            groups: groups(claims, names)?,
            claims: kept,
            scopes,
            verified_with: token.verified_with(),
            tokens: Tokens::default(),
        })
    }

    /// The identity that was sealed, with the tokens that the upstream receives.
    pub(crate) fn from_sealed<T>(sealed: Opened<T>) -> Self
    where
        (IdentityRecord, Tokens): From<T>,
    {
        let (tenant, value) = sealed.into_parts();
        let (record, tokens) = value.into();
        let IdentityRecord { user, email, email_verified, groups, claims, verified_with } = record;
        let claims = claims.read();
        Self { tenant, user, email, email_verified, groups, claims, scopes: None, verified_with, tokens }
    }

    /// What a session keeps of this identity.
    pub(crate) fn to_record(&self) -> IdentityRecord {
        IdentityRecord {
            user: self.user.clone(),
            email: self.email.clone(),
            email_verified: self.email_verified,
            groups: self.groups.clone(),
            claims: RecordedClaims::new(&self.claims),
            verified_with: self.verified_with,
        }
    }

    /// The tenant whose issuer vouches for it.
    pub fn tenant(&self) -> &TenantName {
        &self.tenant
    }

    /// The user name; never empty.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The e-mail address, if the issuer gave one.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// Whether the issuer says that it verified the e-mail address (OpenID Connect Core section 5.1).
    pub fn email_verified(&self) -> bool {
        self.email_verified
    }

    /// The groups, none of them empty.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The claims that were kept, by their path as configured.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// One of these.
    pub fn claim(&self, path: &ClaimPath) -> Option<&Value> {
        self.claims.get(&*path.as_configured())
    }

    /// Those scopes of a bearer token that the tenant asks for somewhere. `None` for somebody who signed in.
    pub fn scopes(&self) -> Option<&[String]> {
        self.scopes.as_deref()
    }

    /// The tokens that are forwarded. A session has those of its login; a bearer token brings none.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The key that signed the token.
    pub fn verified_with(&self) -> SigningKeyRef {
        self.verified_with
    }

    /// About how much memory its texts take.
    pub(crate) fn size(&self) -> usize {
        // A bearer token, which is what is kept in memory, brings no tokens.
        let Self { tenant: _, user, email, email_verified: _, groups, claims, scopes, verified_with: _, tokens: _ } =
            self;
        let words = [user].into_iter().chain(email).chain(groups).chain(scopes.iter().flatten());
        let claims = claims.iter().map(|(name, value)| text_size(name).saturating_add(value_size(value)));
        words.map(|text| text_size(text)).chain(claims).fold(0, usize::saturating_add)
    }
}

/// The tenant only: the rest is personal data.
impl fmt::Debug for VerifiedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedIdentity").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

fn text_size(text: &str) -> usize {
    text.len().saturating_add(size_of::<String>())
}

fn value_size(value: &Value) -> usize {
    let inside = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(value_size).fold(0, usize::saturating_add),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| text_size(name).saturating_add(value_size(value)))
            .fold(0, usize::saturating_add),
    };
    inside.saturating_add(size_of::<Value>())
}
