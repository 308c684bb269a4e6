//! VMs of one process. The first one that loads a configuration leaves a note, so that the others
//! check nothing. All of them compile a tenant when it is needed.

mod lookups;

use std::time::Duration;

use serde_json::{Value, json};
use tenantgate::env::shared::SharedData as _;

use super::scenarios::keys::discover;
use super::support::harness::Harness as _;
use super::support::module_harness::ModuleHarness;
use super::support::signer::Signer;
use super::support::world::{World, ada};

const PAGE: &str = "https://acme.example/page";

/// A VM beside the one of this world, with the same configuration.
fn beside(world: &mut World<ModuleHarness>, configure: impl Fn(&mut Value)) -> ModuleHarness {
    let mut configuration = world.configuration();
    configure(&mut configuration);
    let shared = world.harness.host.state().shared.clone();
    ModuleHarness::beside(&configuration, world.issuers.clone(), shared)
}

/// A tenant is compiled after its session has ended in another VM.
#[test]
fn a_session_that_has_ended_stays_ended() {
    let mut world = World::<ModuleHarness>::new();
    let mut browser = world.signed_in();
    let mut copy = browser.clone();
    let before = beside(&mut world, |_| {});
    world.open(&mut browser, "https://acme.example/oauth2/logout").reply();
    let after = beside(&mut world, |_| {});
    for vm in [before, after] {
        world.harness = vm;
        assert_eq!(world.open(&mut copy.clone(), PAGE).reply().status, 302);
    }
    // Another session of the same tenant is as good as before.
    let mut other = world.signed_in();
    world.open(&mut other, PAGE).forwarded();
    assert_eq!(world.open(&mut copy, PAGE).reply().status, 302);
}

/// A session ends in another VM after its tenant was compiled, before the next tick.
#[test]
fn a_session_ends_everywhere() {
    let mut world = World::<ModuleHarness>::new();
    let mut browser = world.signed_in();
    let mut copy = browser.clone();
    let mut other = beside(&mut world, |_| {});
    std::mem::swap(&mut world.harness, &mut other);
    world.open(&mut copy, PAGE).forwarded();
    std::mem::swap(&mut world.harness, &mut other);
    world.open(&mut browser, "https://acme.example/oauth2/logout").reply();
    world.harness = other;
    world.harness.tick();
    assert_eq!(world.open(&mut copy, PAGE).reply().status, 302);
}

/// Keys are fetched before the first request, whatever the number of tenants.
#[test]
fn tenants_that_fetch_are_compiled_in_ticks() {
    const TENANTS: usize = 70;
    let configure = |configuration: &mut Value| {
        let mut one = configuration["tenants"][0].clone();
        discover(&mut one, |_| {});
        let tenants = configuration["tenants"].as_array_mut().unwrap();
        for number in 0..TENANTS {
            one["name"] = json!(format!("t{number}"));
            one["hosts"] = json!([format!("t{number}.example")]);
            tenants.push(one.clone());
        }
    };
    let mut world = World::<ModuleHarness>::with_issuer(|issuer| issuer.rotate(Signer::es256(), "one"), configure);
    let mut other = beside(&mut world, configure);
    // 32 when the configuration is loaded, and as many in each tick.
    for _ in 0..2 {
        assert!(other.host.refreshes(), "the next tick does not come early");
        other.tick();
    }
    assert!(!other.host.refreshes(), "the ticks stay early");
    world.clock.advance(Duration::from_secs(1));
    other.tick();
    // Metadata and keys.
    assert_eq!(world.issuer("acme", |issuer| issuer.documents), 2 * TENANTS);
}

/// A mistake that only the whole configuration shows breaks its tenant in every VM.
#[test]
fn a_tenant_with_a_mistake_is_broken_everywhere() {
    let configure = |configuration: &mut Value| {
        configuration["tenants"][0]["headers"] = json!({ "pass": ["x-globex-user"] });
        configuration["tenants"][1]["headers"] = json!({ "user": "x-globex-user" });
    };
    let mut world = World::<ModuleHarness>::with(configure);
    for (seconds, says_so) in [(0, false), (0, false), (11, true)] {
        world.clock.advance(Duration::from_secs(seconds));
        world.harness = beside(&mut world, configure);
        let log = world.harness.log();
        // Each load is reported once for all VMs.
        assert_eq!(log.contains("configuration: tenant \"acme\": headers.pass"), says_so, "{log}");
        assert_eq!(world.open(&mut world.browser(), PAGE).reply().status, 503);
        assert_eq!(world.open(&mut world.browser(), "https://globex.example/").reply().status, 302);
    }
}

/// The names of headers that any tenant has are removed, before that tenant is compiled.
#[test]
fn headers_of_other_tenants_are_removed() {
    let configure = |configuration: &mut Value| {
        configuration["tenants"][1]["headers"] = json!({ "user": "x-globex-user" });
    };
    let mut world = World::<ModuleHarness>::with(configure);
    world.harness = beside(&mut world, configure);
    let mut browser = world.signed_in();
    let head = world.send(&mut browser, PAGE, &[("x-globex-user", "mallory"), ("x-other", "1")]).forwarded();
    assert!(head.iter().any(|(name, _)| name == "x-other") && head.iter().all(|(name, _)| name != "x-globex-user"));
}

/// What another plugin writes in the place of the note makes no difference.
#[test]
fn junk_in_the_place_of_the_note() {
    let mut world = World::<ModuleHarness>::new();
    let shared = world.harness.host.state().shared.clone();
    let keys = shared.clear("tenantgate/checked/");
    assert_eq!(keys.len(), 1);
    for junk in ["", "x", "test.AAAA"] {
        shared.set(&keys[0], junk.as_bytes(), None).unwrap();
        world.harness = beside(&mut world, |_| {});
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", PAGE, &ada());
        assert_eq!(world.open(&mut browser, &callback).reply().status, 302);
        world.open(&mut browser, PAGE).forwarded();
    }
}
