//! Three Envoys, and an etcd of three members whose answers take long.

use std::time::Duration;

use serde_json::json;

use super::etcd_members::{
    BACKCHANNEL, Envoys, LOGOUT, everywhere, goes_on, is_over, replied_at, sign_out, sign_out_by_the_issuer, signed_in,
};
use crate::scenarios::backchannel::{form, logout_token, take_logout_tokens};
use crate::support::documents::Documents;
use crate::support::etcd::EtcdAccess;
use crate::support::etcd_cluster::EtcdCluster;
use crate::support::slow_proxy::SlowProxies;

/// Calls wait two seconds. With answers that take a second and a half, all comes as with a fast
/// etcd, but later, and a logout token may have to be sent again.
#[test]
fn with_slow_answers_all_is_as_before() {
    let (etcd, proxies) = (EtcdCluster::start(), SlowProxies::default());
    let members: Vec<_> = etcd.addresses().into_iter().map(|member| proxies.start(member)).collect();
    let mut parts = None;
    let mut world = Envoys::with_issuer(
        |issuer| {
            issuer.etcd = Some(EtcdAccess { members: members.clone(), ..EtcdAccess::new(members[0]) });
        },
        |configuration| {
            configuration["store"] = json!({ "etcd": { "cluster": "etcd" } });
            take_logout_tokens(&mut configuration["tenants"][0]);
            let globex = configuration["tenants"].as_array_mut().unwrap().pop().unwrap();
            let mut documents = Documents::new(configuration, "/tenantgate/");
            configuration["tenants_from"]["etcd"]["cluster"] = json!("etcd");
            documents.etcd = etcd.addresses()[0];
            parts = Some((documents, globex, configuration.clone()));
        },
    );
    let (mut documents, globex, configuration) = parts.unwrap();
    let stays = signed_in(&mut world, "0");
    proxies.set_delay(Duration::from_millis(1500));

    // Sign-outs.
    let ended = [sign_out(&mut world), sign_out_by_the_issuer(&mut world, "1")];
    // A new Envoy reads them before it uses a session.
    world.harness.restart(0, &configuration);
    for copy in &ended {
        assert_eq!(replied_at(&mut world, 0, copy), Some(302));
    }
    assert_eq!(replied_at(&mut world, 0, &stays), None);
    // A tenant comes, and goes.
    assert!(everywhere(&mut world, "globex.example", 404));
    documents.apply(&globex);
    world.eventually(|world| everywhere(world, "globex.example", 302));
    documents.delete(&globex);
    world.eventually(|world| everywhere(world, "globex.example", 404));

    // Slower answers are none. Nothing is acknowledged, and what is known goes on.
    let [by_issuer, mut leaver] = ["2", "3"].map(|sid| signed_in(&mut world, sid));
    let copy = leaver.clone();
    proxies.set_delay(Duration::from_secs(3));
    let token = logout_token(&world, &json!({ "sid": "2" }));
    assert_eq!(world.post(BACKCHANNEL, &[], &form(&token)).reply().status, 503);
    assert_eq!(world.open(&mut leaver, LOGOUT).reply().status, 302);
    // Nobody has asked for this host yet.
    assert_eq!(world.open(&mut world.browser(), "https://new.example/page").reply().status, 503);
    goes_on(&mut world, &stays);
    proxies.set_delay(Duration::ZERO);
    // The issuer sends the token again. etcd may have it from before.
    world.eventually(|world| world.post(BACKCHANNEL, &[], &form(&token)).reply().status != 503);
    [&by_issuer, &copy].into_iter().for_each(|browser| is_over(&mut world, browser));
    world.eventually(|world| everywhere(world, "globex.example", 404));
    goes_on(&mut world, &stays);
}
