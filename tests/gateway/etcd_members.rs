//! Three Envoys, and an etcd of three members with faults.

use serde_json::json;

use crate::scenarios::backchannel::{form, logout_token, take_logout_tokens};
use crate::support::browser::Browser;
use crate::support::envoy_harness::EnvoyHarness;
use crate::support::etcd::EtcdAccess;
use crate::support::etcd_cluster::EtcdCluster;
use crate::support::harness::Outcome;
use crate::support::replicas::Replicas;
use crate::support::world::World;

type Envoys = World<Replicas<EnvoyHarness, 3>>;

const LOGOUT: &str = "https://acme.example/oauth2/logout";
const BACKCHANNEL: &str = "https://acme.example/oauth2/backchannel-logout";
const PAGE: &str = "https://acme.example/page";

/// Signs out while etcd has a fault, and waits until every Envoy knows it.
#[track_caller]
fn sign_out(world: &mut Envoys) -> Browser {
    let mut browser = world.signed_in();
    let copy = browser.clone();
    assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
    is_over(world, &copy);
    copy
}

#[track_caller]
fn is_over(world: &mut Envoys, copy: &Browser) {
    world.eventually(|world| {
        (0..6).all(|_| matches!(world.open(&mut copy.clone(), PAGE), Outcome::Replied(reply) if reply.status == 302))
    });
}

/// Sends a logout token until it is accepted. The first attempts may meet a fault.
#[track_caller]
fn sign_out_by_the_issuer(world: &mut Envoys, sid: &str) {
    let token = logout_token(world, &json!({ "sid": sid }));
    world.eventually(|world| {
        let reply = world.post(BACKCHANNEL, &[], &form(&token)).reply();
        assert!(matches!(reply.status, 200 | 503), "{reply:?}");
        reply.status == 200
    });
}

#[test]
fn what_was_acknowledged_survives_the_faults_of_etcd() {
    let mut etcd = EtcdCluster::start();
    let mut world = Envoys::with_issuer(
        |issuer| {
            let members = etcd.addresses();
            issuer.etcd = Some(EtcdAccess { members: members.clone(), ..EtcdAccess::new(members[0]) });
        },
        |configuration| {
            configuration["store"] = json!({ "etcd": { "cluster": "etcd" } });
            take_logout_tokens(&mut configuration["tenants"][0]);
        },
    );
    let mut configuration = world.configuration();
    configuration["store"] = json!({ "etcd": { "cluster": "etcd" } });
    take_logout_tokens(&mut configuration["tenants"][0]);
    let stays = world.signed_in();
    let mut ended = vec![sign_out(&mut world)];

    // A follower is cut off: what it does not answer, another member does.
    let follower = (etcd.leader() + 1) % 3;
    etcd.pause(follower);
    ended.push(sign_out(&mut world));
    sign_out_by_the_issuer(&mut world, "1");
    etcd.resume(follower);

    // The history that polls do not need any more is deleted. The member that was cut off refuses
    // that until it has found the others.
    world.eventually(|_| {
        let (_, status) = etcd.post(0, "/v3/maintenance/status", &json!({}));
        let compaction = json!({ "revision": status["header"]["revision"], "physical": true });
        etcd.post(0, "/v3/kv/compaction", &compaction).0 == 200
    });
    ended.push(sign_out(&mut world));

    // The leader is lost, with its disk.
    let leader = etcd.leader();
    etcd.end(leader);
    ended.push(sign_out(&mut world));
    sign_out_by_the_issuer(&mut world, "2");
    // A new Envoy reads from the two others what was before.
    world.harness.restart(0, &configuration);
    for copy in &ended {
        world.harness.turn = 0;
        assert_eq!(world.open(&mut copy.clone(), PAGE).reply().status, 302);
    }

    // etcd is set up again, with empty disks. The Envoys that run know what they knew.
    etcd.set_up();
    ended.push(sign_out(&mut world));
    ended.iter().for_each(|copy| is_over(&mut world, copy));
    for _ in 0..6 {
        world.open(&mut stays.clone(), PAGE).forwarded();
    }
}
