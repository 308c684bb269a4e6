//! What all replicas know: sign-outs, through a real etcd.

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::backchannel::{form, logout_token, take_logout_tokens};
use super::refresh::calls;
use super::{frontchannel, pages};
use crate::support::browser::Browser;
use crate::support::etcd::{Etcd, EtcdAccess, prefix, store};
use crate::support::harness::{Harness, Outcome, values};
use crate::support::issuer::{Answer, Issuer, Refresh};
use crate::support::replicas::Replicas;
use crate::support::world::{FRAMED, NAVIGATION, World, ada, names_ada};

pub const LOGOUT: &str = "https://acme.example/oauth2/logout";
pub const BACKCHANNEL: &str = "https://acme.example/oauth2/backchannel-logout";
pub const PAGE: &str = "https://acme.example/page";

/// Two replicas with a store, and the prefix of their keys.
pub fn world<H: Harness>(change: impl FnOnce(&mut Value)) -> (World<Replicas<H>>, String) {
    let prefix = prefix();
    let world = World::with_issuer(reach_etcd, |configuration| {
        store(configuration, &prefix);
        take_logout_tokens(&mut configuration["tenants"][0]);
        change(configuration);
    });
    (world, prefix)
}

fn reach_etcd(issuer: &mut Issuer) {
    issuer.etcd = Some(EtcdAccess::new(Etcd::shared().address));
}

/// How etcd answers from now on.
fn etcd_answers<H: Harness>(world: &World<H>, answer: Answer) {
    world.issuer("acme", |issuer| issuer.etcd.as_mut().unwrap().answer = answer);
}

/// Opens the page at both replicas with this session.
fn open_everywhere<H: Harness>(world: &mut World<Replicas<H>>, browser: &Browser) -> Vec<Outcome> {
    (0..2).map(|_| world.open(&mut browser.clone(), PAGE)).collect()
}

pub fn is_over_everywhere<H: Harness>(world: &mut World<Replicas<H>>, browser: &Browser) -> bool {
    open_everywhere(world, browser)
        .iter()
        .all(|outcome| matches!(outcome, Outcome::Replied(reply) if reply.status == 302))
}

pub fn goes_on_everywhere<H: Harness>(world: &mut World<Replicas<H>>, browser: &Browser) {
    open_everywhere(world, browser).into_iter().for_each(|outcome| drop(outcome.forwarded()));
}

/// Ends the session of a browser at one replica.
type SignOut<H> = fn(&mut World<Replicas<H>>, &mut Browser);

fn by_the_user<H: Harness>(world: &mut World<Replicas<H>>, browser: &mut Browser) {
    assert_eq!(world.open(browser, LOGOUT).reply().status, 302);
}

fn to_another_account<H: Harness>(world: &mut World<Replicas<H>>, browser: &mut Browser) {
    let refused = world.open(browser, "https://acme.example/closed").reply();
    let reply = world.send(browser, &pages::form(&refused), &pages::posted_by("same-origin")).reply();
    assert!(reply.header("location").unwrap().starts_with("https://login.acme.example/auth?"), "{reply:?}");
}

fn in_a_frame<H: Harness>(world: &mut World<Replicas<H>>, browser: &mut Browser) {
    let reply = frontchannel::load(world, browser, frontchannel::GOOD);
    assert!(reply.body.contains("<h1>Signed out</h1>"), "{}", reply.body);
}

fn by_the_issuer<H: Harness>(world: &mut World<Replicas<H>>, browser: &mut Browser) {
    let token = logout_token(world, &json!({ "sid": "s+1" }));
    assert_eq!(world.post(BACKCHANNEL, &[], &form(&token)).reply().status, 200);
    browser.cookies.clear();
}

/// Each way to end a session. The last two end every session that has its `sid`.
pub fn a_sign_out_is_known_everywhere<H: Harness>() {
    let ways: [(SignOut<H>, bool, usize); 4] =
        [(by_the_user, false, 2), (to_another_account, false, 2), (in_a_frame, true, 2), (by_the_issuer, true, 3)];
    for (way, (sign_out, ends_all, written)) in ways.into_iter().enumerate() {
        let (mut world, prefix) = world::<H>(|configuration| {
            let acme = &mut configuration["tenants"][0];
            acme["login"]["frontchannel_logout_path"] = json!(FRAMED);
            acme["access"] =
                json!([{ "paths": ["/closed"], "allow": { "groups": ["owners"] } }, { "allow": "any_user" }]);
        });
        let [mut browser, same, other] = ["s+1", "s+1", "s+2"].map(|sid| {
            let mut browser = world.browser();
            world.sign_in(&mut browser, "acme", PAGE, &json!({ "sub": "ada", "sid": sid }));
            browser.cookies.retain(|cookie| !cookie.name.ends_with("redirect-loop"));
            browser
        });
        let copy = browser.clone();
        [&copy, &same].into_iter().for_each(|browser| goes_on_everywhere(&mut world, browser));
        sign_out(&mut world, &mut browser);
        assert!(!browser.has_session(), "{way}");
        world.eventually(|world| is_over_everywhere(world, &copy));
        if ends_all {
            world.eventually(|world| is_over_everywhere(world, &same));
        } else {
            goes_on_everywhere(&mut world, &same);
        }
        goes_on_everywhere(&mut world, &other);
        // Nothing in etcd tells who signed out, or opens without the session key. That of a logout
        // token has nothing in it.
        let mut keys = Etcd::shared().keys(&prefix);
        keys.retain(|(key, _)| !key.ends_with("generation"));
        assert_eq!(keys.len(), written, "{way} {keys:?}");
        for (key, value) in keys {
            let sealed = value.starts_with("k1.") || key.starts_with(&format!("{prefix}token/"));
            assert!(!names_ada(&key) && sealed && !names_ada(&value), "{way} {key} {value}");
        }
    }
}

pub fn a_logout_token_ends_sessions_everywhere_and_counts_once<H: Harness>() {
    let (mut world, _) = world::<H>(|_| {});
    let laptop = world.signed_in();
    let token = logout_token(&world, &json!({ "sub": "ada" }));
    let post = |world: &mut World<Replicas<H>>, token: &str| world.post(BACKCHANNEL, &[], &form(token)).reply();
    assert_eq!(post(&mut world, &token).status, 200);
    world.eventually(|world| is_over_everywhere(world, &laptop));
    // The first reply came from one replica, and these come from both.
    for _ in 0..2 {
        let reply = post(&mut world, &token);
        assert_eq!(reply.status, 400, "{}", reply.body);
    }
    // Another token is another one.
    let other = logout_token(&world, &json!({ "sub": "bob" }));
    assert_eq!(post(&mut world, &other).status, 200);
}

/// A replica that starts later reads what was before, and does so before it uses a session.
pub fn a_new_replica_knows_what_was_before<H: Harness>() {
    let (mut world, prefix) = world::<H>(|_| {});
    let mut browsers: Vec<Browser> = (0..3).map(|_| world.signed_in()).collect();
    let copies = browsers.clone();
    for browser in &mut browsers[1..] {
        world.open(browser, LOGOUT).reply();
    }
    let mut configuration = world.configuration();
    store(&mut configuration, &prefix);
    for replica in 0..2 {
        world.harness.restart(replica, &configuration);
        for (index, copy) in copies.iter().enumerate() {
            world.harness.turn = replica;
            let outcome = world.open(&mut copy.clone(), PAGE);
            assert_eq!(matches!(outcome, Outcome::Forwarded(..)), index == 0, "{replica} {index} {outcome:?}");
        }
    }
}

/// The issuer accepts each refresh token once, and ends everything when it sees one again. Two tabs
/// whose requests reach different replicas stay signed in.
pub fn replicas_refresh_once<H: Harness>() {
    let (mut world, prefix) = world::<H>(|configuration| configuration["tenants"][0]["refresh"] = json!({}));
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let browser = world.signed_in();
    let mut tabs = [browser.clone(), browser];
    for round in 0..3 {
        world.clock.advance(Duration::from_secs(700));
        let before = calls(&world);
        for (replica, tab) in tabs.iter_mut().enumerate() {
            world.harness.turn = replica;
            world.open(tab, PAGE).forwarded();
        }
        assert_eq!(calls(&world), before + 1, "{round}");
    }
    // A user who is gone is gone everywhere.
    world.issuer("acme", |issuer| issuer.directory.insert("ada".to_owned(), Value::Null));
    world.clock.advance(Duration::from_secs(700));
    let before = calls(&world);
    for (replica, tab) in tabs.iter_mut().enumerate() {
        world.harness.turn = replica;
        assert_eq!(world.open(tab, PAGE).reply().status, 302);
    }
    assert_eq!(calls(&world), before + 1);
    // Nothing in etcd opens without the session key.
    let keys = Etcd::shared().keys(&format!("{prefix}refresh/"));
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|(_, value)| value.starts_with("k1.")), "{keys:?}");
}

/// A result of another session, or of nobody, is none.
pub fn results_of_others_refresh_nothing<H: Harness>() {
    let (mut world, prefix) = world::<H>(|configuration| configuration["tenants"][0]["refresh"] = json!({}));
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let mut tabs = [world.signed_in(), world.signed_in()];
    world.clock.advance(Duration::from_secs(700));
    world.harness.turn = 0;
    world.open(&mut tabs[0], PAGE).forwarded();
    let etcd = Etcd::shared();
    let of_first = etcd.keys(&format!("{prefix}refresh/"));
    // Whoever can write there puts it under the key of the other session, which is made known by
    // its own refresh.
    let before = calls(&world);
    world.harness.turn = 0;
    world.open(&mut tabs[1].clone(), PAGE).forwarded();
    let key = etcd.keys(&format!("{prefix}refresh/")).into_iter().find(|pair| !of_first.contains(pair)).unwrap().0;
    etcd.put(&key, &of_first[0].1);
    assert_eq!(calls(&world), before + 1);
    // The other replica waits for a result that never opens, and goes on without one.
    world.harness.turn = 1;
    world.open(&mut tabs[1], PAGE).forwarded();
    assert!(world.harness.log().contains("refresh_failed"));
}

/// The claim of a refresh has ended before the issuer answers, and another replica has a result by
/// then. It stays.
pub fn a_late_refresh_replaces_nothing<H: Harness>() {
    let (mut world, prefix) = world::<H>(|configuration| configuration["tenants"][0]["refresh"] = json!({}));
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let mut browser = world.signed_in();
    world.clock.advance(Duration::from_secs(700));
    let refreshes = format!("{prefix}refresh/");
    world.issuer("acme", |issuer| {
        let refreshes = refreshes.clone();
        issuer.tamper = Box::new(move |token| {
            let (key, _) = Etcd::shared().keys(&refreshes).pop().unwrap();
            Etcd::shared().put(&key, "of another");
            token
        });
    });
    world.open(&mut browser, PAGE).forwarded();
    let kept: Vec<String> = Etcd::shared().keys(&refreshes).into_iter().map(|(_, value)| value).collect();
    assert_eq!(kept, ["of another"]);
}

/// etcd does what it was asked, and the answers to the first two attempts are lost.
pub fn answers_of_etcd_are_lost<H: Harness>() {
    let (mut world, _) = world::<H>(|configuration| configuration["tenants"][0]["refresh"] = json!({}));
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let mut browser = world.signed_in();
    goes_on_everywhere(&mut world, &browser);
    let lose = |world: &World<Replicas<H>>| world.issuer("acme", |issuer| issuer.etcd.as_mut().unwrap().lost = 2);
    let lost = |world: &World<Replicas<H>>| world.issuer("acme", |issuer| issuer.etcd.as_ref().unwrap().lost == 0);
    world.clock.advance(Duration::from_secs(700));
    let before = calls(&world);
    lose(&world);
    world.open(&mut browser, PAGE).forwarded();
    assert!(calls(&world) == before + 1 && lost(&world));
    // The logout token counts, once.
    let token = logout_token(&world, &json!({ "sub": "bob" }));
    for status in [200, 400] {
        lose(&world);
        assert_eq!(world.post(BACKCHANNEL, &[], &form(&token)).reply().status, status);
        assert!(lost(&world));
    }
    let copy = browser.clone();
    lose(&world);
    world.open(&mut browser, LOGOUT).reply();
    world.eventually(|world| is_over_everywhere(world, &copy));
}

/// The calls that make leases meet a member of etcd that is down, twice each. The next member makes
/// them.
pub fn leases_meet_a_member_that_is_down<H: Harness>() {
    let (mut world, _) = world::<H>(|configuration| configuration["tenants"][0]["refresh"] = json!({}));
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let browser = world.signed_in();
    let lose =
        |world: &World<Replicas<H>>| world.issuer("acme", |issuer| issuer.etcd.as_mut().unwrap().lost_leases = 2);
    let lost =
        |world: &World<Replicas<H>>| world.issuer("acme", |issuer| issuer.etcd.as_ref().unwrap().lost_leases == 0);
    world.clock.advance(Duration::from_secs(700));
    let before = calls(&world);
    lose(&world);
    for replica in 0..2 {
        world.harness.turn = replica;
        world.open(&mut browser.clone(), PAGE).forwarded();
    }
    assert!(lost(&world));
    assert_eq!(calls(&world), before + 1);
    lose(&world);
    let token = logout_token(&world, &json!({ "sub": "ada" }));
    assert_eq!(world.post(BACKCHANNEL, &[], &form(&token)).reply().status, 200);
    assert!(lost(&world));
    world.eventually(|world| is_over_everywhere(world, &browser));
}

/// With ticks of a second, and an interval of a second.
pub fn a_sign_out_takes_two_intervals_at_most<H: Harness>() {
    let (mut world, _) = world::<H>(|_| {});
    let mut browser = world.signed_in();
    let copy = browser.clone();
    goes_on_everywhere(&mut world, &copy);
    world.harness.turn = 0;
    world.open(&mut browser, LOGOUT).reply();
    for _ in 0..2 {
        world.harness.replicas[1].advance();
    }
    world.harness.turn = 1;
    assert_eq!(world.open(&mut copy.clone(), PAGE).reply().status, 302);
}

/// A replica does not reach etcd for so long that the recent sign-outs are gone from there. Then it
/// reads the lists again.
pub fn a_replica_that_was_cut_off<H: Harness>() {
    let (mut world, prefix) = world::<H>(|_| {});
    let (mut browser, other) = (world.signed_in(), world.signed_in());
    let copy = browser.clone();
    goes_on_everywhere(&mut world, &copy);
    world.harness.turn = 0;
    world.open(&mut browser, LOGOUT).reply();
    let etcd = Etcd::shared();
    // The generation stays.
    let keys = etcd.keys(&format!("{prefix}recent/")).into_iter().filter(|(key, _)| !key.ends_with("generation"));
    keys.for_each(|(key, _)| etcd.delete_key(&key));
    world.clock.advance(Duration::from_secs(3700));
    world.harness.replicas[1].advance();
    world.harness.turn = 1;
    assert_eq!(world.open(&mut copy.clone(), PAGE).reply().status, 302);
    goes_on_everywhere(&mut world, &other);
}

/// etcd is set up again, or from an old backup: its revisions begin anew. The replicas write what
/// was lost again, so one that starts later knows it, too.
pub fn etcd_is_set_up_again<H: Harness>() {
    let (mut world, prefix) = world::<H>(|_| {});
    let (mut before, mut after, other) = (world.signed_in(), world.signed_in(), world.signed_in());
    let copies = [before.clone(), after.clone()];
    world.open(&mut before, LOGOUT).reply();
    world.eventually(|world| is_over_everywhere(world, &copies[0]));
    let etcd = Etcd::start(&[]);
    world.issuer("acme", |issuer| issuer.etcd.as_mut().unwrap().address = etcd.address);
    world.open(&mut after, LOGOUT).reply();
    world.eventually(|world| is_over_everywhere(world, &copies[1]));
    assert!(is_over_everywhere(&mut world, &copies[0]));
    world.eventually(|_| etcd.keys(&format!("{prefix}ended/")).len() > 1);
    let mut configuration = world.configuration();
    store(&mut configuration, &prefix);
    for replica in [0, 1] {
        world.harness.restart(replica, &configuration);
    }
    assert!(copies.iter().all(|copy| is_over_everywhere(&mut world, copy)));
    goes_on_everywhere(&mut world, &other);
}

/// Much is written to etcd between the last poll of the replica that signs out and the sign-out,
/// and the other replica has polled since.
pub fn a_replica_that_lags<H: Harness>() {
    let (mut world, prefix) = world::<H>(|_| {});
    let mut browser = world.signed_in();
    let copy = browser.clone();
    goes_on_everywhere(&mut world, &copy);
    for _ in 0..2 {
        world.harness.advance();
    }
    for number in 0..200 {
        Etcd::shared().put(&format!("{prefix}other/{number}"), "x");
    }
    world.harness.replicas[1].advance();
    world.harness.turn = 0;
    world.open(&mut browser, LOGOUT).reply();
    world.eventually(|world| is_over_everywhere(world, &copy));
}

/// Without an answer of etcd, each replica refreshes for itself.
pub fn a_refresh_does_not_need_etcd<H: Harness>() {
    let (mut world, _) = world::<H>(|configuration| configuration["tenants"][0]["refresh"] = json!({}));
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let mut browser = world.signed_in();
    etcd_answers(&world, Answer::Silence);
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(700));
        let before = calls(&world);
        world.harness.turn = 0;
        world.open(&mut browser, PAGE).forwarded();
        assert_eq!(calls(&world), before + 1);
    }
}

/// Whoever can write to etcd ends no session of anybody.
pub fn values_of_others_end_nothing<H: Harness>() {
    let (mut world, prefix) = world::<H>(|_| {});
    let bob = json!({ "sub": "bob", "email": "bob@acme.example", "email_verified": true });
    let (mut elsewhere, mut second, mut browser) = (world.browser(), world.browser(), world.signed_in());
    for (browser, person) in [(&mut elsewhere, &ada()), (&mut second, &bob)] {
        world.sign_in(browser, "globex", "https://globex.example/page", person);
    }
    // A sign-out of everything that is bob's, at one tenant.
    let etcd = Etcd::shared();
    let token = logout_token(&world, &json!({ "sub": "bob" }));
    assert_eq!(world.post(BACKCHANNEL, &[], &form(&token)).reply().status, 200);
    let of_acme = etcd.keys(&prefix);
    let sealed = &of_acme.iter().find(|(key, _)| key.contains("recent/")).unwrap().1;
    // The same among those of another, and junk.
    world.open(&mut elsewhere, "https://globex.example/oauth2/logout").reply();
    let of_globex = etcd.keys(&prefix).into_iter().filter(|pair| !of_acme.contains(pair));
    for (number, (key, _)) in of_globex.enumerate() {
        for junk in [sealed.as_str(), "", "k1.AAAA", "junk"] {
            etcd.put(&format!("{key}-{number}{}", junk.len()), junk);
        }
    }
    for key in ["recent/", "recent/zzz", "ended/", "ended/x/y", "recent/ffffffffffffffff/x/y"] {
        etcd.put(&format!("{prefix}{key}"), sealed);
    }
    for _ in 0..3 {
        world.harness.advance();
    }
    for _ in 0..2 {
        world.open(&mut second, "https://globex.example/page").forwarded();
        world.open(&mut browser, PAGE).forwarded();
    }
}

/// Junk in etcd, of any size and number, keeps no sign-out from any replica, and ends no session.
pub fn junk_does_not_get_in_the_way<H: Harness>() {
    let (mut world, prefix) = world::<H>(|_| {});
    let (mut leaver, mut late, stays) = (world.signed_in(), world.signed_in(), world.signed_in());
    let copies = [leaver.clone(), late.clone()];
    world.open(&mut leaver, LOGOUT).reply();
    let etcd = Etcd::shared();
    let (key, value) = etcd.keys(&format!("{prefix}ended/")).pop().unwrap();
    // The same sign-out under many keys that stand before it.
    let tenant = key.rsplit_once('/').unwrap().0;
    let copied: Vec<(Vec<u8>, String)> =
        (0..4200).map(|number| (format!("{tenant}/0{number:015}-x").into_bytes(), value.clone())).collect();
    etcd.put_all(&copied);
    // Keys that are no text, and values that fit into no answer.
    for start in [format!("{prefix}recent/"), format!("{tenant}/")] {
        let key = |end: &[u8]| [start.as_bytes(), end].concat();
        etcd.put_all(&[(key(b"\xff"), "x".to_owned()), (key(b"0\xff"), "x".to_owned())]);
        etcd.put_all(&[(key(b"ffffffffffffffff/x"), "x".repeat(70_000)), (key(b"00"), "x".repeat(70_000))]);
    }
    let mut configuration = world.configuration();
    store(&mut configuration, &prefix);
    take_logout_tokens(&mut configuration["tenants"][0]);
    world.harness.restart(1, &configuration);
    world.harness.turn = 1;
    assert_eq!(world.open(&mut copies[0].clone(), PAGE).reply().status, 302);
    goes_on_everywhere(&mut world, &stays);
    world.harness.turn = 0;
    world.open(&mut late, LOGOUT).reply();
    world.eventually(|world| is_over_everywhere(world, &copies[1]));
    goes_on_everywhere(&mut world, &stays);
    // A cookie whose session is over writes nothing more.
    let written = etcd.keys(&prefix).len();
    for _ in 0..5 {
        world.post(LOGOUT, &[("cookie", &copies[0].cookie_line("acme.example").unwrap())], b"").reply();
    }
    assert_eq!(etcd.keys(&prefix).len(), written);
}

/// etcd is away: sessions go on by what is known, and a sign-out is written when etcd is back.
pub fn etcd_is_away<H: Harness>() {
    let (mut world, _) = world::<H>(|_| {});
    let (mut browser, other) = (world.signed_in(), world.signed_in());
    let copy = browser.clone();
    goes_on_everywhere(&mut world, &copy);
    for answer in [Answer::Silence, Answer::Raw(503, b"no leader".to_vec()), Answer::Raw(200, b"<html>".to_vec())] {
        etcd_answers(&world, answer);
        for _ in 0..40 {
            world.harness.advance();
        }
        goes_on_everywhere(&mut world, &other);
    }
    assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
    let token = logout_token(&world, &json!({ "sub": "bob" }));
    for _ in 0..2 {
        let reply = world.post(BACKCHANNEL, &[], &form(&token)).reply();
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")), "{}", reply.body);
        assert!(reply.body.contains("store_unavailable"), "{}", reply.body);
    }
    let log = world.harness.log();
    for line in [
        "store_failed tenant=-: no sign-outs from etcd (cluster \"acme\"): no answer in time",
        "store_failed tenant=acme: a sign-out was not written to etcd (cluster \"acme\"): the answer is not one of etcd's JSON gateway (/v3); it is tried again",
    ] {
        assert!(log.contains(line), "{line}");
    }
    etcd_answers(&world, Answer::Normal);
    world.eventually(|world| is_over_everywhere(world, &copy));
    goes_on_everywhere(&mut world, &other);
    // The issuer can send the logout token again.
    assert_eq!(world.post(BACKCHANNEL, &[], &form(&token)).reply().status, 200);
    assert!(world.harness.log().contains("a sign-out was written to etcd at last"));
}

/// etcd is away, and the configuration refuses sessions then. Everything else goes on.
pub fn etcd_is_away_and_sessions_are_refused<H: Harness>() {
    let (mut world, _) = world::<H>(|configuration| {
        let etcd = &mut configuration["store"]["etcd"];
        (etcd["when_away"], etcd["max_staleness"]) = (json!("refuse"), json!("10s"));
        configuration["tenants"][0]["access"] =
            json!([{ "paths": ["/public"], "allow": "public" }, { "allow": "any_user" }]);
    });
    let (browser, other) = (world.signed_in(), world.signed_in());
    goes_on_everywhere(&mut world, &browser);
    etcd_answers(&world, Answer::Silence);
    for _ in 0..2 {
        world.harness.advance();
    }
    goes_on_everywhere(&mut world, &browser);
    for _ in 0..12 {
        world.harness.advance();
    }
    for outcome in open_everywhere(&mut world, &browser) {
        let reply = outcome.reply();
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
        assert!(reply.body.contains("cannot check right now whether you are still signed in"), "{}", reply.body);
    }
    let asks = world.send(&mut browser.clone(), "https://acme.example/oauth2/userinfo", &[]).reply();
    assert!(asks.status == 503 && asks.body.contains("store_unavailable"), "{}", asks.body);
    // Without a session nothing depends on the store, and a sign-out ends the session here.
    assert_eq!(world.open(&mut world.browser(), PAGE).reply().status, 302);
    for mut visitor in [world.browser(), browser.clone()] {
        let seen = world.send(&mut visitor, "https://acme.example/public", &NAVIGATION).forwarded();
        assert_eq!(values(&seen, "x-auth-request-user"), <[String; 0]>::default());
    }
    assert_eq!(world.open(&mut browser.clone(), LOGOUT).reply().status, 302);
    etcd_answers(&world, Answer::Normal);
    world.eventually(|world| {
        open_everywhere(world, &other).iter().all(|outcome| matches!(outcome, Outcome::Forwarded(..)))
    });
}

/// etcd has no space left: it answers reads and refuses writes. So everything goes on but what has
/// to be written, and a sign-out is written when there is space again.
pub fn etcd_is_full<H: Harness>() {
    let (etcd, prefix) = (Etcd::small(), prefix());
    let configure = |configuration: &mut Value| {
        store(configuration, &prefix);
        let of_etcd = &mut configuration["store"]["etcd"];
        (of_etcd["when_away"], of_etcd["max_staleness"]) = (json!("refuse"), json!("10s"));
        take_logout_tokens(&mut configuration["tenants"][0]);
        configuration["tenants"][0]["refresh"] = json!({});
    };
    let mut world = World::<Replicas<H>>::with_issuer(
        |issuer| {
            issuer.etcd = Some(EtcdAccess::new(etcd.address));
            issuer.refresh = Refresh::Rotating;
        },
        configure,
    );
    let (mut before, mut stays) = (world.signed_in(), world.signed_in());
    let known = before.clone();
    world.open(&mut before, LOGOUT).reply();
    world.eventually(|world| is_over_everywhere(world, &known));
    etcd.fill();
    let written = etcd.keys(&prefix);

    // Each replica refreshes for itself, and one that starts reads what was before.
    world.clock.advance(Duration::from_secs(700));
    world.harness.advance();
    let before = calls(&world);
    world.harness.turn = 0;
    world.open(&mut stays, PAGE).forwarded();
    assert_eq!(calls(&world), before + 1);
    let mut configuration = world.configuration();
    configure(&mut configuration);
    world.harness.restart(1, &configuration);
    world.harness.turn = 1;
    assert_eq!(world.open(&mut known.clone(), PAGE).reply().status, 302);

    let mut leaver = world.signed_in();
    let left = leaver.clone();
    let mut bob = world.browser();
    world.sign_in(&mut bob, "acme", PAGE, &json!({ "sub": "bob" }));
    [&left, &bob].into_iter().for_each(|browser| goes_on_everywhere(&mut world, browser));
    world.harness.turn = 0;
    assert_eq!(world.open(&mut leaver, LOGOUT).reply().status, 302);
    let token = logout_token(&world, &json!({ "sub": "bob" }));
    for _ in 0..2 {
        world.harness.turn = 0;
        let reply = world.post(BACKCHANNEL, &[], &form(&token)).reply();
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")), "{}", reply.body);
    }
    for _ in 0..20 {
        world.harness.advance();
    }
    for browser in [&left, &bob] {
        world.harness.turn = 0;
        assert_eq!(world.open(&mut browser.clone(), PAGE).reply().status, 302);
        world.open(&mut browser.clone(), PAGE).forwarded();
    }
    assert_eq!(etcd.keys(&prefix), written);
    let log = world.harness.log();
    let refused = "store_failed tenant=acme: a sign-out was not written to etcd (cluster \"acme\"): status 429: \
                   etcdserver: mvcc: database space exceeded; it is tried again";
    assert!(log.contains(refused), "{log}");
    assert!(!log.contains("no sign-outs from etcd"), "{log}");

    etcd.make_space();
    world.eventually(|world| is_over_everywhere(world, &left));
    assert!(world.harness.log().contains("a sign-out was written to etcd at last"));
    assert_eq!(world.post(BACKCHANNEL, &[], &form(&token)).reply().status, 200);
    world.eventually(|world| is_over_everywhere(world, &bob));
    goes_on_everywhere(&mut world, &stays);
}

/// etcd wants a user. The token that it gives ends before the gate does.
pub fn etcd_with_users<H: Harness>() {
    let etcd = Etcd::with_users(&["--auth-token-ttl", "1"], &[("gate", "gate-\"password\"", "READWRITE")]);
    let without_users = Etcd::start(&[]);
    for (etcd, user, log) in [
        (&etcd, Some("gate-\"password\""), None),
        (&etcd, Some("wrong"), Some("status 400: etcdserver: authentication failed, invalid user ID or password")),
        (&etcd, None, Some("status 400: etcdserver: user name is empty; set `etcd.username` and `password`")),
        (&without_users, Some("gate"), Some(": etcdserver: authentication is not enabled")),
    ] {
        let mut world = World::<Replicas<H>>::with_issuer(
            |issuer| issuer.etcd = Some(EtcdAccess::new(etcd.address)),
            |configuration| {
                store(configuration, "/tenantgate/");
                if let Some(password) = user {
                    configuration["store"]["etcd"]["username"] = json!("gate");
                    configuration["store"]["etcd"]["password"] = json!(password);
                }
            },
        );
        world.issuer("acme", |issuer| issuer.secrets.extend(user.map(str::to_owned)));
        let mut browser = world.signed_in();
        let copy = browser.clone();
        world.harness.advance();
        // etcd forgets the tokens that are not used for a second.
        std::thread::sleep(Duration::from_millis(2500));
        world.open(&mut browser, LOGOUT).reply();
        match log {
            None => world.eventually(|world| is_over_everywhere(world, &copy)),
            Some(line) => assert!(world.harness.log().contains(line), "{}", world.harness.log()),
        }
    }
}

/// Tokens that are JWTs are too old for etcd as soon as its users or roles have changed.
pub fn users_of_etcd_change<H: Harness>() {
    let mut key = NamedTempFile::new().unwrap();
    key.write_all(b"the key with which etcd signs tokens").unwrap();
    let tokens = format!("jwt,priv-key={},sign-method=HS256,ttl=10m", key.path().display());
    let password = "a-password-of-the-gate";
    let etcd = Etcd::with_users(&["--auth-token", &tokens], &[("gate", password, "READWRITE")]);
    let mut world = World::<Replicas<H>>::with_issuer(
        |issuer| issuer.etcd = Some(EtcdAccess::new(etcd.address)),
        |configuration| {
            store(configuration, "/tenantgate/");
            let of_etcd = &mut configuration["store"]["etcd"];
            (of_etcd["username"], of_etcd["password"]) = (json!("gate"), json!(password));
        },
    );
    world.issuer("acme", |issuer| issuer.secrets.push(password.to_owned()));
    let [mut first, mut second] = [(); 2].map(|()| world.signed_in());
    let copies = [first.clone(), second.clone()];
    world.open(&mut first, LOGOUT).reply();
    world.eventually(|world| is_over_everywhere(world, &copies[0]));
    assert_eq!(etcd.post("/v3/auth/role/add", &json!({ "name": "another" })).0, 200);
    world.open(&mut second, LOGOUT).reply();
    world.eventually(|world| is_over_everywhere(world, &copies[1]));
}

/// Each key has a lease that ends when the key is of no more use, and at most two hours later. Only
/// the generation stays.
pub fn what_is_written_goes_by_itself<H: Harness>() {
    let (mut world, prefix) = world::<H>(|configuration| configuration["tenants"][0]["refresh"] = json!({}));
    let claims = Arc::new(Mutex::new(Vec::new()));
    world.issuer("acme", |issuer| {
        let (claims, refreshes) = (claims.clone(), format!("{prefix}refresh/"));
        issuer.refresh = Refresh::Rotating;
        // The issuer answers a refresh.
        issuer.tamper = Box::new(move |token| {
            claims.lock().unwrap().extend(Etcd::shared().leases(&refreshes));
            token
        });
    });
    let mut browser = world.signed_in();
    world.clock.advance(Duration::from_secs(700));
    world.open(&mut browser, PAGE).forwarded();
    let copy = browser.clone();
    world.open(&mut browser, LOGOUT).reply();
    let token = logout_token(&world, &json!({ "sub": "bob" }));
    assert_eq!(world.post(BACKCHANNEL, &[], &form(&token)).reply().status, 200);
    world.eventually(|world| is_over_everywhere(world, &copy));

    // The time that a refresh may take, and 20 to 30 seconds.
    assert!(matches!(claims.lock().unwrap()[..], [(_, 30..=60)]), "{claims:?}");
    let mut leases: Vec<(String, u64)> = Vec::new();
    for (key, seconds) in Etcd::shared().leases(&prefix) {
        leases.push((key.strip_prefix(&prefix).unwrap().split('/').next().unwrap().to_owned(), seconds));
    }
    let (hour, lifetime) = (3600, 8 * 3600);
    let expected = [
        ("ended", lifetime + 2 * hour),
        ("ended", lifetime + 2 * hour),
        ("recent", 2 * hour),
        ("recent", 2 * hour),
        ("recent", 0),
        ("refresh", 2 * hour),
        ("token", 2 * hour),
    ];
    assert_eq!(leases, expected.map(|(kind, seconds)| (kind.to_owned(), seconds)));
}
