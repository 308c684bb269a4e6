//! Two Envoys that refresh one session at the same time.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::envoy_harness::{EnvoyHarness, send_to};
use crate::support::etcd::{EtcdAccess, prefix, store};
use crate::support::etcd_cluster::EtcdCluster;
use crate::support::harness::{Lines, Reply};
use crate::support::issuer::Refresh;
use crate::support::replicas::Replicas;
use crate::support::slow_proxy::SlowProxies;
use crate::support::world::{NAVIGATION, World};

type Envoys = World<Replicas<EnvoyHarness>>;

/// The issuer accepts each refresh token once, and ends everything when it sees one again. While
/// its answer to the one Envoy is awaited, the other waits for the result. So it goes on when a
/// member of etcd is lost, and when the answers of etcd take long.
#[test]
fn one_envoy_refreshes_and_the_other_waits() {
    let mut etcd = EtcdCluster::start();
    let proxies = SlowProxies::default();
    let members: Vec<_> = etcd.addresses().into_iter().map(|member| proxies.start(member)).collect();
    let mut world = Envoys::with_issuer(
        |issuer| {
            issuer.refresh = Refresh::Rotating;
            issuer.etcd = Some(EtcdAccess { members: members.clone(), ..EtcdAccess::new(members[0]) });
        },
        |configuration| {
            store(configuration, &prefix());
            configuration["store"]["etcd"]["cluster"] = json!("etcd");
            configuration["tenants"][0]["refresh"] = json!({ "interval": "1s", "max_stale": "1h" });
            // The test holds the answer back for as long as it looks.
            configuration["tenants"][0]["provider"]["timeout"] = json!("30s");
        },
    );
    let mut browser = world.signed_in();
    let follower = (etcd.leader() + 1) % 3;
    for round in 0..6 {
        match round {
            2 => etcd.stop(&[follower]),
            4 => {
                etcd.start_again(&[follower]);
                proxies.set_delay(Duration::from_millis(1500));
            }
            _ => {}
        }
        let before = world.issuer("acme", |issuer| issuer.calls);
        let answers = refresh_at_both(&mut world, &browser, &proxies, round % 2);
        assert_eq!(world.issuer("acme", |issuer| issuer.calls), before + 1, "{round}");
        for answer in &answers {
            let brought = answer.all("set-cookie").filter(|line| line.starts_with("__Host-tenantgate-session="));
            let got = (answer.status, answer.header("x-upstream"), brought.count());
            assert_eq!(got, (200, Some("yes"), 1), "{round} {answer:?}");
        }
        // The session goes on with the cookie of the one that refreshed, and then of the other one.
        browser.take("acme.example", &answers[round / 2 % 2]);
        assert_eq!(world.issuer("acme", |issuer| issuer.live_refresh_tokens().len()), 1, "{round}");
    }
}

/// Opens the page at the Envoy `first`, which has to refresh, and then at the other one. The
/// answers are in this order.
fn refresh_at_both(world: &mut Envoys, browser: &Browser, proxies: &SlowProxies, first: usize) -> [Reply; 2] {
    let due = world.clock.now() + 2;
    world.eventually(|world| world.clock.now() > due);
    let mut head: Lines = [(":method", "GET"), (":authority", "acme.example"), (":path", "/page")]
        .iter()
        .chain(&NAVIGATION)
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    head.push(("cookie".to_owned(), browser.clone().cookie_line("acme.example").unwrap().into_bytes()));
    let gate = world.issuer("acme", |issuer| issuer.gate.clone());
    gate.close();
    let second = 1 - first;
    let [at_first, at_second] = [first, second].map(|replica| world.harness.replicas[replica].gateway());
    thread::scope(|scope| {
        let refreshes = scope.spawn(|| send_to(at_first, &head, None));
        gate.wait_for_arrival();
        // The other Envoy asks again and again.
        let before = proxies.transactions();
        let waits = scope.spawn(|| send_to(at_second, &head, None));
        world.eventually(|_| proxies.transactions() > before + 3);
        gate.open();
        [refreshes, waits].map(|answer| answer.join().unwrap())
    })
}
