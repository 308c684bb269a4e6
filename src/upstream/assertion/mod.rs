//! The signed assertion: a short-lived JWT about the identity, in one header, for upstreams that do
//! not trust plain headers.

mod audience;
mod cache;

use std::time::Duration;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::access::Permitted;
use crate::base::encoding::base64url;
use crate::base::json;
use crate::env::{Env, HostFailure};
use crate::http::host::Host;
use crate::jose::SigningKey;
use cache::AssertionCache;

pub(crate) use audience::Audience;

/// Signs assertions, and serves the keys that verify them.
#[derive(Debug)]
pub(crate) struct Assertion {
    settings: AssertionSettings,
    /// The JOSE header of every assertion, in base64url: algorithm and `kid` of the first key.
    jose_header: String,
    /// The JWK Set that verifies the assertions.
    jwks: String,
    cache: AssertionCache,
}

/// The configuration of assertions.
#[derive(Debug)]
pub(crate) struct AssertionSettings {
    /// The signing keys; at least one. The first signs, and all are published.
    pub(crate) keys: Vec<PublishedKey>,
    /// The claim `iss`.
    pub(crate) issuer: String,
    /// The claim `aud`; at least one value.
    pub(crate) audiences: Vec<Audience>,
    /// The time from `iat` to `exp`, unless the session or the token ends before.
    pub(crate) lifetime: Duration,
    /// The name of the header, in lower case.
    pub(crate) header: String,
    /// The path at which the JWK Set is served; compared for equality.
    pub(crate) jwks_path: String,
}

/// A signing key with its public JWK.
#[derive(Debug)]
pub(crate) struct PublishedKey {
    key: SigningKey,
    jwk: Map<String, Value>,
}

impl PublishedKey {
    /// `None` for an RSA key, with which the module does not sign.
    pub(crate) fn new(key: SigningKey) -> Option<Self> {
        Some(Self { jwk: key.public_jwk()?, key })
    }

    /// The Key ID (`kid`) that it is published with.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.jwk.get("kid").and_then(Value::as_str)
    }
}

impl Assertion {
    /// Assertions with these settings and an empty cache.
    pub(crate) fn new(settings: AssertionSettings) -> Self {
        let jwk = settings.keys.first().map(|published| &published.jwk);
        let member = |name| jwk.and_then(|jwk| jwk.get(name));
        let jose_header = json::write(&json!({ "alg": member("alg"), "kid": member("kid"), "typ": TYP }));
        let jwks: Vec<&Map<String, Value>> = settings.keys.iter().map(|published| &published.jwk).collect();
        let jwks = json::write(&json!({ "keys": jwks }));
        Self { jose_header: base64url(jose_header.as_bytes()), jwks, cache: AssertionCache::default(), settings }
    }

    /// The name of the header that carries the assertion.
    pub(crate) fn header(&self) -> &str {
        &self.settings.header
    }

    /// The path at which the JWK Set is served.
    pub(crate) fn jwks_path(&self) -> &str {
        &self.settings.jwks_path
    }

    /// The assertion about the identity of `permitted`. It is reused for the first half of its
    /// lifetime, so the result is valid for at least the other half, and never longer than the
    /// session or the token that it is about.
    ///
    /// # Errors
    /// [`HostFailure`] if the host has no time or does not sign.
    pub(crate) fn for_identity(&self, permitted: &Permitted<'_>, env: &Env<'_>) -> Result<String, HostFailure> {
        let now = env.now()?;
        let mut claims = self.claims(permitted)?;
        let usual = now.plus(self.settings.lifetime);
        let end = permitted.identity().end().filter(|end| *end < usual);
        // An assertion that ends with its session is not one for a session that ends earlier.
        if let Some(end) = end {
            set(&mut claims, "exp", end.0.into());
        }
        let subject = json::write(&Value::Object(claims.clone()));
        if let Some(known) = self.cache.find(&subject, now) {
            return Ok(known);
        }
        set(&mut claims, "iat", now.0.into());
        set(&mut claims, "exp", end.unwrap_or(usual).0.into());
        // The same claims at the same time are the same assertion, whichever worker signs it.
        let content = json::write(&Value::Object(claims.clone()));
        let digest = Sha256::digest(content.as_bytes());
        set(&mut claims, "jti", base64url(digest.get(..16).unwrap_or_default()).into());
        let payload = base64url(json::write(&Value::Object(claims)).as_bytes());
        let input = format!("{}.{payload}", self.jose_header);
        let signature = self
            .settings
            .keys
            .first()
            .and_then(|published| published.key.sign(input.as_bytes(), env.verifier().host))
            .ok_or(HostFailure("it could not sign the assertion"))?;
        let assertion = format!("{input}.{}", base64url(&signature));
        let half = now.plus(self.settings.lifetime.checked_div(2).unwrap_or_default());
        self.cache.insert(subject, &assertion, now, end.unwrap_or(half));
        Ok(assertion)
    }

    /// The claims of the assertion without `iat`, `exp` and `jti`.
    #[inline(never)]
    fn claims(&self, permitted: &Permitted<'_>) -> Result<Map<String, Value>, HostFailure> {
        let (tenant, identity) = (permitted.tenant(), permitted.identity());
        let mut claims = Map::new();
        let mut claim = |name: &str, value: Value| set(&mut claims, name, value);
        claim("iss", self.settings.issuer.as_str().into());
        claim("aud", self.audience(permitted)?);
        claim("sub", identity.user().into());
        claim("tenant", tenant.name.as_str().into());
        claim("groups", identity.groups().into());
        claim("roles", permitted.roles().iter().copied().collect());
        // The user as the issuer names it (RFC 9493 section 3.2.4), whatever claim the name is of.
        let mut id = Map::new();
        let members = [("format", "iss_sub"), ("iss", tenant.issuer.as_str()), ("sub", identity.subject())];
        members.into_iter().for_each(|(name, value)| set(&mut id, name, value.into()));
        claim("sub_id", Value::Object(id));
        if let Some(email) = identity.forwarded_email(&tenant.identity) {
            claim("email", email.into());
            claim("email_verified", identity.email_verified().into());
        }
        if let Some(scopes) = identity.scopes().filter(|scopes| !scopes.is_empty()) {
            claim("scope", scopes.join(" ").into());
        }
        Ok(claims)
    }

    /// The claim `aud` for the request.
    fn audience(&self, permitted: &Permitted<'_>) -> Result<Value, HostFailure> {
        let audiences = &self.settings.audiences;
        let mut host = String::new();
        if audiences.iter().any(Audience::needs_host) {
            // The tenant was selected by this host, so it is valid.
            let authority = permitted.head().only(":authority").unwrap_or_default();
            host = Host::from_authority(authority).map_err(|_| HostFailure("it changed `:authority`"))?.to_string();
        }
        let value = |audience: &Audience| audience.value(permitted.tenant().name.as_str(), &host).into();
        Ok(match audiences.as_slice() {
            [one] => value(one),
            all => all.iter().map(value).collect::<Vec<Value>>().into(),
        })
    }

    /// The JWK Set that verifies the assertions. It contains no personal data.
    pub(crate) fn jwks(&self) -> &str {
        &self.jwks
    }
}

/// Sets a member. It is not inlined, which keeps the module small.
#[inline(never)]
fn set(object: &mut Map<String, Value>, name: &str, value: Value) {
    drop(object.insert(name.to_owned(), value));
}

/// The type of the token, so that no other JWT passes for an assertion, nor the reverse (RFC 8725
/// section 3.11).
const TYP: &str = "tenantgate-assertion+jwt";
