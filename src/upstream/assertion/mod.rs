//! The signed assertion: a short-lived JWT about the identity, in one header, for upstreams that do
//! not trust plain headers.

mod cache;

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::base::encoding::base64url;
use crate::base::json;
use crate::env::{Env, HostFailure};
use crate::identity::VerifiedIdentity;
use crate::jose::SigningKey;
use crate::tenant::Tenant;
use cache::AssertionCache;

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
    pub(crate) audiences: Vec<String>,
    /// The time from `iat` to `exp`.
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
        let jose_header = json::write(&json!({ "alg": member("alg"), "kid": member("kid"), "typ": "JWT" }));
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

    /// The assertion about `identity`. An assertion is reused for the first half of its lifetime,
    /// so the result is valid for at least the other half.
    ///
    /// # Errors
    /// [`HostFailure`] if the host has no time or does not sign.
    pub(crate) fn for_identity(
        &self,
        tenant: &Tenant,
        identity: &VerifiedIdentity,
        roles: &[&str],
        env: &Env<'_>,
    ) -> Result<String, HostFailure> {
        let now = env.now()?;
        let about = self.claims(tenant, identity, roles);
        let subject = json::write(&Value::Object(about.clone()));
        if let Some(known) = self.cache.find(&subject, now) {
            return Ok(known);
        }
        let mut claims = about;
        claims.insert("iat".to_owned(), now.0.into());
        claims.insert("exp".to_owned(), now.plus(self.settings.lifetime).0.into());
        let payload = base64url(json::write(&Value::Object(claims)).as_bytes());
        let input = format!("{}.{payload}", self.jose_header);
        let signature = self
            .settings
            .keys
            .first()
            .and_then(|published| published.key.sign(input.as_bytes(), env.verifier().host))
            .ok_or(HostFailure("it could not sign the assertion"))?;
        let assertion = format!("{input}.{}", base64url(&signature));
        let fresh_until = now.plus(self.settings.lifetime.checked_div(2).unwrap_or_default());
        self.cache.insert(subject, &assertion, now, fresh_until);
        Ok(assertion)
    }

    /// The claims of the assertion without `iat` and `exp`.
    fn claims(&self, tenant: &Tenant, identity: &VerifiedIdentity, roles: &[&str]) -> Map<String, Value> {
        let audiences = &self.settings.audiences;
        let mut claims = Map::new();
        let mut claim = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        claim("iss", self.settings.issuer.as_str().into());
        claim("aud", if let [one] = audiences.as_slice() { one.as_str().into() } else { audiences.as_slice().into() });
        claim("sub", identity.user().into());
        claim("tenant", tenant.name.as_str().into());
        claim("groups", identity.groups().into());
        claim("roles", roles.iter().copied().collect());
        if let Some(email) = identity.forwarded_email(&tenant.identity) {
            claim("email", email.into());
        }
        claims
    }

    /// The JWK Set that verifies the assertions. It contains no personal data.
    pub(crate) fn jwks(&self) -> &str {
        &self.jwks
    }
}
