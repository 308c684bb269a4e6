//! Three Envoys, and an etcd of three members with faults.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::scenarios::backchannel::{form, logout_token, take_logout_tokens};
use crate::support::browser::Browser;
use crate::support::documents::Documents;
use crate::support::envoy_harness::EnvoyHarness;
use crate::support::etcd::EtcdAccess;
use crate::support::etcd_cluster::EtcdCluster;
use crate::support::harness::{Harness as _, Outcome};
use crate::support::replicas::Replicas;
use crate::support::world::World;

pub(super) type Envoys = World<Replicas<EnvoyHarness, 3>>;

pub(super) const LOGOUT: &str = "https://acme.example/oauth2/logout";
pub(super) const BACKCHANNEL: &str = "https://acme.example/oauth2/backchannel-logout";
pub(super) const PAGE: &str = "https://acme.example/page";
/// So many requests reach each worker: the three Envoys get them in turn, and the system chooses
/// one of two workers for each connection.
const ALL_WORKERS: usize = 3 * WORKERS;
pub(super) const WORKERS: usize = 20;

/// Three Envoys whose store is the etcd at these addresses, and their configuration.
pub(super) fn envoys(members: Vec<SocketAddr>) -> (Envoys, Value) {
    let mut configuration = json!(null);
    let world = Envoys::with_issuer(
        |issuer| issuer.etcd = Some(EtcdAccess { members: members.clone(), ..EtcdAccess::new(members[0]) }),
        |of_envoys| {
            of_envoys["store"] = json!({ "etcd": { "cluster": "etcd" } });
            take_logout_tokens(&mut of_envoys["tenants"][0]);
            configuration = of_envoys.clone();
        },
    );
    (world, configuration)
}

/// Signs out while etcd has a fault, and waits until every Envoy knows it.
#[track_caller]
pub(super) fn sign_out(world: &mut Envoys) -> Browser {
    let mut browser = world.signed_in();
    let copy = browser.clone();
    assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
    is_over(world, &copy);
    copy
}

#[track_caller]
pub(super) fn is_over(world: &mut Envoys, copy: &Browser) {
    world.eventually(|world| {
        (0..ALL_WORKERS)
            .all(|_| matches!(world.open(&mut copy.clone(), PAGE), Outcome::Replied(reply) if reply.status == 302))
    });
}

/// Signs in, and lets the issuer end this session while etcd has a fault. Waits until every Envoy
/// knows it.
#[track_caller]
pub(super) fn sign_out_by_the_issuer(world: &mut Envoys, sid: &str) -> Browser {
    let browser = signed_in(world, sid);
    goes_on(world, &browser);
    let token = logout_token(world, &json!({ "sid": sid }));
    acknowledged(world, &token);
    is_over(world, &browser);
    browser
}

/// A session of ada that has this `sid` at the issuer.
#[track_caller]
pub(super) fn signed_in(world: &mut Envoys, sid: &str) -> Browser {
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", PAGE, &json!({ "sub": "ada", "sid": sid }));
    browser.cookies.retain(|cookie| !cookie.name.ends_with("redirect-loop"));
    browser
}

#[track_caller]
pub(super) fn goes_on(world: &mut Envoys, browser: &Browser) {
    for _ in 0..6 {
        world.open(&mut browser.clone(), PAGE).forwarded();
    }
}

/// Sends a logout token until it is accepted. The first attempts may meet a fault, and etcd may
/// have the token from one of them.
#[track_caller]
pub(super) fn acknowledged(world: &mut Envoys, token: &str) {
    let mut unknown = false;
    world.eventually(|world| {
        let reply = world.post(BACKCHANNEL, &[], &form(token)).reply();
        assert!(matches!(reply.status, 200 | 503) || unknown && reply.status == 400, "{reply:?}");
        unknown = true;
        reply.status != 503
    });
}

#[test]
fn what_was_acknowledged_survives_the_faults_of_etcd() {
    let mut etcd = EtcdCluster::start();
    let (mut world, configuration) = envoys(etcd.addresses());
    let stays = signed_in(&mut world, "0");
    let mut ended = vec![sign_out(&mut world)];

    // A follower is cut off: what it does not answer, another member does.
    let follower = (etcd.leader() + 1) % 3;
    etcd.pause(follower);
    ended.push(sign_out(&mut world));
    ended.push(sign_out_by_the_issuer(&mut world, "1"));
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
    ended.push(sign_out_by_the_issuer(&mut world, "2"));
    // A new Envoy reads from the two others what was before.
    world.harness.restart(0, &configuration);
    for copy in &ended {
        assert_eq!(replied_at(&mut world, 0, copy), Some(302));
    }

    // etcd is set up again, with empty disks. The Envoys that run know what they knew, and write it
    // again, so those that start later know it, too.
    etcd.set_up();
    ended.push(sign_out(&mut world));
    ended.iter().for_each(|copy| is_over(&mut world, copy));
    world.eventually(|world| world.harness.log().contains("etcd has the sign-outs of this tenant again"));
    for envoy in 0..3 {
        world.harness.restart(envoy, &configuration);
    }
    ended.iter().for_each(|copy| is_over(&mut world, copy));
    goes_on(&mut world, &stays);
}

/// Two of three members have ended: what is known goes on, and nothing is acknowledged until they
/// are back. The third Envoy refuses sessions while it hears nothing of etcd.
#[test]
fn without_a_majority_nothing_is_acknowledged() {
    let mut etcd = EtcdCluster::start();
    let (mut world, configuration) = envoys(etcd.addresses());
    let mut refusing = configuration.clone();
    (refusing["store"]["etcd"]["when_away"], refusing["store"]["etcd"]["max_staleness"]) =
        (json!("refuse"), json!("10s"));
    world.harness.restart(2, &refusing);
    let [stays, by_issuer, mut leaver] = ["0", "1", "2"].map(|sid| signed_in(&mut world, sid));
    let copy = leaver.clone();
    [&stays, &by_issuer, &copy].into_iter().for_each(|browser| goes_on(&mut world, browser));

    let leader = etcd.leader();
    let ended = [leader, (leader + 1) % 3];
    etcd.stop(&ended);
    world.eventually(|world| (0..WORKERS).all(|_| replied_at(world, 2, &stays) == Some(503)));
    for replica in [0, 1] {
        (0..WORKERS).for_each(|_| assert_eq!(replied_at(&mut world, replica, &stays), None));
    }
    let token = logout_token(&world, &json!({ "sid": "1" }));
    for _ in 0..2 {
        world.harness.turn = 0;
        let reply = world.post(BACKCHANNEL, &[], &form(&token)).reply();
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")), "{}", reply.body);
    }
    world.harness.turn = 0;
    assert_eq!(world.open(&mut leaver, LOGOUT).reply().status, 302);
    for browser in [&by_issuer, &copy] {
        world.eventually(|world| (0..WORKERS).all(|_| replied_at(world, 0, browser) == Some(302)));
        (0..WORKERS).for_each(|_| assert_eq!(replied_at(&mut world, 1, browser), None));
    }

    etcd.start_again(&ended);
    acknowledged(&mut world, &token);
    [&by_issuer, &copy].into_iter().for_each(|browser| is_over(&mut world, browser));
    // A new Envoy has it from etcd.
    world.harness.restart(1, &configuration);
    for browser in [&by_issuer, &copy] {
        assert_eq!(replied_at(&mut world, 1, browser), Some(302));
    }
    world.eventually(|world| (0..WORKERS).all(|_| replied_at(world, 2, &stays).is_none()));
    goes_on(&mut world, &stays);
}

/// The status that an Envoy answers with this session, if it forwards nothing.
pub(super) fn replied_at(world: &mut Envoys, replica: usize, browser: &Browser) -> Option<u16> {
    world.harness.turn = replica;
    match world.open(&mut browser.clone(), PAGE) {
        Outcome::Replied(reply) => Some(reply.status),
        Outcome::Forwarded(..) => None,
    }
}

/// All members lose their power, and start again. Envoys that start then know nothing but what is
/// on the disks.
#[test]
fn what_was_acknowledged_is_on_the_disks() {
    let mut etcd = EtcdCluster::start();
    let (mut world, configuration) = envoys(etcd.addresses());
    let stays = signed_in(&mut world, "0");
    let ended = [sign_out(&mut world), sign_out_by_the_issuer(&mut world, "1")];
    etcd.stop(&[0, 1, 2]);
    etcd.start_again(&[0, 1, 2]);
    for replica in 0..3 {
        world.harness.restart(replica, &configuration);
        for copy in &ended {
            assert_eq!(replied_at(&mut world, replica, copy), Some(302));
        }
        assert_eq!(replied_at(&mut world, replica, &stays), None);
    }
}

/// Whether each worker answers so for this host.
pub(super) fn everywhere(world: &mut Envoys, host: &str, status: u16) -> bool {
    let url = format!("https://{host}/page");
    (0..ALL_WORKERS).all(|_| {
        let outcome = world.open(&mut world.browser(), &url);
        matches!(outcome, Outcome::Replied(reply) if reply.status == status)
    })
}

#[track_caller]
pub(super) fn is_open_again(world: &mut Envoys, browser: &Browser) {
    let is_open = |outcome| matches!(outcome, Outcome::Forwarded(..));
    world.eventually(|world| (0..ALL_WORKERS).all(|_| is_open(world.open(&mut browser.clone(), PAGE))));
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
        let is_denied = |outcome| matches!(outcome, Outcome::Replied(reply) if reply.status == 403);
        (0..ALL_WORKERS).all(|_| is_denied(world.open(&mut browser.clone(), PAGE)))
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
    is_open_again(&mut world, &browser);
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
    is_open_again(&mut world, &browser);
}
