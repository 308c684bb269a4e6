//! The JWT that authenticates the client (`private_key_jwt`: OpenID Connect Core section 9, RFC
//! 7523 section 3).

use std::time::Duration;

use serde_json::json;

use super::discovery::Provider;
use super::error::TokenRequestError;
use crate::base::encoding::base64url;
use crate::base::json;
use crate::base::secret::Secret;
use crate::env::{Env, HostFailure};
use crate::jose::SigningKey;
use crate::tenant::AssertionAudience;

/// Makes a client assertion for one request. It expires after 60 seconds.
///
/// # Errors
/// [`TokenRequestError`] if the host has no time, randomness or signature, or the token endpoint is
/// needed as the audience and is not known.
pub(super) fn client_assertion(
    provider: &Provider,
    key: &SigningKey,
    audience: AssertionAudience,
    env: &mut Env<'_>,
) -> Result<Secret<String>, TokenRequestError> {
    let tenant = provider.tenant();
    let now = env.now().map_err(HostFailure::from)?;
    let mut header = json!({ "alg": key.algorithm().name(), "typ": "JWT" });
    if let (Some(kid), Some(members)) = (key.kid(), header.as_object_mut()) {
        members.insert("kid".to_owned(), kid.into());
    }
    let claims = json!({
        "iss": tenant.client.id,
        "sub": tenant.client.id,
        "aud": match audience {
            AssertionAudience::Issuer => tenant.issuer.clone(),
            AssertionAudience::TokenEndpoint => provider.token_endpoint()?.into(),
        },
        "jti": base64url(&env.random::<16>().map_err(HostFailure::from)?),
        "iat": now.0,
        "exp": now.plus(LIFETIME).0,
    });
    let input = [header, claims].map(|part| base64url(json::write(&part).as_bytes())).join(".");
    let signature = key
        .sign(input.as_bytes(), env.verifier().host)
        .ok_or(HostFailure("it could not sign the client assertion; a key on P-256 or for Ed25519 needs no host"))?;
    Ok(Secret::new(format!("{input}.{}", base64url(&signature))))
}

const LIFETIME: Duration = Duration::from_secs(60);
