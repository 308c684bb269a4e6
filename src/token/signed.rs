//! What every token of an issuer has to prove, whatever kind it is.

use std::sync::Arc;
use std::time::Duration;

use super::claims::Claims;
use super::compact::UntrustedToken;
use super::header::JoseHeader;
use super::rejection::TokenRejection;
use crate::env::UnixTime;
use crate::json;
use crate::keys::{SignatureAlgorithm, Verifier, Voucher};
use crate::tenant::{Tenant, TenantName};

/// A token that a key of the tenant signed, that its issuer issued, and that is valid now. Which kind of token it is, and whom
/// it is for, is still to be found out; only the kinds beside this file can make one.
#[derive(Debug)]
pub(crate) struct Signed {
    tenant: TenantName,
    claims: Claims,
    vouched_by: Voucher,
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

impl Signed {
    pub(super) fn verify(
        kind: Kind,
        token: &str,
        tenant: &Tenant,
        now: UnixTime,
        verifier: Verifier<'_>,
    ) -> Result<Self, TokenRejection> {
        let untrusted = UntrustedToken::parse(token, &tenant.known_headers)?;
        let vouched_by = verify_signature(&untrusted, tenant, now, verifier)?;
        tenant.known_headers.remember(untrusted.header_part, &untrusted.header);
        let claims = Claims::new(json::parse_members(&untrusted.payload).map_err(|_| TokenRejection::Malformed)?);
        match claims.text("iss")?.ok_or(TokenRejection::MissingClaim("iss"))? {
            issuer if issuer == tenant.issuer => {}
            _ => return Err(TokenRejection::WrongClaim("iss")),
        }
        let expires = verify_dates(&claims, now)?;
        let has_subject = verify_subject(&claims)?;
        match kind {
            // This claim makes it a logout token.
            Kind::Identity if claims.get("events").is_some() => return Err(TokenRejection::WrongType),
            Kind::Identity if !has_subject => return Err(TokenRejection::MissingClaim("sub")),
            Kind::Identity | Kind::Logout => {}
        }
        Ok(Self { tenant: tenant.name.clone(), claims, vouched_by, expires, header: untrusted.header })
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
    pub(crate) fn vouched_by(&self) -> Voucher {
        self.vouched_by
    }
}

/// The key decides the algorithm; a token can only name one that a key has.
fn verify_signature(
    token: &UntrustedToken<'_>,
    tenant: &Tenant,
    now: UnixTime,
    verifier: Verifier<'_>,
) -> Result<Voucher, TokenRejection> {
    let JoseHeader { algorithm, ref kid, .. } = *token.header;
    let kid = kid.as_deref();
    let fetched = tenant.provider.fresh(now);
    let configured = tenant.keys.candidates(algorithm, kid).map(|key| (key, Voucher::Configured(key.thumbprint())));
    let fetched = fetched.iter().flat_map(|fetched| fetched.keys.candidates(algorithm, kid));
    let fetched = fetched.map(|key| (key, Voucher::Fetched(key.thumbprint())));
    let mut candidates = configured.chain(fetched).take(MAX_TRIES).peekable();
    if candidates.peek().is_none() {
        return Err(TokenRejection::UnknownKey);
    }
    candidates
        .find(|(key, _)| key.verify(token.signing_input, &token.signature, verifier))
        .map(|(_, voucher)| voucher)
        .ok_or_else(|| {
            // Where keys are fetched, a `kid` that none of them has may be that of a new one.
            let is_named = kid.is_some_and(|kid| tenant.names_key(kid, now));
            if tenant.provider.source.is_some() && !is_named {
                TokenRejection::UnknownKey
            } else {
                TokenRejection::Signature
            }
        })
}

/// `exp` has to be there; `iat` and `nbf` where there is one (RFC 7519 section 4.1). Gives the moment from which it is refused.
fn verify_dates(claims: &Claims, now: UnixTime) -> Result<UnixTime, TokenRejection> {
    let expires = claims.date("exp")?.ok_or(TokenRejection::MissingClaim("exp"))?.plus(LEEWAY);
    if expires <= now {
        return Err(TokenRejection::Expired);
    }
    for name in ["iat", "nbf"] {
        if claims.date(name)?.is_some_and(|start| start > now.plus(LEEWAY)) {
            return Err(TokenRejection::NotYetValid(name));
        }
    }
    Ok(expires)
}

/// OpenID Connect Core section 2: at most 255 ASCII characters. Whether there is one.
fn verify_subject(claims: &Claims) -> Result<bool, TokenRejection> {
    let Some(subject) = claims.text("sub")? else { return Ok(false) };
    if subject.is_empty() || subject.len() > 255 || !subject.is_ascii() {
        return Err(TokenRejection::Claim("sub"));
    }
    Ok(true)
}

/// How far the issuer's clock may be from ours.
pub(super) const LEEWAY: Duration = Duration::from_secs(60);
/// A token without `kid` is tried against this many keys of its algorithm at most.
const MAX_TRIES: usize = 8;
