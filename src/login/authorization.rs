//! The authorization request (OpenID Connect Core section 3.1.2.1).

use sha2::{Digest, Sha256};

use super::attempt::Attempt;
use crate::encode::base64url;
use crate::provider::Undiscovered;
use crate::tenant::Tenant;

/// The URL that the browser is sent to. Everything in it comes from the configuration or was drawn for this attempt; the
/// request that started the login adds nothing.
pub(super) fn url(tenant: &Tenant, attempt: &Attempt, redirect_uri: &str) -> Result<String, Undiscovered> {
    let mut url = tenant.provider.authorization_endpoint()?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &tenant.client.id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", &tenant.login.scopes.join(" "))
        .append_pair("state", &attempt.state())
        .append_pair("nonce", attempt.nonce().expose_secret())
        .append_pair("code_challenge", &code_challenge(attempt.verifier().expose_secret()))
        .append_pair("code_challenge_method", "S256");
    Ok(url.into())
}

/// RFC 7636 section 4.2.
fn code_challenge(verifier: &str) -> String {
    base64url(&Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_challenge_of_rfc_7636_appendix_b() {
        assert_eq!(
            code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
