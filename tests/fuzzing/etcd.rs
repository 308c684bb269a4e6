//! What etcd answers.

use std::net::SocketAddr;

use serde_json::json;

use super::{PAGE, refused, signer};
use crate::support::core_harness::CoreHarness;
use crate::support::etcd::EtcdAccess;
use crate::support::harness::{Harness as _, Outcome};
use crate::support::issuer::{Answer, Issuer};
use crate::support::world::{NAVIGATION, World, ada};

/// Whatever etcd answers, it makes no tenant, since the operator has signed nothing, and no
/// session. The first byte is the status of the answer: 200 if it is even.
pub(super) fn etcd_answer(bytes: &[u8]) {
    let (first, rest) = bytes.split_first().map_or((0, &b""[..]), |(first, rest)| (*first, rest));
    let status = if first % 2 == 0 { 200 } else { 400 };
    let reach = |issuer: &mut Issuer| {
        issuer.signer = signer();
        let mut etcd = EtcdAccess::new(SocketAddr::from(([127, 0, 0, 1], 1)));
        etcd.answer = Answer::Raw(status, rest.to_vec());
        issuer.etcd = Some(etcd);
    };
    let mut world = World::<CoreHarness>::with_issuer(reach, |configuration| {
        let jwk = signer().jwk();
        configuration["store"] = json!({ "etcd": { "cluster": "acme", "prefix": "/t/" } });
        configuration["tenants_from"] =
            json!({ "etcd": { "cluster": "acme", "prefix": "/d/", "interval": "1s" }, "keys": [{ "jwk": jwk }] });
    });
    let mut browser = world.browser();
    let reply = refused(world.send(&mut browser, "https://initech.example/page", &NAVIGATION));
    assert!(matches!(reply.status, 404 | 503), "{reply:?}");
    refused(world.open(&mut browser, PAGE));
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", PAGE, &ada());
    world.harness.advance();
    if let outcome @ Outcome::Replied(_) = world.open(&mut browser, PAGE) {
        refused(outcome);
    }
}
