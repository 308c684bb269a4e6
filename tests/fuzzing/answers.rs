//! What an issuer answers: documents, tokens, and claims.

use serde_json::{Value, json};

use super::{PAGE, halves, refused, world};
use crate::support::core_harness::CoreHarness;
use crate::support::issuer::Answer;
use crate::support::world::{World, ada};

/// A world where acme publishes what Tenantgate has to know.
fn discovering() -> World<CoreHarness> {
    world(|configuration| {
        let tenant = &mut configuration["tenants"][0];
        tenant.as_object_mut().unwrap().remove("keys");
        let provider = tenant["provider"].as_object_mut().unwrap();
        provider.retain(|name, _| !name.ends_with("_endpoint"));
        provider.insert("discovery".to_owned(), json!(true));
    })
}

/// Whatever the issuer publishes as its metadata, nothing is forwarded, and a browser is sent to
/// nothing but `https`.
pub(super) fn discovery(bytes: &[u8]) {
    let mut world = discovering();
    world.issuer("acme", |issuer| match serde_json::from_slice(bytes) {
        Ok(value @ Value::Object(_)) => {
            let Value::Object(members) = value else { return };
            issuer.metadata.as_object_mut().unwrap().extend(members);
        }
        Ok(_) | Err(_) => issuer.document_answer = Answer::Raw(200, bytes.to_vec()),
    });
    let mut browser = world.browser();
    let reply = refused(world.open(&mut browser, PAGE));
    assert!(reply.header("location").is_none_or(|address| address.starts_with("https://")), "{reply:?}");
}

/// Whatever keys the issuer publishes, a login that it signs with a key that it does not publish
/// gives no session.
pub(super) fn jwks(bytes: &[u8]) {
    let mut world = discovering();
    let own = world.issuer("acme", |issuer| issuer.signer.jwk());
    let keys: Vec<Value> = serde_json::from_slice(bytes).unwrap_or_default();
    if keys.iter().any(|key| key["x"] == own["x"]) {
        return;
    }
    world.issuer("acme", |issuer| issuer.published = keys);
    let mut browser = world.browser();
    let address = refused(world.open(&mut browser, PAGE)).header("location").map(str::to_owned);
    let Some(address) = address else { return };
    let callback = world.issuer("acme", |issuer| issuer.authorize(&address, &ada()));
    refused(world.open(&mut browser, &callback));
    assert!(!browser.has_session());
}

/// No answer of the token endpoint or of the UserInfo endpoint that the issuer did not sign, and no
/// claims of another subject, give a session. The first line is the token response, the second that
/// of the UserInfo endpoint, where `-` leaves the good one.
pub(super) fn token_response(bytes: &[u8]) {
    let (tokens, userinfo) = halves(bytes);
    let mut world = world(|configuration| {
        let tenant = &mut configuration["tenants"][0];
        tenant["provider"]["userinfo_endpoint"] = json!("https://login.acme.example/userinfo");
    });
    world.issuer("acme", |issuer| {
        if tokens != b"-" {
            issuer.answer = Answer::Raw(200, tokens.to_vec());
        }
        issuer.userinfo.0 = Answer::Raw(200, userinfo.to_vec());
    });
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", PAGE, &ada());
    refused(world.open(&mut browser, &callback));
    if browser.has_session() {
        let seen = world.open(&mut browser, PAGE).forwarded();
        super::assert_identity(&seen, &json!("ada"), "acme");
        assert_eq!(tokens, b"-");
    }
}
