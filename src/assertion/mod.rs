//! A signed assertion of the identity: a short-lived JWT in one header, for upstreams that do not trust plain headers.

mod cache;

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::denial::Denial;
use crate::encode::base64url;
use crate::env::Env;
use crate::identity::VerifiedIdentity;
use crate::keys::SigningKey;
use crate::reply::{Level, LocalReply};
use crate::tenant::Tenant;
use crate::visit::Visit;
use cache::Cache;

/// How assertions are made.
#[derive(Debug)]
pub struct Assertion {
    settings: Settings,
    /// What the first key signs with, and under which `kid`.
    jose_header: String,
    /// The JWK Set that verifies them.
    jwks: String,
    cache: Cache,
}

/// What the configuration says about assertions.
#[derive(Debug)]
pub struct Settings {
    /// The first one signs, all are published; at least one.
    pub keys: Vec<PublishedKey>,
    /// `iss`.
    pub issuer: String,
    /// `aud`; at least one.
    pub audiences: Vec<String>,
    /// From `iat` to `exp`.
    pub lifetime: Duration,
    /// The header, in lower case.
    pub header: String,
    /// Where the JWK Set is served, by equality.
    pub jwks_path: String,
}

/// A key whose public part is known.
#[derive(Debug)]
pub struct PublishedKey {
    key: SigningKey,
    jwk: Map<String, Value>,
}

impl PublishedKey {
    /// The key with its public part. `None` for RSA, which the module does not sign with.
    pub fn new(key: SigningKey) -> Option<Self> {
        Some(Self { jwk: key.public_jwk()?, key })
    }

    /// The Key ID that it is published under.
    pub fn kid(&self) -> Option<&str> {
        self.jwk.get("kid").and_then(Value::as_str)
    }
}

impl Assertion {
    /// Assertions with these settings, none of them made yet.
    pub fn new(settings: Settings) -> Self {
        let jwk = settings.keys.first().map(|published| &published.jwk);
        let member = |name| jwk.and_then(|jwk| jwk.get(name));
        let jose_header = json!({ "alg": member("alg"), "kid": member("kid"), "typ": "JWT" }).to_string();
        let jwks: Vec<&Map<String, Value>> = settings.keys.iter().map(|published| &published.jwk).collect();
        let jwks = json!({ "keys": jwks }).to_string();
        Self { jose_header: base64url(jose_header.as_bytes()), jwks, cache: Cache::default(), settings }
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
    pub(crate) fn about(
        &self,
        tenant: &Tenant,
        identity: &VerifiedIdentity,
        roles: &[&str],
        env: &Env<'_>,
    ) -> Result<String, Denial> {
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
            .ok_or(Denial::HostFailed("it could not sign the assertion"))?;
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

    /// The keys, for whoever wants to verify. There is nothing about anybody in them.
    pub(crate) fn publish(&self, visit: &Visit<'_>) -> LocalReply {
        let is_read = visit.head.only(":method").is_some_and(|method| matches!(method, b"GET" | b"HEAD"));
        let (status, header, body) = if is_read {
            (200, ("cache-control", "public, max-age=300"), self.jwks.clone())
        } else {
            (405, ("allow", "GET, HEAD"), String::new())
        };
        LocalReply {
            status,
            headers: vec![
                (header.0, header.1.to_owned()),
                ("content-type", "application/jwk-set+json".to_owned()),
                ("x-content-type-options", "nosniff".to_owned()),
            ],
            body,
            note: visit.asker().note(Level::Debug, "assertion_keys", "the keys of the assertion were asked for"),
        }
    }
}
