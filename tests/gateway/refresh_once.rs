//! Two Envoys that refresh one session at the same time.

use std::thread;

use serde_json::json;

use crate::support::envoy_harness::{EnvoyHarness, send_to};
use crate::support::etcd::{Etcd, EtcdAccess, prefix, store};
use crate::support::harness::Lines;
use crate::support::issuer::Refresh;
use crate::support::replicas::Replicas;
use crate::support::world::{NAVIGATION, World};

/// The issuer accepts each refresh token once, and ends everything when it sees one again. While
/// its answer to the one Envoy is awaited, the other waits for the result.
#[test]
fn one_envoy_refreshes_and_the_other_waits() {
    let etcd = Etcd::shared();
    let mut world = World::<Replicas<EnvoyHarness>>::with_issuer(
        |issuer| {
            issuer.refresh = Refresh::Rotating;
            issuer.etcd = Some(EtcdAccess { members: vec![etcd.address], ..EtcdAccess::new(etcd.address) });
        },
        |configuration| {
            store(configuration, &prefix());
            configuration["store"]["etcd"]["cluster"] = json!("etcd");
            configuration["tenants"][0]["refresh"] = json!({ "interval": "1s", "max_stale": "1h" });
            // The test holds the answer back for as long as it looks.
            configuration["tenants"][0]["provider"]["timeout"] = json!("30s");
        },
    );
    let browser = world.signed_in();
    let (gate, before) = world.issuer("acme", |issuer| (issuer.gate.clone(), issuer.calls));
    let due = world.clock.now() + 2;
    world.eventually(|world| world.clock.now() > due);
    let mut head: Lines = [(":method", "GET"), (":authority", "acme.example"), (":path", "/page")]
        .iter()
        .chain(&NAVIGATION)
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    head.push(("cookie".to_owned(), browser.clone().cookie_line("acme.example").unwrap().into_bytes()));
    gate.close();
    let [first, second] = [0, 1].map(|replica| world.harness.replicas[replica].gateway());
    let answers = thread::scope(|scope| {
        let first = scope.spawn(|| send_to(first, &head, None));
        gate.wait_for_arrival();
        let asked = |world: &World<Replicas<EnvoyHarness>>| -> u64 {
            let stats = world.harness.replicas[1].admin("/stats?filter=etcd.upstream_rq_total&type=Counters");
            let count = stats.lines().find_map(|line| line.strip_prefix("cluster.etcd.upstream_rq_total: "));
            count.unwrap().trim().parse().unwrap()
        };
        let start = asked(&world);
        let second = scope.spawn(|| send_to(second, &head, None));
        // It asks again at each tick.
        world.eventually(|world| asked(world) > start + 10);
        gate.open();
        [first, second].map(|answer| answer.join().unwrap())
    });
    for answer in answers {
        let brought = answer.all("set-cookie").filter(|line| line.starts_with("__Host-tenantgate-session=")).count();
        assert_eq!((answer.status, answer.header("x-upstream"), brought), (200, Some("yes"), 1), "{answer:?}");
    }
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), before + 1);
}
