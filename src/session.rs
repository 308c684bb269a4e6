//! Sessions: the verified identity, sealed into one cookie. Nothing of it is kept in the gate.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::cookie::{self, Cookies};
use crate::env::{Env, UnixTime};
use crate::gate::Gate;
use crate::identity::{NoIdentity, VerifiedIdentity};
use crate::keys::Voucher;
use crate::request::RequestHead;
use crate::seal::{Purpose, SealError};
use crate::tenant::Tenant;
use crate::token::VerifiedIdToken;

/// What the session cookie holds. The names are short because a browser keeps 4,096 bytes.
#[derive(Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    #[serde(rename = "u")]
    pub(crate) user: String,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    #[serde(rename = "v", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) email_verified: bool,
    #[serde(rename = "g", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<String>,
    /// Claims that rules and headers of the tenant are about, by their path as configured.
    #[serde(rename = "c", default, skip_serializing_if = "Map::is_empty")]
    pub(crate) claims: Map<String, Value>,
    #[serde(rename = "k")]
    pub(crate) vouched_by: Voucher,
    #[serde(rename = "t")]
    pub(crate) signed_in: u64,
}

/// Why no session could be made of a good login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoSession {
    /// The token does not say who it is.
    Anonymous(NoIdentity),
    /// A browser would not keep the cookie.
    TooLarge,
    /// It could not be sealed.
    Unsealed(SealError),
}

/// Starts a session of whoever signed in and gives its `Set-Cookie` value. It takes an ID token, so that no bearer token becomes a
/// session.
pub(crate) fn start(
    token: &VerifiedIdToken,
    tenant: &Tenant,
    gate: &Gate,
    now: UnixTime,
    env: &mut Env<'_>,
) -> Result<String, NoSession> {
    let identity = VerifiedIdentity::from_id_token(token, &tenant.identity).map_err(NoSession::Anonymous)?;
    let record = SessionRecord {
        user: identity.user().to_owned(),
        email: identity.email().map(str::to_owned),
        email_verified: identity.email_verified(),
        groups: identity.groups().to_vec(),
        claims: identity.claims().clone(),
        vouched_by: identity.vouched_by(),
        signed_in: now.0,
    };
    let sealed = gate.ring().seal(Purpose::Session, tenant, &record, env).map_err(NoSession::Unsealed)?;
    let cookies = Cookies::of(tenant);
    cookies.set(&cookies.session(), &sealed, gate.policy().lifetime).ok_or(NoSession::TooLarge)
}

/// The identity of the session that came with the request, if there is one that is still good under the configuration of
/// this moment: sealed for this tenant, its issuer and its client, not over, vouched for by a key that the tenant still has, and not of an
/// e-mail address that nobody verified where that is the user name.
pub(crate) fn resume(head: &RequestHead, tenant: &Tenant, gate: &Gate, now: UnixTime) -> Option<VerifiedIdentity> {
    let name = Cookies::of(tenant).session();
    // A cookie of the same name can be planted from a sibling host where the tenant has a cookie domain, so more than one is tried.
    cookie::sent(head)
        .filter(|(sent, _)| *sent == name.as_bytes())
        .take(MAX_TRIES)
        .filter_map(|(_, value)| gate.ring().open::<SessionRecord>(Purpose::Session, tenant, value))
        .find(|session| is_good(session.value(), tenant, gate, now))
        .map(VerifiedIdentity::from_session)
}

fn is_good(record: &SessionRecord, tenant: &Tenant, gate: &Gate, now: UnixTime) -> bool {
    let signed_in = UnixTime(record.signed_in);
    let over = now >= signed_in.plus(gate.policy().lifetime);
    // A clock that was put back must not make a session longer.
    let not_yet = signed_in > now.plus(CLOCK_SKEW);
    let named = &tenant.identity;
    let unverified = named.require_email_verified && named.user_is_email() && !record.email_verified;
    !over && !not_yet && !unverified && tenant.keeps_sessions_of(&record.vouched_by)
}

const MAX_TRIES: usize = 4;
/// How far the clocks of two replicas may be apart.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
