//! A sign-out while the issuer does not answer.

use serde_json::json;

use crate::support::envoy_harness::EnvoyHarness;
use crate::support::harness::Harness as _;
use crate::support::issuer::Refresh;
use crate::support::world::World;

/// The browser has its answer, and its connection is closed, before the issuer gets the revocation
/// of the refresh token.
#[test]
fn no_browser_waits_for_the_revocation() {
    let mut world = World::<EnvoyHarness>::with(|configuration| {
        let acme = &mut configuration["tenants"][0];
        acme["refresh"] = json!({});
        acme["provider"]["revocation_endpoint"] = json!("https://login.acme.example/revoke");
        // The test holds the revocation back for as long as it looks.
        acme["provider"]["timeout"] = json!("30s");
    });
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let mut browser = world.signed_in();
    let (gate, token) = world.issuer("acme", |issuer| (issuer.gate.clone(), issuer.live_refresh_tokens()));
    gate.close();
    let reply = world.open(&mut browser, "https://acme.example/oauth2/logout").reply();
    assert_eq!((reply.status, browser.cookies.len()), (302, 0));
    gate.wait_for_arrival();
    assert!(world.issuer("acme", |issuer| issuer.revocation.1.is_empty()));
    gate.open();
    world.eventually(|world| world.issuer("acme", |issuer| !issuer.revocation.1.is_empty()));
    assert_eq!(world.issuer("acme", |issuer| issuer.revocation.1.clone()), token);
    world.eventually(|world| world.harness.log().contains("token_revoked"));
}
