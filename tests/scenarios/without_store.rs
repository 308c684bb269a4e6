//! What a store changes for whoever does not look at etcd: nothing. And what is there of it without
//! the section `store`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use url::Url;

use super::backchannel::{form, logout_token, take_logout_tokens};
use crate::support::etcd::{Etcd, EtcdAccess, prefix, store};
use crate::support::harness::{Harness, Outcome, Reply};
use crate::support::issuer::Refresh;
use crate::support::replicas::Replicas;
use crate::support::world::{World, ada};

const PAGE: &str = "https://acme.example/page";
const LOGOUT: &str = "https://acme.example/oauth2/logout";

/// A world in which etcd can be reached, whether there is a store or not.
pub fn world<H: Harness>(has_store: bool) -> World<H> {
    World::with_issuer(
        |issuer| {
            issuer.refresh = Refresh::Rotating;
            issuer.etcd = Some(EtcdAccess::new(Etcd::shared().address));
        },
        |configuration| {
            let acme = &mut configuration["tenants"][0];
            acme["refresh"] = json!({});
            take_logout_tokens(acme);
            if has_store {
                store(configuration, &prefix());
            }
        },
    )
}

/// A login, requests, a refresh, a logout token for somebody else, and a sign-out. Returns what
/// browser and upstream have got.
pub fn life_of_a_session<H: Harness>(world: &mut World<H>) -> Vec<String> {
    let mut browser = world.browser();
    let mut seen = Vec::new();
    let reply = world.open(&mut browser, PAGE).reply();
    let callback = world.issuer("acme", |issuer| issuer.authorize(reply.header("location").unwrap(), &ada()));
    seen.push(answer(&reply));
    for url in [&callback, PAGE] {
        seen.push(outcome(&world.open(&mut browser, url)));
    }
    world.clock.advance(Duration::from_secs(700));
    for path in ["page", "oauth2/userinfo", "page"] {
        seen.push(outcome(&world.open(&mut browser, &format!("https://acme.example/{path}"))));
    }
    let token = logout_token(world, &json!({ "sub": "bob" }));
    for _ in 0..2 {
        seen.push(outcome(&world.post("https://acme.example/oauth2/backchannel-logout", &[], &form(&token))));
    }
    let mut copy = browser.clone();
    for (browser, url) in [(&mut browser, LOGOUT), (&mut copy, PAGE)] {
        seen.push(outcome(&world.open(browser, url)));
    }
    seen.push(outcome(&world.post(PAGE, &[], b"")));
    seen
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Replied(reply) => answer(reply),
        Outcome::Forwarded(lines, reply) => {
            let lines = lines.iter().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value)));
            format!("the upstream got\n{}{}", lines.collect::<String>(), answer(reply))
        }
    }
}

/// An answer without what is random in it.
fn answer(reply: &Reply) -> String {
    let line = |(name, value): &(String, String)| match name.as_str() {
        "set-cookie" if value.contains("tenantgate") => format!("{name}: {}\n", cookie(value)),
        "location" => format!("{name}: {}\n", location(value)),
        _ => format!("{name}: {value}\n"),
    };
    let body = reply.body.split_once(r#""request_id":"#).map_or(reply.body.as_str(), |(body, _)| body);
    format!("{}\n{}\n{body}", reply.status, reply.headers.iter().map(line).collect::<String>())
}

/// The cookie of a login has a random name, and what is sealed has random values.
fn cookie(line: &str) -> String {
    let (pair, attributes) = line.split_once(';').unwrap();
    let (name, value) = pair.split_once('=').unwrap();
    let name = name.find("-login-").map_or(name, |place| &name[..place + 7]);
    format!("{name}=({});{attributes}", value.len())
}

fn location(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    let random = |name: &str| matches!(name, "state" | "nonce" | "code_challenge" | "id_token_hint");
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let pairs = pairs.into_iter().map(|(name, value)| {
        let value = if random(&name) { format!("({})", value.len()) } else { value };
        (name, value)
    });
    let pairs: Vec<(String, String)> = pairs.collect();
    if !pairs.is_empty() {
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    url.into()
}

/// Browser and upstream see no difference, and the issuer gets the same calls. Without a store it
/// is the issuer alone that gets calls.
pub fn a_store_is_seen_in_etcd_alone<H: Harness>() {
    let [without, with] = [false, true].map(|has_store| {
        let mut world = world::<H>(has_store);
        let seen = life_of_a_session(&mut world);
        // The host has the counters from the periodic work.
        (0..2).for_each(|_| world.harness.advance());
        let (paths, asked) = world.issuer("acme", |issuer| (issuer.paths.clone(), issuer.etcd.as_ref().unwrap().calls));
        let (of_etcd, of_issuer): (Vec<String>, Vec<String>) =
            paths.into_iter().partition(|path| path.starts_with("/v3/"));
        assert_eq!((of_etcd.is_empty(), asked > 0), (!has_store, has_store), "{of_etcd:?}");
        assert_eq!(of_issuer, ["/token", "/token"]);
        assert!(world.issuer("globex", |issuer| issuer.paths.is_empty()));
        let counters = world.harness.counters().into_iter().filter(|(name, _)| !name.contains("store_"));
        (seen, counters.collect::<BTreeMap<String, u64>>())
    });
    for (number, (without, with)) in without.0.iter().zip(&with.0).enumerate() {
        assert_eq!(without, with, "{number}");
    }
    assert_eq!(without.1, with.1);
}

/// A copy of the cookies is good at the other replica. So the tests of sign-outs can fail.
pub fn replicas_know_nothing_of_each_other<H: Harness>() {
    let mut world = world::<Replicas<H>>(false);
    let mut browser = world.signed_in();
    let copy = browser.clone();
    world.harness.turn = 0;
    world.open(&mut browser, LOGOUT).reply();
    let is_forwarded = |world: &mut World<Replicas<H>>, replica: usize| {
        (0..8)
            .map(|_| {
                world.harness.turn = replica;
                matches!(world.open(&mut copy.clone(), PAGE), Outcome::Forwarded(..))
            })
            .collect::<Vec<_>>()
    };
    world.eventually(|world| is_forwarded(world, 0) == [false; 8]);
    assert_eq!(is_forwarded(&mut world, 1), [true; 8]);
    assert_eq!(world.issuer("acme", |issuer| issuer.etcd.as_ref().unwrap().calls), 0);
}
