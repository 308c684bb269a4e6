//! Who is asking, as the tenant's issuer vouched for it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::keys::Voucher;
use crate::seal::Opened;
use crate::session::SessionRecord;
use crate::tenant::{IdentityClaims, TenantName};
use crate::token::{Claims, Signed, VerifiedAccessToken, VerifiedIdToken};

/// An identity that was verified for one tenant. There are three ways to one: a [`VerifiedIdToken`], a session that this gate sealed
/// after it had one, and a [`VerifiedAccessToken`].
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedIdentity {
    tenant: TenantName,
    user: String,
    email: Option<String>,
    groups: Vec<String>,
    claims: BTreeMap<String, Value>,
    vouched_by: Voucher,
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
        let user = text(claims, &names.user)?.ok_or_else(|| NoIdentity::Missing(names.user.clone()))?;
        let kept = names.kept.iter().filter_map(|name| Some((name.clone(), claims.get(name)?.clone())));
        Ok(Self {
            tenant: token.tenant().clone(),
            user,
            email: text(claims, &names.email)?,
            groups: groups(claims, &names.groups)?,
            claims: kept.filter(|(_, value)| !value.is_null()).collect(),
            vouched_by: token.vouched_by(),
        })
    }

    /// The identity that a session was made of.
    pub(crate) fn from_session(session: Opened<SessionRecord>) -> Self {
        let (tenant, record) = session.into_parts();
        let SessionRecord { user, email, groups, claims, vouched_by, signed_in: _ } = record;
        Self { tenant, user, email, groups, claims, vouched_by }
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

    /// The claims that were kept, by their name as configured.
    pub fn claims(&self) -> &BTreeMap<String, Value> {
        &self.claims
    }

    /// The key that signed the token.
    pub fn vouched_by(&self) -> Voucher {
        self.vouched_by
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

/// A claim that is a string. Absent, `null` and empty are the same: some issuers send an attribute that the directory lacks
/// as one of them.
fn text(claims: &Claims, name: &str) -> Result<Option<String>, NoIdentity> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok((!text.is_empty()).then(|| text.clone())),
        Some(_) => Err(NoIdentity::WrongType(name.to_owned())),
    }
}

/// A claim that is an array of strings, or one string for a single group.
fn groups(claims: &Claims, name: &str) -> Result<Vec<String>, NoIdentity> {
    let Some(Value::Array(values)) = claims.get(name) else { return Ok(text(claims, name)?.into_iter().collect()) };
    let texts = values.iter().map(|value| value.as_str().ok_or_else(|| NoIdentity::WrongType(name.to_owned())));
    Ok(texts.collect::<Result<Vec<_>, _>>()?.into_iter().filter(|text| !text.is_empty()).map(str::to_owned).collect())
}
