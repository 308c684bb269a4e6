//! Requests of one VM that wait for the same tenant.

use crate::scenarios::documents::{Found, found};
use crate::support::harness::{Harness as _, Lines};
use crate::support::host::{Call, RequestState};
use crate::support::module_harness::{ModuleHarness, answer};
use crate::support::world::World;

fn visit(host: &str) -> Lines {
    [(":method", "GET"), (":scheme", "https"), (":authority", host), (":path", "/page"), ("accept", "text/html")]
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .into()
}

/// Sends a request that has to wait. Returns its context.
#[track_caller]
fn waits(world: &mut World<ModuleHarness>, host: &str) -> i32 {
    match world.harness.host.request(&visit(host)) {
        (context, RequestState::Awaits) => context,
        _ => panic!("{host}: the request does not wait"),
    }
}

/// Ticks. Returns the calls that begin a lookup; the others are answered.
fn lookups(world: &mut World<ModuleHarness>) -> Vec<Call> {
    let (lookups, mut others): (Vec<Call>, Vec<Call>) = world.harness.host.tick().into_iter().partition(begins_lookup);
    while let Some(call) = others.pop() {
        let next = world.harness.host.answer_root(&call, answer(&world.issuers, &call));
        assert!(!next.iter().any(begins_lookup));
        others.extend(next);
    }
    lookups
}

fn begins_lookup(call: &Call) -> bool {
    call.head.iter().any(|(name, value)| name == ":path" && value == b"/v3/kv/txn")
}

/// All requests for a host wait for the same answer of etcd, however many ticks it takes.
#[test]
fn requests_for_one_host_share_a_lookup() {
    let Found { mut world, .. } = found::<ModuleHarness>(|_| {});
    // The log of changes is followed from here on.
    (0..2).for_each(|_| world.harness.advance());
    let transactions =
        |world: &World<ModuleHarness>| world.issuer("acme", |issuer| issuer.etcd.as_ref().unwrap().transactions);
    let mut waiting = vec![waits(&mut world, "acme.example"), waits(&mut world, "acme.example")];
    let held = lookups(&mut world);
    assert_eq!(held.len(), 1);
    for _ in 0..3 {
        waiting.push(waits(&mut world, "acme.example"));
        assert!(lookups(&mut world).is_empty());
    }
    // Another host has a lookup of its own.
    let other = waits(&mut world, "other.example");
    let of_other = lookups(&mut world);
    assert_eq!((of_other.len(), transactions(&world)), (1, 0));
    for context in &waiting {
        assert!(matches!(world.harness.host.look(*context), RequestState::Awaits));
    }
    for (mut calls, contexts, status) in [(held, waiting, 302), (of_other, vec![other], 404)] {
        while let Some(call) = calls.pop() {
            calls.extend(world.harness.host.answer_root(&call, answer(&world.issuers, &call)));
        }
        assert!(lookups(&mut world).is_empty());
        for context in contexts {
            match world.harness.host.look(context) {
                RequestState::Replied(reply) => assert_eq!(reply.status, status, "{}", reply.body),
                _ => panic!("the request still waits"),
            }
        }
    }
    assert_eq!(transactions(&world), 2);
}
