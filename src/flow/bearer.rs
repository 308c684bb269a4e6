//! Authentication with a bearer token in the `Authorization` header (RFC 6750 section 2.1).

use std::sync::Arc;

use crate::env::{Env, HostFailure};
use crate::error::BearerError;
use crate::http::authorization::bearer_token;
use crate::identity::VerifiedIdentity;
use crate::jose::{TokenError, TrustedKeys};
use crate::oauth::discovery::catch_up_newer;
use crate::runtime::RequestContext;
use crate::token::{AccessTokenError, TokenDetail, VerifiedAccessToken};

/// The identity of the bearer token of the request.
///
/// # Errors
/// [`BearerError`] if the tenant accepts no bearer tokens or the token is not accepted.
pub(crate) fn identity(context: &RequestContext, env: &Env<'_>) -> Result<Arc<VerifiedIdentity>, BearerError> {
    let RequestContext { head, runtime, served, .. } = context;
    let tenant = context.tenant();
    let Some(bearer) = &tenant.bearer else { return Err(BearerError::NotAccepted) };
    let bytes = bearer_token(head).ok_or(BearerError::Malformed)?;
    let now = env.now().map_err(HostFailure::from)?;
    let keys = served.provider.trusted_keys(now);
    let is_trusted = |identity: &VerifiedIdentity| keys.contains(&identity.verified_with());
    if let Some(identity) = runtime.bearer_cache().find((&tenant.name, served.settings), bytes, now, is_trusted) {
        return Ok(identity);
    }
    let text = std::str::from_utf8(bytes).ok().filter(|token| !token.is_empty()).ok_or(BearerError::Malformed)?;
    let verify = |keys: &TrustedKeys<'_>| {
        VerifiedAccessToken::verify(text, bearer, &served.bearer_context(keys, now, env.verifier()))
    };
    let mut verified = verify(&keys);
    let unknown_key = AccessTokenError::Refused(TokenError::UnknownKey);
    if verified.as_ref().is_err_and(|error| *error == unknown_key) && catch_up_newer(&served.provider, env) {
        verified = verify(&served.provider.trusted_keys(now));
    }
    let token = verified.map_err(|error| {
        let error = match error {
            AccessTokenError::Refused(error) if error != TokenError::Busy => {
                let context = served.bearer_context(&keys, now, env.verifier());
                BearerError::Invalid(error, TokenDetail::new(error, text, &bearer.audiences, &context))
            }
            error @ (AccessTokenError::Refused(_) | AccessTokenError::Insufficient(_)) => error.into(),
        };
        if matches!(error, BearerError::Invalid(TokenError::UnknownKey, _)) {
            // Anyone can send such a token, so the request does not wait for the keys. A client
            // that retries finds them.
            served.provider.request_refresh();
        }
        // A value with a space has more than one token. Valid tokens have no space, so this is
        // checked only after the verification failed.
        let is_malformed = matches!(error, BearerError::Invalid(TokenError::Malformed, _));
        let is_two_words = is_malformed && text.contains(' ');
        if is_two_words { BearerError::Malformed } else { error }
    })?;
    let identity = Arc::new(VerifiedIdentity::from_access_token(&token, &tenant.identity)?);
    runtime.bearer_cache().insert(bytes, (&identity, served.settings), token.signed().expires(), now);
    Ok(identity)
}
