//! Warnings about tenants that accept the bearer tokens of each other.

use tenantgate::tenant::Bearer;

use super::{Found, Indexed};
use crate::codes;

/// The warnings about all pairs of tenants, each at the second of them.
pub(super) fn lint(tenants: &[Indexed<'_>]) -> Vec<Found> {
    let mut warnings = Vec::new();
    for (number, first) in tenants.iter().enumerate() {
        for other in tenants.iter().skip(number.saturating_add(1)) {
            let (first, second) = (first.tenant, other.tenant);
            if first.issuer != second.issuer {
                continue;
            }
            let (Some(a), Some(b)) = (&first.bearer, &second.bearer) else { continue };
            if let Some(audience) = a.audiences.iter().find(|audience| b.audiences.contains(audience))
                && !are_told_apart(a, b)
            {
                let message = format!(
                    "accepts every token of {} for \"{audience}\", and so does tenant \"{}\"; give each tenant an \
                     audience of its own, or name the claim that tells them apart in `bearer.claims`",
                    first.issuer, first.name
                );
                warnings.push(other.warning(codes::SHARED_AUDIENCE, "bearer.audiences", &message));
            }
        }
    }
    warnings
}

/// Whether no token can have what both require.
fn are_told_apart(a: &Bearer, b: &Bearer) -> bool {
    a.claims.iter().any(|claim| {
        let mut same = b.claims.iter().filter(|other| other.name == claim.name);
        same.any(|other| !other.values.iter().any(|value| claim.values.contains(value)))
    })
}
