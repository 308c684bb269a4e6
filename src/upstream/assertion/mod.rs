//! A signed assertion of the identity: a short-lived JWT in one header, for upstreams that do not trust plain headers.

mod cache;

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::base::encoding::base64url;
use crate::env::{Env, HostFailure};
use crate::identity::VerifiedIdentity;
use crate::jose::SigningKey;
use crate::tenant::Tenant;
use cache::AssertionCache;

/// How assertions are made.
#[derive(Debug)]
pub(crate) struct Assertion {
    settings: AssertionSettings,
    /// What the first key signs with, and under which `kid`.
    jose_header: String,
    /// The JWK Set that verifies them.
    jwks: String,
    cache: AssertionCache,
}

/// What the configuration says about assertions.
#[derive(Debug)]
pub(crate) struct AssertionSettings {
    /// The first one signs, all are published; at least one.
    pub(crate) keys: Vec<PublishedKey>,
    /// `iss`.
    pub(crate) issuer: String,
    /// `aud`; at least one.
    pub(crate) audiences: Vec<String>,
    /// From `iat` to `exp`.
    pub(crate) lifetime: Duration,
    /// The header, in lower case.
    pub(crate) header: String,
    /// Where the JWK Set is served, by equality.
    pub(crate) jwks_path: String,
}

/// A key whose public part is known.
#[derive(Debug)]
pub(crate) struct PublishedKey {
    key: SigningKey,
    jwk: Map<String, Value>,
}

impl PublishedKey {
    /// The key with its public part. `None` for RSA, which the module does not sign with.
    pub(crate) fn new(key: SigningKey) -> Option<Self> {
        Some(Self { jwk: key.public_jwk()?, key })
    }

    /// The Key ID that it is published under.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.jwk.get("kid").and_then(Value::as_str)
    }
}

impl Assertion {
    /// Assertions with these settings, none of them made yet.
    pub(crate) fn new(settings: AssertionSettings) -> Self {
        let jwk = settings.keys.first().map(|published| &published.jwk);
        let member = |name| jwk.and_then(|jwk| jwk.get(name));
        let jose_header = json!({ "alg": member("alg"), "kid": member("kid"), "typ": "JWT" }).to_string();
        let jwks: Vec<&Map<String, Value>> = settings.keys.iter().map(|published| &published.jwk).collect();
        let jwks = json!({ "keys": jwks }).to_string();
        Self { jose_header: base64url(jose_header.as_bytes()), jwks, cache: AssertionCache::default(), settings }
    }

    /// The header that it goes under.
    pub(crate) fn header(&self) -> &str {
        &self.settings.header
    }

    /// Where the keys are published.
    pub(crate) fn jwks_path(&self) -> &str {
        &self.settings.jwks_path
    }

    /// The assertion about `identity`, good for at least half of its lifetime from now on. Who asks again before that gets the same.
    pub(crate) fn for_identity(
        &self,
        tenant: &Tenant,
        identity: &VerifiedIdentity,
        roles: &[&str],
        env: &Env<'_>,
    ) -> Result<String, HostFailure> {
        let now = env.now()?;
        let about = self.claims(tenant, identity, roles);
        let subject = Value::Object(about.clone()).to_string();
        if let Some(known) = self.cache.find(&subject, now) {
            return Ok(known);
        }
        let mut claims = about;
        claims.insert("iat".to_owned(), now.0.into());
        claims.insert("exp".to_owned(), now.plus(self.settings.lifetime).0.into());
        let payload = base64url(Value::Object(claims).to_string().as_bytes());
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

    /// Everything that the assertion says but when.
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
        if let Some(email) = identity.email() {
            claim("email", email.into());
        }
        claims
    }

    /// The JWK Set that verifies the assertions. It says nothing about anybody.
    pub(crate) fn jwks(&self) -> &str {
        &self.jwks
    }
}
