//! How long a refresh may take.

use std::time::Duration;

use crate::tenant::Tenant;

/// The longest time without a store: the timeout of the token request, that of the UserInfo request
/// if there is one, and a second for the way between them.
pub(super) fn longest_call(tenant: &Tenant) -> Duration {
    let calls = if tenant.login.userinfo { 2 } else { 1 };
    tenant.provider.timeout.saturating_mul(calls).saturating_add(Duration::from_secs(1))
}

/// The longest time with a store, where the claim comes first.
pub(super) fn longest_refresh(tenant: &Tenant) -> Duration {
    longest_call(tenant).saturating_add(LONGEST_CLAIM)
}

/// The time of a claim for which requests wait: that of calls that no member of etcd answers.
const LONGEST_CLAIM: Duration = Duration::from_secs(7);
