//! The verified identity behind a request.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use super::claims::{email, email_verified, groups, user};
use super::error::IdentityError;
use super::record::{IdentityRecord, RecordedClaims};
use super::verified_cache::Verified;
use crate::base::secret::Secret;
use crate::base::time::UnixTime;
use crate::http::header_edit::HeaderEdit;
use crate::jose::SigningKeyRef;
use crate::seal::Opened;
use crate::tenant::{ClaimPath, IdentityClaims, TenantName};
use crate::token::{VerifiedAccessToken, VerifiedIdToken, VerifiedToken};

/// An identity that was verified for one tenant. It comes from a [`VerifiedIdToken`], from a
/// session that Tenantgate sealed after verifying an ID token, or from a [`VerifiedAccessToken`].
#[derive(Clone)]
pub struct VerifiedIdentity {
    tenant: TenantName,
    user: String,
    /// The subject at the issuer (`sub`).
    subject: String,
    email: Option<String>,
    email_verified: bool,
    groups: Vec<String>,
    claims: Map<String, Value>,
    /// The scopes of a bearer token. A signed-in user has none.
    scopes: Option<Vec<String>>,
    verified_with: SigningKeyRef,
    tokens: Tokens,
    /// When the session or the token ends.
    end: Option<UnixTime>,
    /// The headers in which the upstream receives it.
    headers: OnceLock<Arc<[HeaderEdit]>>,
}

/// The tokens that the issuer issued, as far as the tenant forwards them to its upstream.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// The access token. Its audience is the resource that it was issued for.
    pub access_token: Option<Secret<String>>,
    /// The ID token.
    pub id_token: Option<Secret<String>>,
}

impl VerifiedIdentity {
    /// The identity of a user who signed in.
    ///
    /// # Errors
    /// [`IdentityError`] if the user name or a required group is absent, a claim has an unexpected
    /// type, the issuer omitted the groups, or the user name is an e-mail address that has to be
    /// verified and is not.
    pub fn from_id_token(token: &VerifiedIdToken, names: &IdentityClaims) -> Result<Self, IdentityError> {
        Self::read(token.signed(), names, None)
    }

    /// The identity of an API client.
    ///
    /// # Errors
    /// The same as for [`from_id_token`](Self::from_id_token).
    pub fn from_access_token(token: &VerifiedAccessToken, names: &IdentityClaims) -> Result<Self, IdentityError> {
        let needed = |scope: &&String| names.retained.every_scope || names.retained.scopes.contains(scope);
        let scopes = token.scopes().iter().filter(needed).cloned().collect();
        Ok(Self::read(token.signed(), names, Some(scopes))?.ending_at(token.signed().expires()))
    }

    /// Reads the identity from the claims that the tenant configures.
    fn read(token: &VerifiedToken, names: &IdentityClaims, scopes: Option<Vec<String>>) -> Result<Self, IdentityError> {
        let claims = token.claims();
        let user = user(claims, names)?;
        let email_verified = email_verified(claims, names);
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
            subject: token.subject().to_owned(),
            email: email(claims, names)?,
            email_verified,
            groups: groups(claims, names)?,
            claims: kept,
            scopes,
            verified_with: token.verified_with(),
            tokens: Tokens::default(),
            end: None,
            headers: OnceLock::new(),
        })
    }

    /// The identity of an opened session, with the tokens that the upstream receives.
    pub(crate) fn from_sealed<T>(sealed: Opened<T>) -> Self
    where
        (IdentityRecord, String, Tokens): From<T>,
    {
        let (tenant, value) = sealed.into_parts();
        let (record, subject, tokens): (IdentityRecord, String, Tokens) = value.into();
        let IdentityRecord { user, email, email_verified, groups, claims, verified_with } = record;
        let claims = claims.read();
        let (scopes, end, headers) = (None, None, OnceLock::new());
        Self {
            tenant,
            user,
            subject,
            email,
            email_verified,
            groups,
            claims,
            scopes,
            verified_with,
            tokens,
            end,
            headers,
        }
    }

    /// The identity of a session or a token that ends at `end`.
    pub(crate) fn ending_at(self, end: UnixTime) -> Self {
        Self { end: Some(end), ..self }
    }

    /// The identity in the form that a session stores.
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

    /// The tenant that the identity was verified for.
    pub fn tenant(&self) -> &TenantName {
        &self.tenant
    }

    /// The user name; never empty.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The subject at the issuer (`sub`).
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When the session or the token that the identity comes from ends, if that is known.
    pub fn end(&self) -> Option<UnixTime> {
        self.end
    }

    /// The e-mail address, if the issuer sent one.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// Whether the issuer verified the e-mail address (OpenID Connect Core section 5.1).
    pub fn email_verified(&self) -> bool {
        self.email_verified
    }

    /// The e-mail address, if the tenant relies on it: the issuer verified it (OpenID Connect Core
    /// section 5.1), or need not.
    pub fn reliable_email(&self, names: &IdentityClaims) -> Option<&str> {
        self.email().filter(|_| self.email_verified || !names.require_email_verified)
    }

    /// The e-mail address, if others may receive it as that of the user.
    pub fn forwarded_email(&self, names: &IdentityClaims) -> Option<&str> {
        if names.forward_unverified_email { self.email() } else { self.reliable_email(names) }
    }

    /// The groups; no group is empty.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The claims that the tenant's configuration uses, by their configured path.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The claim with this path, if the identity has it.
    pub fn claim(&self, path: &ClaimPath) -> Option<&Value> {
        self.claims.get(&*path.as_configured())
    }

    /// The scopes of a bearer token, as far as the tenant's configuration names them. `None` for a
    /// user who signed in.
    pub fn scopes(&self) -> Option<&[String]> {
        self.scopes.as_deref()
    }

    /// The tokens that are forwarded. A session has those of its login; a bearer token has none.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The headers in which the upstream receives the identity. `make` makes them once: an identity
    /// is used under the settings of its tenant under which it was verified or opened.
    pub(crate) fn headers(&self, make: impl FnOnce() -> Vec<HeaderEdit>) -> Arc<[HeaderEdit]> {
        self.headers.get_or_init(|| make().into()).clone()
    }

    /// The key that verified the token.
    pub fn verified_with(&self) -> SigningKeyRef {
        self.verified_with
    }
}

impl Verified for VerifiedIdentity {
    fn tenant(&self) -> &TenantName {
        &self.tenant
    }

    fn size(&self) -> usize {
        let Self { user, subject, email, groups, claims, scopes, tokens, .. } = self;
        let tokens = [&tokens.access_token, &tokens.id_token].into_iter().flatten().map(Secret::expose_secret);
        let words = [user, subject].into_iter().chain(email).chain(groups).chain(scopes.iter().flatten()).chain(tokens);
        let claims = claims.iter().map(|(name, value)| text_size(name).saturating_add(value_size(value)));
        // Most of it is there a second time, as headers.
        words.map(|text| text_size(text)).chain(claims).fold(0, usize::saturating_add).saturating_mul(2)
    }
}

/// Shows the tenant only: the rest is personal data.
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
