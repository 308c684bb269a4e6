//! Three Envoys, and an etcd with a member that the others do not reach, while clients do.

use serde_json::json;

use super::etcd_members::{
    BACKCHANNEL, LOGOUT, WORKERS, envoys, goes_on, is_over, replied_at, sign_out, sign_out_by_the_issuer, signed_in,
};
use crate::scenarios::backchannel::{form, logout_token};
use crate::support::etcd_cluster::EtcdCluster;

/// The leader is cut off from the two others, who elect another one. Nothing is lost that etcd has
/// acknowledged. An Envoy that reaches no other member acknowledges nothing, and catches up when
/// the member is back.
#[test]
fn the_leader_is_cut_off_and_comes_back() {
    let etcd = EtcdCluster::start();
    let (mut world, configuration) = envoys(etcd.addresses());
    let [stays, by_issuer, mut leaver] = ["0", "1", "2"].map(|sid| signed_in(&mut world, sid));
    let mut ended = vec![sign_out(&mut world)];

    let member = etcd.leader();
    etcd.cut_from_peers(member, true);
    ended.push(sign_out(&mut world));
    ended.push(sign_out_by_the_issuer(&mut world, "3"));
    world.eventually(|_| !etcd.is_leader(member) && (0..3).any(|other| etcd.is_leader(other)));

    // An Envoy that knows the member only.
    let all = etcd.addresses();
    world.issuer("acme", |issuer| issuer.etcd.as_mut().unwrap().members = vec![all[member]]);
    world.harness.restart(2, &configuration);
    (0..WORKERS).for_each(|_| assert_eq!(replied_at(&mut world, 2, &stays), None));
    let token = logout_token(&world, &json!({ "sid": "1" }));
    world.harness.turn = 2;
    assert_eq!(world.post(BACKCHANNEL, &[], &form(&token)).reply().status, 503);
    let copy = leaver.clone();
    world.harness.turn = 2;
    assert_eq!(world.open(&mut leaver, LOGOUT).reply().status, 302);
    for browser in [&by_issuer, &copy] {
        world.eventually(|world| (0..WORKERS).all(|_| replied_at(world, 2, browser) == Some(302)));
        (0..WORKERS).for_each(|_| assert_eq!(replied_at(&mut world, 0, browser), None));
    }

    etcd.cut_from_peers(member, false);
    // The member may have kept the token from then, and write it now.
    world.eventually(|world| world.post(BACKCHANNEL, &[], &form(&token)).reply().status != 503);
    ended.extend([by_issuer, copy]);
    ended.iter().for_each(|copy| is_over(&mut world, copy));
    goes_on(&mut world, &stays);
    // The member has what was acknowledged without it.
    world.harness.restart(2, &configuration);
    for copy in &ended {
        assert_eq!(replied_at(&mut world, 2, copy), Some(302));
    }
    assert_eq!(replied_at(&mut world, 2, &stays), None);
}
