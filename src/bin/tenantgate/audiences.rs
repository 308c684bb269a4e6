//! Warnings about tenants that accept the bearer tokens of each other.

use tenantgate::tenant::{Bearer, Tenant};

/// The warnings about all pairs of tenants.
pub(crate) fn shared_audiences(tenants: &[&Tenant]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (number, first) in tenants.iter().enumerate() {
        for second in tenants.iter().skip(number.saturating_add(1)).filter(|second| second.issuer == first.issuer) {
            let (Some(a), Some(b)) = (&first.bearer, &second.bearer) else { continue };
            if let Some(audience) = a.audiences.iter().find(|audience| b.audiences.contains(audience))
                && !are_told_apart(a, b)
            {
                warnings.push(format!(
                    "tenant \"{}\" and tenant \"{}\": bearer.audiences: both accept every token of {} for \"{audience}\"; \
                     give each tenant an audience of its own, or name the claim that tells them apart in `bearer.claims`",
                    first.name, second.name, first.issuer
                ));
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
