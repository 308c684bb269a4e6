//! The waits for etcd, in simulated time.

use std::time::Duration;

use serde_json::json;

use super::scenarios::backchannel::{form, logout_token};
use super::scenarios::documents::{Found, found};
use super::scenarios::refresh::calls;
use super::scenarios::store::{goes_on_everywhere, is_over_everywhere, world};
use super::support::browser::Browser;
use super::support::core_harness::CoreHarness;
use super::support::etcd::{Etcd, store};
use super::support::harness::{Harness, Outcome};
use super::support::issuer::{Answer, Refresh};
use super::support::replicas::Replicas;
use super::support::world::World;

const LOGOUT: &str = "https://acme.example/oauth2/logout";
const BACKCHANNEL: &str = "https://acme.example/oauth2/backchannel-logout";
const PAGE: &str = "https://acme.example/page";
/// How long etcd takes for an answer. The calls wait no longer than the last of these.
const DELAYS: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_millis(1500), Duration::from_millis(1900), NO_ANSWER];
const NO_ANSWER: Duration = Duration::from_secs(2);

type Replica = CoreHarness;

/// A sign-out waits until etcd has it, but not for an etcd that has not answered the last poll.
#[test]
fn a_sign_out_waits_for_an_etcd_that_answers() {
    let (mut world, _) = world::<Replica>(|_| {});
    let (first, second) = (world.signed_in(), world.signed_in());
    for (mut browser, answer, waits) in [(first, Answer::Normal, 1), (second, Answer::Silence, 0)] {
        world.issuer("acme", |issuer| issuer.etcd.as_mut().unwrap().answer = answer);
        for _ in 0..3 {
            world.harness.advance();
        }
        let before = store_waits(&world);
        assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
        assert_eq!(store_waits(&world) - before, waits);
    }
}

fn store_waits(world: &World<Replicas<Replica>>) -> usize {
    world.harness.replicas.iter().map(|replica| replica.store_waits).sum()
}

/// From now on, etcd takes so long for each answer.
fn etcd_takes<H: Harness>(world: &World<H>, delay: Duration) {
    world.issuer("acme", |issuer| issuer.etcd.as_mut().unwrap().delay = delay);
}

/// What `act` gives, and how long it takes.
fn timed<H: Harness, T>(world: &mut World<H>, act: impl FnOnce(&mut World<H>) -> T) -> (T, Duration) {
    let before = world.clock.since_1970();
    let result = act(world);
    (result, world.clock.since_1970() - before)
}

/// The bounds of docs/operations.md ("etcd is slow").
const SIGN_OUT: Duration = Duration::from_secs(8);
const FIRST_POLL: Duration = Duration::from_secs(8);
const LIST: Duration = Duration::from_secs(8);
const CLAIM: Duration = Duration::from_secs(7);
const LOOKUP: Duration = Duration::from_secs(14);

#[test]
fn a_sign_out_waits_eight_seconds_at_most() {
    for delay in DELAYS {
        let (mut world, _) = world::<Replica>(|_| {});
        let (mut leaver, stays) = (world.signed_in(), world.signed_in());
        let copy = leaver.clone();
        goes_on_everywhere(&mut world, &copy);
        etcd_takes(&world, delay);
        world.harness.turn = 0;
        let (outcome, time) = timed(&mut world, |world| world.open(&mut leaver, LOGOUT));
        assert_eq!(outcome.reply().status, 302);
        assert!(time <= SIGN_OUT && time >= delay, "{delay:?}: {time:?}");
        // The issuer ends all sessions of ada, and may have to send the logout token again.
        let token = logout_token(&world, &json!({ "sub": "ada" }));
        let (outcome, time) = timed(&mut world, |world| world.post(BACKCHANNEL, &[], &form(&token)));
        let status = outcome.reply().status;
        assert!(time <= SIGN_OUT && matches!(status, 200 | 503), "{delay:?}: {time:?} {status}");
        if delay < NO_ANSWER {
            world.eventually(|world| is_over_everywhere(world, &copy) && is_over_everywhere(world, &stays));
        }
    }
}

/// A process that has just started reads the sign-outs of the tenant, if etcd answers.
#[test]
fn the_first_session_waits_sixteen_seconds_at_most() {
    for delay in DELAYS {
        let (mut world, prefix) = world::<Replica>(|_| {});
        let (mut leaver, stays) = (world.signed_in(), world.signed_in());
        let copy = leaver.clone();
        world.open(&mut leaver, LOGOUT).reply();
        etcd_takes(&world, delay);
        let mut configuration = world.configuration();
        store(&mut configuration, &prefix);
        for (browser, is_over) in [(&copy, true), (&stays, false)] {
            world.harness.restart(1, &configuration);
            world.harness.turn = 1;
            let (outcome, time) = timed(&mut world, |world| world.open(&mut browser.clone(), PAGE));
            assert!(time <= FIRST_POLL + LIST, "{delay:?}: {time:?}");
            // Without an answer, sessions go on.
            assert_eq!(matches!(outcome, Outcome::Replied(_)), is_over && delay < NO_ANSWER, "{delay:?}");
            assert!(delay == NO_ANSWER || time >= delay * 2, "{delay:?}: {time:?}");
            // Later ones do not wait.
            world.harness.turn = 1;
            let (_, time) = timed(&mut world, |world| world.open(&mut browser.clone(), PAGE));
            assert_eq!(time, Duration::ZERO);
        }
    }
}

/// A list that takes longer is not awaited to its end. It counts as soon as it was read.
#[test]
fn a_long_list_is_not_awaited_longer() {
    let (mut world, prefix) = world::<Replica>(|_| {});
    let (mut leaver, stays) = (world.signed_in(), world.signed_in());
    let copy = leaver.clone();
    world.open(&mut leaver, LOGOUT).reply();
    // The oldest is read last.
    world.clock.advance(Duration::from_secs(1));
    for number in 0..1000 {
        let token = logout_token(&world, &json!({ "sub": format!("user-{number}") }));
        assert_eq!(world.post(BACKCHANNEL, &[], &form(&token)).reply().status, 200);
    }
    etcd_takes(&world, Duration::from_millis(1900));
    let mut configuration = world.configuration();
    store(&mut configuration, &prefix);
    world.harness.restart(1, &configuration);
    let open = |world: &mut World<Replicas<Replica>>, browser: &Browser| {
        world.harness.turn = 1;
        timed(world, |world| world.open(&mut browser.clone(), PAGE))
    };
    let (outcome, time) = open(&mut world, &copy);
    outcome.forwarded();
    assert!(time <= FIRST_POLL + LIST && time > LIST, "{time:?}");
    (0..60).for_each(|_| world.harness.replicas[1].advance());
    assert_eq!(open(&mut world, &copy).0.reply().status, 302);
    open(&mut world, &stays).0.forwarded();
}

/// One replica makes the refresh, and the other takes the result. Without an answer of etcd the
/// first one makes it, too.
#[test]
fn a_refresh_waits_seven_seconds_more_at_most() {
    for delay in DELAYS {
        let (mut world, _) = world::<Replica>(|configuration| configuration["tenants"][0]["refresh"] = json!({}));
        world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
        let browser = world.signed_in();
        goes_on_everywhere(&mut world, &browser);
        etcd_takes(&world, delay);
        // The request does not wait for a refresh that is due, but its response does, and one waits
        // for a refresh that is overdue.
        for age in [310, 700] {
            world.clock.advance(Duration::from_secs(age));
            let before = calls(&world);
            let replicas = if delay < NO_ANSWER { 2 } else { 1 };
            for replica in 0..replicas {
                world.harness.turn = replica;
                let (outcome, time) = timed(&mut world, |world| world.open(&mut browser.clone(), PAGE));
                outcome.forwarded();
                assert!(time <= CLAIM + Duration::from_secs(1), "{delay:?} {age} {replica}: {time:?}");
                // etcd has the result.
                (0..10).for_each(|_| world.harness.replicas[replica].advance());
            }
            assert_eq!(calls(&world) - before, 1, "{delay:?} {age}");
        }
    }
}

/// A host that the process does not know.
#[test]
fn a_tenant_that_is_looked_up_waits_fourteen_seconds_at_most() {
    for delay in DELAYS {
        let Found { mut world, .. } = found::<Replica>(|_| {});
        etcd_takes(&world, delay);
        for (host, status) in [("acme.example", 302), ("nobody.example", 404)] {
            let url = format!("https://{host}/page");
            let (outcome, time) = timed(&mut world, |world| world.open(&mut world.browser(), &url));
            assert!(time <= LOOKUP && time >= delay, "{delay:?}: {time:?}");
            let expected = if delay < NO_ANSWER { status } else { 503 };
            assert_eq!(outcome.reply().status, expected, "{delay:?} {host}");
        }
    }
}

/// A replica that has ended before its refresh did leaves the claim. The others do not wait longer
/// than the refresh would have taken.
#[test]
fn a_refresh_that_never_ends_is_not_awaited_longer() {
    for (userinfo, longest) in [(false, 3), (true, 5)] {
        for delay in [Duration::ZERO, Duration::from_millis(1500)] {
            let (mut world, prefix) = world::<Replica>(|configuration| {
                let acme = &mut configuration["tenants"][0];
                (acme["refresh"], acme["provider"]["timeout"]) = (json!({}), json!("2s"));
                acme["login"]["userinfo"] = json!(userinfo);
                acme["provider"]["userinfo_endpoint"] = json!("https://login.acme.example/userinfo");
            });
            world.issuer("acme", |issuer| {
                (issuer.refresh, issuer.userinfo.1) = (Refresh::Rotating, json!({ "sub": "ada" }));
            });
            let browser = world.signed_in();
            goes_on_everywhere(&mut world, &browser);
            world.clock.advance(Duration::from_secs(700));
            world.eventually(|_| true);
            world.harness.turn = 0;
            world.open(&mut browser.clone(), PAGE).forwarded();
            let (key, _) = Etcd::shared().keys(&format!("{prefix}refresh/")).pop().unwrap();
            Etcd::shared().put(&key, "of another");
            let before = calls(&world);
            etcd_takes(&world, delay);
            world.harness.turn = 1;
            let (outcome, time) = timed(&mut world, |world| world.open(&mut browser.clone(), PAGE));
            outcome.forwarded();
            let longest = Duration::from_secs(longest) + CLAIM;
            assert!(time <= longest && time > longest - Duration::from_secs(2), "{userinfo} {delay:?}: {time:?}");
            assert_eq!(calls(&world), before);
        }
    }
}
