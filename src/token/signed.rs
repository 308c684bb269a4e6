//! What every token of an issuer has to prove, whatever kind it is.

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

/// What a token is verified against.
#[derive(Clone, Copy)]
pub struct TokenContext<'a> {
    /// The tenant that the token is for: issuer, client, and what it demands of a token.
    pub tenant: &'a Tenant,
    /// The keys that the tenant trusts now.
    pub keys: &'a TrustedKeys<'a>,
    /// JOSE headers that need not be parsed again.
    pub known_headers: &'a KnownHeaders,
    /// The time.
    pub now: UnixTime,
    /// What verifies signatures.
    pub verifier: Verifier<'a>,
}

/// A token that a key of the tenant signed, that its issuer issued, and that is valid now. Which kind of token it is, and whom
/// it is for, is still to be found out; only the kinds beside this file can make one.
#[derive(Debug)]
pub(crate) struct VerifiedToken {
    tenant: TenantName,
    claims: Claims,
    verified_with: SigningKeyRef,
    expires: UnixTime,
    header: Arc<JoseHeader>,
}

/// Kinds of token, as far as they differ in what is said about somebody.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is about somebody (`sub`) and about nothing that happened: an ID token or an access token.
    Identity,
    /// It is about something that happened, perhaps to somebody (Back-Channel Logout 1.0 section 2.4).
    Logout,
}

impl VerifiedToken {
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
            // This claim makes it a logout token.
            Kind::Identity if claims.get("events").is_some() => return Err(TokenError::WrongType),
            Kind::Identity if !has_subject => return Err(TokenError::MissingClaim("sub")),
            Kind::Identity | Kind::Logout => {}
        }
        Ok(Self { tenant: tenant.name.clone(), claims, verified_with, expires, header: untrusted.header })
    }

    /// The algorithm of its signature.
    pub(super) fn algorithm(&self) -> SignatureAlgorithm {
        self.header.algorithm
    }

    /// `typ` in lower case, without `application/`.
    pub(super) fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// The tenant it was verified for.
    pub(crate) fn tenant(&self) -> &TenantName {
        &self.tenant
    }

    /// All claims.
    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Adds claims about the person that are not in the token.
    pub(super) fn supplement(&mut self, userinfo: Claims) {
        self.claims.supplement(userinfo);
    }

    /// The moment from which it is refused.
    pub(crate) fn expires(&self) -> UnixTime {
        self.expires
    }

    /// The key whose signature it bears.
    pub(crate) fn verified_with(&self) -> SigningKeyRef {
        self.verified_with
    }
}

/// The key decides the algorithm; a token can only name one that a key has.
fn verify_signature(token: &UntrustedToken<'_>, context: &TokenContext<'_>) -> Result<SigningKeyRef, TokenError> {
    let JoseHeader { algorithm, ref kid, .. } = *token.header;
    let kid = kid.as_deref();
    let mut candidates = context.keys.candidates(algorithm, kid).take(MAX_TRIES).peekable();
    if candidates.peek().is_none() {
        return Err(TokenError::UnknownKey);
    }
    let verifies = |key: &VerificationKey| key.verify(token.signing_input, &token.signature, context.verifier);
    candidates
        .find(|(key, _)| verifies(key))
        .map(|(_, key_ref)| key_ref)
        .ok_or_else(|| if context.keys.may_be_new(kid) { TokenError::UnknownKey } else { TokenError::Signature })
}

/// `exp` has to be there; `iat` and `nbf` where there is one (RFC 7519 section 4.1). Gives the moment from which it is refused.
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

/// OpenID Connect Core section 2: at most 255 ASCII characters. Whether there is one.
fn verify_subject(claims: &Claims) -> Result<bool, TokenError> {
    let Some(subject) = claims.text("sub")? else { return Ok(false) };
    if subject.is_empty() || subject.len() > 255 || !subject.is_ascii() {
        return Err(TokenError::Claim("sub"));
    }
    Ok(true)
}

/// How far the issuer's clock may be from ours.
pub(super) const LEEWAY: Duration = Duration::from_secs(60);
/// A token without `kid` is tried against this many keys of its algorithm at most.
const MAX_TRIES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::encoding::base64url;
    use crate::jose::{Hash, HostAlgorithms, HostVerifier};
    use crate::testing::{runtime, tenants};

    /// Gives the same verdict on every signature.
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
