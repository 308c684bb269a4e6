//! What an operator sees of the events: counters, and lines in the log.

use serde_json::json;

use crate::support::harness::Harness;
use crate::support::world::World;

/// Every event of a tenant is counted in total and for that tenant. Nothing that a client sends
/// makes a counter of its own.
pub fn events_are_counted_for_each_tenant<H: Harness>() {
    let mut world = World::<H>::new();
    world.signed_in();
    for host in ["acme.example", "globex.example", "globex.example", "initech.example", "INITECH.example:8443"] {
        world.send(&mut world.browser(), &format!("https://{host}/"), &[]).reply();
    }
    world.eventually(|world| world.harness.counter("tenant.globex.unauthenticated") == 2);
    world.eventually(|world| world.harness.counter("unauthenticated") == 3);
    world.eventually(|world| world.harness.counter("unknown_host") == 2);
    let mut counters = world.harness.counters();
    counters.retain(|name, _| name.starts_with("tenant."));
    let expected = ["acme.login_finished", "acme.login_started", "acme.unauthenticated", "globex.unauthenticated"];
    assert_eq!(
        counters.into_iter().collect::<Vec<_>>(),
        expected.map(|name| (format!("tenant.{name}"), 1 + u64::from(name.starts_with("globex"))))
    );
}

/// A mistake in the configuration of a tenant is one of that tenant.
pub fn mistakes_are_counted_for_their_tenant<H: Harness>() {
    let mut world = World::<H>::with(|configuration| configuration["tenants"][1]["issuer"] = json!("nonsense"));
    world.send(&mut world.browser(), "https://globex.example/", &[]).reply();
    world.eventually(|world| world.harness.counter("tenant.globex.tenant_broken") == 1);
    world.eventually(|world| world.harness.counter("tenant.globex.tenant_config_error") > 0);
    assert_eq!(
        world.harness.counter("tenant.globex.tenant_config_error"),
        world.harness.counter("tenant_config_error")
    );
}

/// Tenants can go without counters of their own.
pub fn counters_of_tenants_can_be_switched_off<H: Harness>() {
    let mut world = World::<H>::with(|configuration| configuration["stats"] = json!({ "per_tenant": false }));
    world.signed_in();
    // Envoy has two workers. One of them gets two requests at least, and sends the counts of the
    // second one and of tenants at its tick.
    for _ in 0..4 {
        world.send(&mut world.browser(), "https://globex.example/", &[]).reply();
    }
    world.eventually(|world| world.harness.counter("unauthenticated") == 4);
    let counters = world.harness.counters();
    assert!(!counters.keys().any(|name| name.starts_with("tenant.")), "{counters:?}");
}
