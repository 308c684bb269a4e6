//! The checks that every kind of token has to pass: signature, issuer, dates and subject.

use std::sync::Arc;
use std::time::Duration;

use super::claims::Claims;
use super::verification_budget::VerificationBudget;
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
    /// The limit for signatures that the host does not verify. `None` for a token that the issuer
    /// itself has sent, of which a client cannot cause many.
    pub(crate) budget: Option<&'a VerificationBudget>,
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

    /// Verifies step 7 of OpenID Connect Core 3.1.3.7: an ID token has an algorithm that its issuer
    /// uses for ID tokens, not just any that one of the published keys has.
    pub(super) fn verify_id_token_algorithm(&self, context: &TokenContext<'_>) -> Result<(), TokenError> {
        let is_used = context.keys.sign_id_tokens(self.algorithm(), &self.verified_with);
        if is_used { Ok(()) } else { Err(TokenError::OtherIdTokenAlgorithm) }
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

    /// The `sub` claim, which every token about an identity has.
    pub(crate) fn subject(&self) -> &str {
        self.claims.text("sub").ok().flatten().unwrap_or_default()
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
    let mut is_known = false;
    for (key, key_ref) in context.keys.candidates(algorithm, kid) {
        is_known = true;
        if verifies(key, token, context)? {
            return Ok(key_ref);
        }
    }
    Err(match is_known {
        true if context.keys.may_be_new(kid) => TokenError::UnknownKey,
        true => TokenError::Signature,
        false if kid.is_some_and(|kid| context.keys.names(kid)) => TokenError::OtherAlgorithm,
        false => TokenError::UnknownKey,
    })
}

/// Whether `key` verifies the signature: by the host, or else by the filter itself, if the budget
/// allows it.
fn verifies(key: &VerificationKey, token: &UntrustedToken<'_>, context: &TokenContext<'_>) -> Result<bool, TokenError> {
    let UntrustedToken { signing_input, signature, .. } = token;
    if let Some(verdict) = key.verify_by_host(signing_input, signature, context.verifier) {
        return Ok(verdict);
    }
    if context.budget.is_some_and(|budget| !budget.take(key.cost(), context.now)) {
        return Err(TokenError::Busy);
    }
    Ok(key.verify_by_module(signing_input, signature))
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
pub const LEEWAY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde_json::{Value, json};

    use super::*;
    use crate::base::encoding::base64url;
    use crate::jose::{Hash, HostAlgorithms, HostVerifier, KeySet, read_jwks};
    use crate::testing::{claims, runtime, tenants};

    /// A verifier that gives the same result for every signature.
    struct Says(bool);

    impl HostVerifier for Says {
        fn verify_signature(&self, _: Hash, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
            Some(self.0)
        }
    }

    /// A host that counts what it is asked, and accepts nothing.
    #[derive(Default)]
    struct Counts(Cell<usize>);

    impl HostVerifier for Counts {
        fn verify_signature(&self, _: Hash, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
            self.0.set(self.0.get().saturating_add(1));
            Some(false)
        }
    }

    #[test]
    fn the_limits_of_dates_and_subject() {
        let dates = |name: &str, at: u64| verify_dates(&claims(json!({ "exp": 2000, (name): at })), UnixTime(1000));
        for name in ["iat", "nbf"] {
            assert_eq!(dates(name, 1060), Ok(UnixTime(2060)));
            assert_eq!(dates(name, 1061), Err(TokenError::NotYetValid(name)));
        }
        assert_eq!(dates("exp", 941), Ok(UnixTime(1001)));
        assert_eq!(dates("exp", 940), Err(TokenError::Expired));
        let subject = |length: usize| verify_subject(&claims(json!({ "sub": "a".repeat(length) })));
        assert_eq!([subject(1), subject(255)], [Ok(true), Ok(true)]);
        assert_eq!([subject(0), subject(256)], [Err(TokenError::Claim("sub")), Err(TokenError::Claim("sub"))]);
    }

    /// The published key with this number, whose modulus is no product of two primes.
    fn jwk(number: u8, kid: Option<&str>) -> Value {
        let mut modulus = [0xc0; 256];
        modulus[1] = number;
        modulus[255] = 1;
        json!({ "kty": "RSA", "alg": "RS256", "n": base64url(&modulus), "e": "AQAB", "kid": kid })
    }

    /// How many signatures are verified for a token with this `kid` if these keys are published,
    /// and why it is refused.
    fn tries(published: &[Value], kid: Option<&str>) -> (usize, TokenError) {
        let runtime = runtime(&["k"]);
        let [tenant, _] = tenants(&runtime);
        let configured = KeySet::default();
        let published = KeySet::beside(&configured, read_jwks(published));
        let keys = TrustedKeys::new(&configured, Some(Arc::new(published)), true);
        let (host, known_headers) = (Counts::default(), KnownHeaders::default());
        let verifier = Verifier { host: &host, trusted: HostAlgorithms::ASSUMED };
        let context = TokenContext {
            tenant,
            keys: &keys,
            known_headers: &known_headers,
            now: UnixTime(0),
            verifier,
            budget: None,
        };
        let header = json!({ "alg": "RS256", "kid": kid }).to_string().replace(r#","kid":null"#, "");
        let token = format!("{}.{}.{}", base64url(header.as_bytes()), base64url(b"{}"), base64url(&[1; 256]));
        let error = VerifiedToken::verify(Kind::Identity, &token, &context).err().unwrap();
        (host.0.get(), error)
    }

    /// What anyone can make a worker do: the number of verifications for one token.
    #[test]
    fn a_token_is_tried_with_one_key_or_two() {
        let kids = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let named: Vec<Value> = (1..).zip(kids).map(|(number, kid)| jwk(number, Some(kid))).collect();
        assert_eq!(tries(&named, Some("i")), (1, TokenError::Signature));
        assert_eq!(tries(&named, Some("z")), (0, TokenError::UnknownKey));
        assert_eq!(tries(&named, None), (2, TokenError::UnknownKey));
        let unnamed: Vec<Value> = (1..=9).map(|number| jwk(number, None)).collect();
        assert_eq!(tries(&unnamed, Some("i")), (2, TokenError::UnknownKey));
        assert_eq!(tries(&unnamed, None), (2, TokenError::UnknownKey));
        // Two keys with one name: the first one has it.
        assert_eq!(tries(&[jwk(1, Some("a")), jwk(2, Some("a"))], Some("a")), (1, TokenError::Signature));
        // The name counts before the keys without one.
        assert_eq!(tries(&[jwk(1, None), jwk(2, Some("a"))], Some("a")), (1, TokenError::Signature));
        let other = json!({ "kty": "RSA", "alg": "RS512", "n": jwk(3, None)["n"], "e": "AQAB", "kid": "a" });
        assert_eq!(tries(&[other], Some("a")), (0, TokenError::OtherAlgorithm));
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
            let context = TokenContext { tenant, keys, known_headers, now, verifier, budget: None };
            assert_eq!(VerifiedToken::verify(Kind::Identity, &token, &context).err(), Some(error));
            assert_eq!(known_headers.find(&header).is_some(), good);
        }
    }
}
