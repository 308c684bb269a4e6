//! The checks that every kind of token has to pass: signature, issuer, dates and subject.

use std::sync::Arc;
use std::time::Duration;

use super::claims::Claims;
use crate::base::json;
use crate::base::time::UnixTime;
use crate::jose::{
    JoseHeader, KnownHeaders, SignatureAlgorithm, SigningKeyRef, TokenError, TrustedKeys, UntrustedToken,
    VerificationKey, Verifier,
};
use crate::tenant::{Tenant, TenantName};

/// The tenant, keys and time that a token is verified with.
#[derive(Clone, Copy)]
pub struct TokenContext<'a> {
    /// The tenant that the token is for, with its issuer, its client and its requirements for
    /// tokens.
    pub tenant: &'a Tenant,
    /// The keys that the tenant trusts now.
    pub keys: &'a TrustedKeys<'a>,
    /// The parsed JOSE headers of tokens that were verified before.
    pub known_headers: &'a KnownHeaders,
    /// The current time.
    pub now: UnixTime,
    /// The verifier of signatures.
    pub verifier: Verifier<'a>,
}

/// A token that is signed with a key of the tenant, issued by its issuer, and valid at this moment.
/// The type of the token and its audience are not verified yet. The modules of the token types do
/// that, and only they can make one.
#[derive(Debug)]
pub(crate) struct VerifiedToken {
    tenant: TenantName,
    claims: Claims,
    verified_with: SigningKeyRef,
    expires: UnixTime,
    header: Arc<JoseHeader>,
}

/// The kinds of token, which differ in the claims `sub` and `events`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An ID token or an access token: it has `sub` and no `events`.
    Identity,
    /// A logout token: `sub` is optional (Back-Channel Logout 1.0 section 2.4).
    Logout,
}

impl VerifiedToken {
    /// Verifies what all tokens have in common.
    pub(super) fn verify(kind: Kind, token: &str, context: &TokenContext<'_>) -> Result<Self, TokenError> {
        let TokenContext { tenant, known_headers, now, .. } = *context;
        let untrusted = UntrustedToken::parse(token, known_headers)?;
        let verified_with = verify_signature(&untrusted, context)?;
        known_headers.remember(untrusted.header_part, &untrusted.header);
        let claims = Claims::new(json::parse_members(&untrusted.payload).map_err(|_| TokenError::Malformed)?);
        match claims.text("iss")?.ok_or(TokenError::MissingClaim("iss"))? {
            issuer if issuer == tenant.issuer => {}
            _ => return Err(TokenError::WrongClaim("iss")),
        }
        let expires = verify_dates(&claims, now)?;
        let has_subject = verify_subject(&claims)?;
        match kind {
            // A token with this claim is a logout token.
            Kind::Identity if claims.get("events").is_some() => return Err(TokenError::WrongType),
            Kind::Identity if !has_subject => return Err(TokenError::MissingClaim("sub")),
            Kind::Identity | Kind::Logout => {}
        }
        Ok(Self { tenant: tenant.name.clone(), claims, verified_with, expires, header: untrusted.header })
    }

    /// The algorithm of the signature.
    pub(super) fn algorithm(&self) -> SignatureAlgorithm {
        self.header.algorithm
    }

    /// The `typ` header parameter in lower case, without `application/`.
    pub(super) fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// The tenant that the token was verified for.
    pub(crate) fn tenant(&self) -> &TenantName {
        &self.tenant
    }

    /// All claims.
    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Adds claims about the user that are not in the token.
    pub(super) fn supplement(&mut self, userinfo: Claims) {
        self.claims.supplement(userinfo);
    }

    /// The time from which the token is refused: `exp` and [`LEEWAY`].
    pub(crate) fn expires(&self) -> UnixTime {
        self.expires
    }

    /// The key that verified the signature.
    pub(crate) fn verified_with(&self) -> SigningKeyRef {
        self.verified_with
    }
}

/// Verifies the signature with the keys that have the algorithm of the token, and returns the key
/// that fits. The key determines the algorithm: a token that names another one fits no key.
fn verify_signature(token: &UntrustedToken<'_>, context: &TokenContext<'_>) -> Result<SigningKeyRef, TokenError> {
    let JoseHeader { algorithm, ref kid, .. } = *token.header;
    let kid = kid.as_deref();
    let mut candidates = context.keys.candidates(algorithm, kid).take(MAX_TRIES).peekable();
    if candidates.peek().is_none() {
        let is_known = kid.is_some_and(|kid| context.keys.names(kid));
        return Err(if is_known { TokenError::OtherAlgorithm } else { TokenError::UnknownKey });
    }
    let verifies = |key: &VerificationKey| key.verify(token.signing_input, &token.signature, context.verifier);
    candidates
        .find(|(key, _)| verifies(key))
        .map(|(_, key_ref)| key_ref)
        .ok_or_else(|| if context.keys.may_be_new(kid) { TokenError::UnknownKey } else { TokenError::Signature })
}

/// Verifies `exp`, which is required, and `iat` and `nbf` if they are present (RFC 7519 section
/// 4.1). Returns the time from which the token is refused.
fn verify_dates(claims: &Claims, now: UnixTime) -> Result<UnixTime, TokenError> {
    let expires = claims.date("exp")?.ok_or(TokenError::MissingClaim("exp"))?.plus(LEEWAY);
    if expires <= now {
        return Err(TokenError::Expired);
    }
    for name in ["iat", "nbf"] {
        if claims.date(name)?.is_some_and(|start| start > now.plus(LEEWAY)) {
            return Err(TokenError::NotYetValid(name));
        }
    }
    Ok(expires)
}

/// Verifies that `sub` has at most 255 ASCII characters (OpenID Connect Core section 2). Returns
/// whether it is present.
fn verify_subject(claims: &Claims) -> Result<bool, TokenError> {
    let Some(subject) = claims.optional_text("sub")? else { return Ok(false) };
    if subject.is_empty() || subject.len() > 255 || !subject.is_ascii() {
        return Err(TokenError::Claim("sub"));
    }
    Ok(true)
}

/// The accepted difference between the issuer's clock and the proxy's.
pub(super) const LEEWAY: Duration = Duration::from_secs(60);
/// The most keys that are tried for one token.
const MAX_TRIES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::encoding::base64url;
    use crate::jose::{Hash, HostAlgorithms, HostVerifier};
    use crate::testing::{runtime, tenants};

    /// A verifier that gives the same result for every signature.
    struct Says(bool);

    impl HostVerifier for Says {
        fn verify_signature(&self, _: Hash, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
            Some(self.0)
        }
    }

    #[test]
    fn only_headers_of_verified_tokens_are_remembered() {
        let runtime = runtime(&["k"]);
        let [tenant, _] = tenants(&runtime);
        let keys = TrustedKeys::new(&tenant.keys, None, false);
        let known_headers = KnownHeaders::default();
        let header = base64url(br#"{"alg":"ES256"}"#);
        let token = format!("{header}.{}.{}", base64url(br#"{"iss":"x"}"#), base64url(&[1; 64]));
        for (good, error) in [(false, TokenError::Signature), (true, TokenError::WrongClaim("iss"))] {
            let verifier = Verifier { host: &Says(good), trusted: HostAlgorithms::ASSUMED };
            let (keys, known_headers, now) = (&keys, &known_headers, UnixTime(0));
            let context = TokenContext { tenant, keys, known_headers, now, verifier };
            assert_eq!(VerifiedToken::verify(Kind::Identity, &token, &context).err(), Some(error));
            assert_eq!(known_headers.find(&header).is_some(), good);
        }
    }
}
