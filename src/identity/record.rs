//! The identity as a session stores it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::claims::{email, email_verified, groups, user};
use super::error::IdentityError;
use crate::base::json;
use crate::jose::SigningKeyRef;
use crate::tenant::{IdentityClaims, Tenant};
use crate::token::{Claims, VerifiedIdToken};

/// An identity in the form that is sealed into a session. It is proof of an identity only after it
/// was opened from a seal.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct IdentityRecord {
    /// The user name; never empty.
    pub(crate) user: String,
    /// The e-mail address, if the issuer sent one.
    pub(crate) email: Option<String>,
    /// Whether the issuer verified the e-mail address (OpenID Connect Core section 5.1).
    pub(crate) email_verified: bool,
    /// The groups; no group is empty.
    pub(crate) groups: Vec<String>,
    /// The claims that the tenant's access rules and identity headers use.
    pub(crate) claims: RecordedClaims,
    /// The key that verified the ID token.
    pub(crate) verified_with: SigningKeyRef,
}

impl IdentityRecord {
    /// Updates what the last ID token omitted with the current UserInfo response, for a refresh
    /// that brought no ID token. Everything else stays.
    ///
    /// # Errors
    /// [`IdentityError`] if a claim has an unexpected type, or the user name or a required group is
    /// absent.
    pub(crate) fn supplement(
        &mut self,
        userinfo: &Claims,
        omitted: &OmittedClaims,
        names: &IdentityClaims,
    ) -> Result<(), IdentityError> {
        if omitted.user {
            self.user = user(userinfo, names)?;
        }
        if omitted.email {
            self.email = email(userinfo, names)?;
            self.email_verified = email_verified(userinfo, names);
        } else if omitted.email_verified {
            let same = self.email == email(userinfo, names)?;
            self.email_verified = same && email_verified(userinfo, names);
        }
        if omitted.groups {
            self.groups = groups(userinfo, names)?;
        }
        let mut claims = self.claims.read();
        for path in &names.retained.claims {
            let name = path.to_string();
            if omitted.claims.contains(&name) {
                match userinfo.find(path) {
                    Some(value) => drop(claims.insert(name, value.clone())),
                    None => drop(claims.remove(&name)),
                }
            }
        }
        self.claims = RecordedClaims::new(&claims);
        Ok(())
    }
}

/// Claims by their configured path, as JSON text. No claims are an empty string.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct RecordedClaims(String);

impl RecordedClaims {
    pub(super) fn new(claims: &Map<String, Value>) -> Self {
        if claims.is_empty() { Self::default() } else { Self(json::write(&Value::Object(claims.clone()))) }
    }

    /// The claims by their configured path.
    pub(crate) fn read(&self) -> Map<String, Value> {
        // The sealed text is JSON. If it were not, the identity would have no claims, and rules
        // that need one would deny.
        json::parse_object(self.0.as_bytes()).unwrap_or_default()
    }
}

/// The claims that the last ID token omitted and the UserInfo response supplies.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct OmittedClaims {
    user: bool,
    email: bool,
    email_verified: bool,
    groups: bool,
    /// Further claims, by their configured path.
    claims: Vec<String>,
}

impl OmittedClaims {
    /// The configured claims that `token` omits. Empty if the tenant does not use the UserInfo
    /// endpoint.
    pub(crate) fn new(token: &VerifiedIdToken, tenant: &Tenant) -> Self {
        if !tenant.login.userinfo {
            return Self::default();
        }
        let (claims, names) = (token.signed().claims(), &tenant.identity);
        let further = names.retained.claims.iter().filter(|path| claims.omits(path));
        Self {
            user: claims.omits(&names.user),
            email: claims.omits(&names.email),
            email_verified: claims.own().get("email_verified").is_none(),
            groups: claims.omits(&names.groups.claim),
            claims: further.map(ToString::to_string).collect(),
        }
    }
}
