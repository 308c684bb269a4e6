//! Three Envoys, and an etcd of three members with faults.

use serde_json::json;

use crate::scenarios::backchannel::{form, logout_token, take_logout_tokens};
use crate::support::browser::Browser;
use crate::support::documents::Documents;
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

/// Whether each Envoy, asked twice, answers so for this host.
fn everywhere(world: &mut Envoys, host: &str, status: u16) -> bool {
    let url = format!("https://{host}/page");
    (0..6).all(|_| {
        let outcome = world.open(&mut world.browser(), &url);
        matches!(outcome, Outcome::Replied(reply) if reply.status == status)
    })
}

#[test]
fn tenants_come_change_and_go_while_etcd_has_faults() {
    let mut etcd = EtcdCluster::start();
    let mut parts = None;
    let mut world = Envoys::with_issuer(
        |issuer| {
            let members = etcd.addresses();
            issuer.etcd = Some(EtcdAccess { members: members.clone(), ..EtcdAccess::new(members[0]) });
        },
        |configuration| {
            let acme = Documents::take_first(configuration);
            let mut documents = Documents::new(configuration, "/tenantgate/");
            configuration["tenants_from"]["etcd"]["cluster"] = json!("etcd");
            documents.etcd = etcd.addresses()[0];
            parts = Some((documents, acme, configuration.clone()));
        },
    );
    let (mut documents, acme, configuration) = parts.unwrap();
    assert!(everywhere(&mut world, "acme.example", 404));
    documents.apply(&acme);
    world.eventually(|world| everywhere(world, "acme.example", 302));
    let browser = world.signed_in();

    // A follower is cut off, and the tenant changes.
    let follower = (etcd.leader() + 1) % 3;
    documents.etcd = etcd.addresses()[etcd.leader()];
    etcd.pause(follower);
    let mut denied = acme.clone();
    denied["access"] = json!([{ "paths": ["/*"], "allow": { "groups": ["nobody"] } }]);
    documents.apply(&denied);
    world.eventually(|world| {
        (0..6).all(|_| matches!(world.open(&mut browser.clone(), PAGE), Outcome::Replied(reply) if reply.status == 403))
    });
    etcd.resume(follower);

    // The leader is lost, with its disk, and another tenant comes.
    let leader = etcd.leader();
    etcd.end(leader);
    let survivor = (leader + 1) % 3;
    documents.etcd = etcd.addresses()[survivor];
    world.eventually(|_| etcd.post(survivor, "/v3/kv/put", &json!({ "key": "eA==", "value": "eA==" })).0 == 200);
    let mut other = acme.clone();
    (other["name"], other["hosts"]) = (json!("other"), json!(["other.example"]));
    documents.apply(&other);
    documents.apply(&acme);
    world.eventually(|world| everywhere(world, "other.example", 302));
    world.eventually(|world| (0..6).all(|_| matches!(world.open(&mut browser.clone(), PAGE), Outcome::Forwarded(..))));
    // A new Envoy finds them. One of them goes.
    world.harness.restart(0, &configuration);
    assert!(everywhere(&mut world, "other.example", 302));
    documents.delete(&other);
    world.eventually(|world| everywhere(world, "other.example", 404));

    // etcd is set up again, with empty disks, and the operator writes the tenant again.
    etcd.set_up();
    world.eventually(|world| everywhere(world, "acme.example", 404));
    (documents.etcd, documents.number) = (etcd.addresses()[0], 0);
    documents.apply(&acme);
    world.eventually(|world| everywhere(world, "acme.example", 302));
    world.eventually(|world| (0..6).all(|_| matches!(world.open(&mut browser.clone(), PAGE), Outcome::Forwarded(..))));
}
