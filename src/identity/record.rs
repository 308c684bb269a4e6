//! What a session keeps of an identity.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::claims::{email, groups, user};
use super::error::IdentityError;
use crate::base::json;
use crate::jose::SigningKeyRef;
use crate::tenant::{IdentityClaims, Tenant};
use crate::token::{Claims, VerifiedIdToken};

/// An identity in the form that is sealed into a session. It proves nothing before it is sealed and opened again.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct IdentityRecord {
    pub(crate) user: String,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    pub(crate) groups: Vec<String>,
    /// The claims that rules and headers of the tenant need.
    pub(crate) claims: RecordedClaims,
    /// The key that verified the ID token.
    pub(crate) verified_with: SigningKeyRef,
}

impl IdentityRecord {
    /// Takes what the UserInfo endpoint says now of what the last ID token left out, where no later one came. The rest stays.
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
            self.email_verified = userinfo.email_verified();
        } else if omitted.email_verified {
            let same = self.email.is_some() && self.email == email(userinfo, names)?;
            self.email_verified = same && userinfo.email_verified();
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

/// Claims by their path as configured, as JSON text; none are an empty text.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct RecordedClaims(String);

impl RecordedClaims {
    pub(super) fn new(claims: &Map<String, Value>) -> Self {
        if claims.is_empty() { Self::default() } else { Self(Value::Object(claims.clone()).to_string()) }
    }

    /// The claims.
    pub(crate) fn read(&self) -> Map<String, Value> {
        // What was sealed is JSON. If it were not, whoever lacks a claim is let in nowhere.
        json::parse_object(self.0.as_bytes()).unwrap_or_default()
    }
}

/// What the last ID token left to the UserInfo endpoint to say.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct OmittedClaims {
    user: bool,
    email: bool,
    email_verified: bool,
    groups: bool,
    /// Further claims, by their path as configured.
    claims: Vec<String>,
}

impl OmittedClaims {
    /// What `token` left out of the claims that the tenant names; nothing where the endpoint is not asked.
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
