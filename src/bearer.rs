//! API clients: a bearer token instead of a session (RFC 6750 section 2.1).

use std::sync::Arc;

use crate::denial::Denial;
use crate::env::Env;
use crate::identity::VerifiedIdentity;
use crate::request::RequestHead;
use crate::token::{AccessTokenRejection, TokenRejection, VerifiedAccessToken};
use crate::visit::Visit;

/// Whether the client brought a bearer token, good or bad. If so, its session is not looked at: which of the two identities
/// it means cannot be known.
pub(crate) fn is_sent(head: &RequestHead) -> bool {
    head.all("authorization").any(scheme_is_bearer)
}

/// The identity that the token proves.
pub(crate) fn identity(visit: &Visit<'_>, env: &Env<'_>) -> Result<Arc<VerifiedIdentity>, Denial> {
    let Visit { head, gate, tenant, .. } = visit;
    let Some(bearer) = &tenant.bearer else { return Err(Denial::TokenNotTaken) };
    let bytes = head.only("authorization").and_then(credentials).ok_or(Denial::TokenUnreadable)?;
    let now = env.now()?;
    if let Some(identity) = gate.tokens().find(tenant, bytes, now) {
        return Ok(identity);
    }
    let text = token(bytes).ok_or(Denial::TokenUnreadable)?;
    let verified = VerifiedAccessToken::verify(text, tenant, bearer, now, env.verifier());
    let token = verified.map_err(|rejection| match rejection {
        AccessTokenRejection::Insufficient(shortfall) => Denial::TokenInsufficient(shortfall),
        // Two words are no token at all. A good one has none, so it is not looked for before.
        AccessTokenRejection::Refused(TokenRejection::Malformed) if text.contains(' ') => Denial::TokenUnreadable,
        AccessTokenRejection::Refused(rejection) => {
            if rejection == TokenRejection::UnknownKey {
                // Anybody can send such a token, so nobody waits for the keys; a client that tries again finds them.
                tenant.provider.want_keys();
            }
            Denial::TokenRefused(rejection)
        }
    })?;
    let identity = VerifiedIdentity::from_access_token(&token, &tenant.identity).map_err(Denial::TokenAnonymous)?;
    let identity = Arc::new(identity);
    gate.tokens().insert(bytes, &identity, token.signed().expires(), now);
    Ok(identity)
}

/// Schemes have no case (RFC 9110 section 11.1).
fn scheme_is_bearer(value: &[u8]) -> bool {
    value
        .split_at_checked(SCHEME.len())
        .is_some_and(|(scheme, rest)| scheme.eq_ignore_ascii_case(SCHEME) && rest.first().is_none_or(|&b| b == b' '))
}

/// What is after the scheme, without the spaces around it.
fn credentials(value: &[u8]) -> Option<&[u8]> {
    let (_, mut credentials) = value.split_at_checked(SCHEME.len())?;
    while let Some(shorter) = credentials.strip_prefix(b" ").or_else(|| credentials.strip_suffix(b" ")) {
        credentials = shorter;
    }
    Some(credentials)
}

fn token(credentials: &[u8]) -> Option<&str> {
    std::str::from_utf8(credentials).ok().filter(|token| !token.is_empty())
}

const SCHEME: &[u8] = b"Bearer";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_is_a_word_of_its_own_in_any_case() {
        for value in [&b"Bearer x"[..], b"bearer x", b"BEARER", b"Bearer  x "] {
            assert!(scheme_is_bearer(value), "{value:?}");
        }
        for value in [&b"Basic x"[..], b"Bear", b"Bearerx y", b"", b"\xff\xff\xff\xff\xff\xff x"] {
            assert!(!scheme_is_bearer(value), "{value:?}");
        }
    }

    #[test]
    fn there_is_a_token() {
        assert_eq!(credentials(b"Bearer  a.b.c ").and_then(token), Some("a.b.c"));
        for value in [&b"Bearer"[..], b"Bearer ", b"Bearer \xff"] {
            assert_eq!(credentials(value).and_then(token), None, "{value:?}");
        }
    }
}
