//! The longest time that the provider takes for a refresh.

use std::time::Duration;

use crate::tenant::Tenant;

/// The timeout of the token request, that of the UserInfo request if there is one, and a second for
/// the way between them.
pub(super) fn longest_call(tenant: &Tenant) -> Duration {
    let calls = if tenant.login.userinfo { 2 } else { 1 };
    tenant.provider.timeout.saturating_mul(calls).saturating_add(Duration::from_secs(1))
}
