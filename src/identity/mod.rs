//! Who is asking, as the tenant's issuer vouched for it.

mod claim_path;
mod distinguished_name;
mod groups;
mod no_identity;

use std::fmt;

use serde_json::{Map, Value};

use crate::keys::Voucher;
use crate::seal::Opened;
use crate::secret::Secret;
use crate::session::{Kept, SessionRecord};
use crate::tenant::TenantName;
use crate::token::{Claims, Signed, VerifiedAccessToken, VerifiedIdToken};

pub use claim_path::ClaimPath;
pub use groups::GroupClaim;
pub use no_identity::NoIdentity;

/// Which claims make the identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityClaims {
    /// The user name; a login without it is refused.
    pub user: ClaimPath,
    /// The e-mail address; optional in the token.
    pub email: ClaimPath,
    /// Whether `email_verified` has to be true where somebody is known by the e-mail address.
    pub require_email_verified: bool,
    /// The groups.
    pub groups: GroupClaim,
    /// What else an identity keeps, because something of the tenant's configuration needs it.
    pub further: Further,
}

/// Claims and scopes that an identity keeps beside user, e-mail address and groups. A session has room for little more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Further {
    /// Claims, found again by their path as configured.
    pub claims: Vec<ClaimPath>,
    /// Scopes of API clients.
    pub scopes: Vec<String>,
}

impl Further {
    /// These claims, too.
    #[must_use]
    pub fn and<'a>(mut self, claims: impl IntoIterator<Item = &'a ClaimPath>) -> Self {
        for claim in claims {
            if !self.claims.contains(claim) {
                self.claims.push(claim.clone());
            }
        }
        self
    }
}

impl IdentityClaims {
    /// Whether the user name is the e-mail address, and so only as good as that.
    pub fn user_is_email(&self) -> bool {
        let is_standard = match &self.user {
            ClaimPath::Text(name) => name == "email",
            ClaimPath::Names(names) => names == &["email"],
        };
        is_standard || self.user == self.email
    }
}

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
    vouched_by: Voucher,
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
    /// [`NoIdentity`] if the user claim is absent, a claim has another type than expected, or what is there is not enough.
    pub fn from_id_token(token: &VerifiedIdToken, names: &IdentityClaims) -> Result<Self, NoIdentity> {
        Self::read(token.signed(), names, None)
    }

    /// The identity of an API client.
    ///
    /// # Errors
    /// As [`from_id_token`](Self::from_id_token).
    pub fn from_access_token(token: &VerifiedAccessToken, names: &IdentityClaims) -> Result<Self, NoIdentity> {
        let needed = |scope: &&String| names.further.scopes.contains(scope);
        let scopes = token.scopes().iter().filter(needed).cloned().collect();
        Self::read(token.signed(), names, Some(scopes))
    }

    /// Reads the identity out of the claims that the tenant names.
    fn read(token: &Signed, names: &IdentityClaims, scopes: Option<Vec<String>>) -> Result<Self, NoIdentity> {
        let claims = token.claims();
        let user = user(claims, names)?;
        let email_verified = claims.email_verified();
        if names.require_email_verified && names.user_is_email() && !email_verified {
            return Err(NoIdentity::EmailUnverified);
        }
        let mut kept = Map::new();
        for path in &names.further.claims {
            if let Some(value) = path.find(claims) {
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
            vouched_by: token.vouched_by(),
            tokens: Tokens::default(),
        })
    }

    /// The identity that a session was made of.
    pub(crate) fn from_session(session: Opened<SessionRecord>) -> Self {
        let (tenant, record) = session.into_parts();
        let SessionRecord { user, email, email_verified, groups, claims, vouched_by, kept, .. } = record;
        let Kept { access_token, id_token, grant: _ } = kept;
        let tokens = Tokens { access_token: access_token.map(Secret::new), id_token: id_token.map(Secret::new) };
        let claims = claims.read();
        Self { tenant, user, email, email_verified, groups, claims, scopes: None, vouched_by, tokens }
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
    pub fn vouched_by(&self) -> Voucher {
        self.vouched_by
    }

    /// About how much memory its texts take.
    pub(crate) fn size(&self) -> usize {
        // A bearer token, which is what is kept in memory, brings no tokens.
        let Self { tenant: _, user, email, email_verified: _, groups, claims, scopes, vouched_by: _, tokens: _ } = self;
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

/// The user name, which has to be there.
pub(crate) fn user(claims: &Claims, names: &IdentityClaims) -> Result<String, NoIdentity> {
    text(claims, &names.user)?.ok_or_else(|| NoIdentity::Missing(names.user.clone()))
}

/// The e-mail address, if there is one.
pub(crate) fn email(claims: &Claims, names: &IdentityClaims) -> Result<Option<String>, NoIdentity> {
    text(claims, &names.email)
}

/// The groups, none of them empty.
pub(crate) fn groups(claims: &Claims, names: &IdentityClaims) -> Result<Vec<String>, NoIdentity> {
    names.groups.read(claims)
}

/// A claim that is a string. Absent, `null` and empty are the same: some issuers send an attribute that the directory lacks
/// as one of them.
fn text(claims: &Claims, path: &ClaimPath) -> Result<Option<String>, NoIdentity> {
    match path.find(claims) {
        None => Ok(None),
        Some(Value::String(text)) => Ok((!text.is_empty()).then(|| text.clone())),
        Some(_) => Err(NoIdentity::WrongType(path.clone())),
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
