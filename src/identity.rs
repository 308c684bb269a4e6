//! Who is asking, as the tenant's issuer vouched for it.

use std::fmt;

use serde_json::Value;

use crate::keys::Voucher;
use crate::seal::Opened;
use crate::secret::Secret;
use crate::session::{Kept, SessionRecord};
use crate::tenant::{IdentityClaims, TenantName};
use crate::token::{Claims, Signed, VerifiedAccessToken, VerifiedIdToken};

/// An identity that was verified for one tenant. There are three ways to one: a [`VerifiedIdToken`], a session that this gate sealed
/// after it had one, and a [`VerifiedAccessToken`].
#[derive(Clone)]
pub struct VerifiedIdentity {
    tenant: TenantName,
    user: String,
    email: Option<String>,
    groups: Vec<String>,
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
    /// [`NoIdentity`] if the user claim is absent or a claim has another type than expected.
    pub fn from_id_token(token: &VerifiedIdToken, names: &IdentityClaims) -> Result<Self, NoIdentity> {
        Self::read(token.signed(), names)
    }

    /// The identity of an API client.
    ///
    /// # Errors
    /// As [`from_id_token`](Self::from_id_token).
    pub fn from_access_token(token: &VerifiedAccessToken, names: &IdentityClaims) -> Result<Self, NoIdentity> {
        Self::read(token.signed(), names)
    }

    /// Reads the identity out of the claims that the tenant names.
    fn read(token: &Signed, names: &IdentityClaims) -> Result<Self, NoIdentity> {
        let claims = token.claims();
        Ok(Self {
            tenant: token.tenant().clone(),
            user: user(claims, names)?,
            email: email(claims, names)?,
            groups: groups(claims, names)?,
            vouched_by: token.vouched_by(),
            tokens: Tokens::default(),
        })
    }

    /// The identity that a session was made of.
    pub(crate) fn from_session(session: Opened<SessionRecord>) -> Self {
        let (tenant, record) = session.into_parts();
        let SessionRecord { user, email, groups, vouched_by, kept, .. } = record;
        let Kept { access_token, id_token, grant: _ } = kept;
        let tokens = Tokens { access_token: access_token.map(Secret::new), id_token: id_token.map(Secret::new) };
        Self { tenant, user, email, groups, vouched_by, tokens }
    }

    /// The tenant whose issuer vouches for it.
    pub fn tenant(&self) -> &TenantName {
        &self.tenant
    }

    /// The user name; never empty.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The e-mail address, if the issuer gave one. Whether the issuer verified it is not known here.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// The groups, none of them empty.
    pub fn groups(&self) -> &[String] {
        &self.groups
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
        let email = self.email.as_ref().map_or(0, String::len);
        self.groups
            .iter()
            .map(|group| group.len().saturating_add(size_of::<String>()))
            .fold(self.user.len().saturating_add(email), usize::saturating_add)
    }
}

/// The tenant only: the rest is personal data.
impl fmt::Debug for VerifiedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedIdentity").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// Why a good token gives no identity. The names are those of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoIdentity {
    /// The claim for the user is absent or empty.
    Missing(String),
    /// A claim has another type than expected.
    WrongType(String),
}

impl fmt::Display for NoIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(claim) => write!(f, "claim `{claim}`, which names the user, is missing or empty"),
            Self::WrongType(claim) => write!(f, "claim `{claim}` is not text, or not a list of texts"),
        }
    }
}

impl std::error::Error for NoIdentity {}

/// The user name, which has to be there.
pub(crate) fn user(claims: &Claims, names: &IdentityClaims) -> Result<String, NoIdentity> {
    text(claims, &names.user)?.ok_or_else(|| NoIdentity::Missing(names.user.clone()))
}

/// The e-mail address, if there is one.
pub(crate) fn email(claims: &Claims, names: &IdentityClaims) -> Result<Option<String>, NoIdentity> {
    text(claims, &names.email)
}

/// A claim that is a string. Absent, `null` and empty are the same: some issuers send an attribute that the directory lacks
/// as one of them.
fn text(claims: &Claims, name: &str) -> Result<Option<String>, NoIdentity> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok((!text.is_empty()).then(|| text.clone())),
        Some(_) => Err(NoIdentity::WrongType(name.to_owned())),
    }
}

/// The groups: a claim that is an array of strings, or one string for a single group.
pub(crate) fn groups(claims: &Claims, names: &IdentityClaims) -> Result<Vec<String>, NoIdentity> {
    let name = names.groups.as_str();
    let Some(Value::Array(values)) = claims.get(name) else { return Ok(text(claims, name)?.into_iter().collect()) };
    let texts = values.iter().map(|value| value.as_str().ok_or_else(|| NoIdentity::WrongType(name.to_owned())));
    Ok(texts.collect::<Result<Vec<_>, _>>()?.into_iter().filter(|text| !text.is_empty()).map(str::to_owned).collect())
}
