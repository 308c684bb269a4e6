//! One request through the filter of this crate, with a provider that answers in its place.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Map, Value, json};
use tenantgate::base::secret::Secret;
use tenantgate::http::call::CallResponse;
use tenantgate::runtime::Runtime;
use tenantgate::tenant::Tenant;

use crate::browser::{Browser, Outcome, Request};
use crate::machine::now;

/// The filter with a provider that signs with a key of its own.
pub(crate) struct Simulation {
    browser: Browser,
    key: SigningKey,
}

/// A configuration in which `tenant` trusts the key of a simulation, and fetches nothing.
pub(crate) fn simulated(configuration: &Value, tenant: usize, issuer: &str) -> (Value, SigningKey) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().to_bytes());
    let mut configuration = configuration.clone();
    let tenants = configuration.get_mut("tenants").and_then(Value::as_array_mut);
    if let Some(tenant) = tenants.and_then(|tenants| tenants.get_mut(tenant)).and_then(Value::as_object_mut) {
        tenant.insert("keys".to_owned(), json!([{ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": x } }]));
        tenant.remove("id_token_signed_response_alg");
        // The claims that a UserInfo endpoint would add are in the ID token here.
        without(tenant.get_mut("login"), &["userinfo", "max_age"]);
        let provider = tenant.get_mut("provider");
        let removed = ["discovery", "jwks_uri", "jwks_interval", "jwks_max_age", "trusted_origins"];
        if let Some(provider) = without(provider, &removed) {
            for (name, path) in [("authorization_endpoint", "authorize"), ("token_endpoint", "token")] {
                let endpoint = format!("{}/{path}", issuer.trim_end_matches('/'));
                provider.entry(name).or_insert_with(|| endpoint.into());
            }
        }
    }
    (configuration, key)
}

fn without<'v>(section: Option<&'v mut Value>, names: &[&str]) -> Option<&'v mut Map<String, Value>> {
    let section = section.and_then(Value::as_object_mut)?;
    names.iter().for_each(|name| drop(section.remove(*name)));
    Some(section)
}

impl Simulation {
    pub(crate) fn new(runtime: Arc<Runtime>, key: SigningKey) -> Self {
        Self { browser: Browser::new(runtime), key }
    }

    /// Sends a request, with the cookies that were set before.
    pub(crate) fn send(&mut self, request: &Request) -> Outcome {
        self.browser.send(request)
    }

    /// Signs in with an ID token of these claims. The error is what happens instead.
    pub(crate) fn sign_in(
        &mut self,
        tenant: &Tenant,
        host: &str,
        claims: &Map<String, Value>,
    ) -> Result<(), Box<Outcome>> {
        let begun = self.browser.begin_login(tenant, host)?;
        let token = self.id_token(tenant, claims, &begun.parameter("nonce"));
        let outcome = self.browser.exchange(&begun.response(tenant, "code"), &mut |_| {
            let body =
                json!({ "access_token": "access", "token_type": "Bearer", "expires_in": 3600, "id_token": token });
            Ok(CallResponse { status: 200, body: Secret::new(body.to_string().into_bytes()) })
        });
        let is_signed_in = matches!(&outcome, Outcome::Replied(reply) if reply.status == 302);
        if is_signed_in { Ok(()) } else { Err(Box::new(outcome)) }
    }

    fn id_token(&self, tenant: &Tenant, claims: &Map<String, Value>, nonce: &str) -> String {
        let now = now().0;
        let mut all = Map::new();
        for (name, value) in [
            ("iss", json!(tenant.issuer)),
            ("aud", json!(tenant.client.id)),
            ("iat", json!(now)),
            ("auth_time", json!(now)),
            ("exp", json!(now.saturating_add(3600))),
            ("nonce", json!(nonce)),
        ] {
            all.insert(name.to_owned(), value);
        }
        all.extend(claims.iter().map(|(name, value)| (name.clone(), value.clone())));
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&json!({ "alg": "EdDSA" })), encode(&Value::Object(all)));
        let signature = self.key.sign(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}
