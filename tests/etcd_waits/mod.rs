//! The waits for etcd, in simulated time: how long requests wait, and what they get then. The
//! bounds are those of docs/operations.md ("etcd is slow").

use std::time::Duration;

use serde_json::json;

use super::scenarios::backchannel::{form, logout_token};
use super::scenarios::documents::{Found, found};
use super::scenarios::refresh::calls;
use super::scenarios::store::{BACKCHANNEL, LOGOUT, PAGE, goes_on_everywhere, is_over_everywhere, world};
use super::support::browser::Browser;
use super::support::core_harness::CoreHarness as Replica;
use super::support::etcd::{Etcd, store};
use super::support::harness::{Harness, Outcome, Reply};
use super::support::issuer::{Answer, Refresh};
use super::support::replicas::Replicas;
use super::support::world::World;

const SIGN_OUT: Duration = Duration::from_secs(8);
const FIRST_POLL: Duration = Duration::from_secs(8);
const LIST: Duration = Duration::from_secs(8);
const CLAIM: Duration = Duration::from_secs(7);
const LOOKUP: Duration = Duration::from_secs(14);
/// Calls wait so long for an answer.
const LOST: Duration = Duration::from_secs(2);
const FAST: Duration = Duration::from_millis(500);
const SLOW: Duration = Duration::from_millis(1500);
const SLOWEST: Duration = Duration::from_millis(1900);
const AT_ONCE: &[Duration] = &[Duration::ZERO];
/// How long the answers of etcd to the attempts of a call take, in turn.
const DELAYS: [&[Duration]; 5] = [&[FAST], &[SLOW], &[SLOWEST], TWO_LOST, &[LOST]];
/// Only one of three calls gets an answer, so nothing fails.
const TWO_LOST: &[Duration] = &[LOST, LOST, SLOWEST];

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

/// From now on, the answers of etcd take so long: those to the attempts of a call in turn.
fn etcd_takes<H: Harness>(world: &World<H>, delays: &'static [Duration]) {
    world.issuer("acme", |issuer| {
        issuer.etcd.as_mut().unwrap().take(|_, attempt| delays[attempt % delays.len()]);
    });
}

/// What `act` gives, and how long it takes.
fn timed<H: Harness, T>(world: &mut World<H>, act: impl FnOnce(&mut World<H>) -> T) -> (T, Duration) {
    let before = world.clock.since_1970();
    let result = act(world);
    (result, world.clock.since_1970() - before)
}

/// Opens the page at a replica.
fn open_at(world: &mut World<Replicas<Replica>>, replica: usize, browser: &Browser) -> (Outcome, Duration) {
    world.harness.turn = replica;
    timed(world, |world| world.open(&mut browser.clone(), PAGE))
}

#[test]
fn a_sign_out_waits_eight_seconds_at_most() {
    for delays in DELAYS {
        let (mut world, _) = world::<Replica>(|_| {});
        let mut leaver = world.signed_in();
        let copy = leaver.clone();
        goes_on_everywhere(&mut world, &copy);
        etcd_takes(&world, delays);
        world.harness.turn = 0;
        let (outcome, time) = timed(&mut world, |world| world.open(&mut leaver, LOGOUT));
        assert_eq!(outcome.reply().status, 302);
        // A write that needs leases is two calls, one for each lease, and one for what is written.
        let calls = 4 * delays[0];
        assert!(time <= SIGN_OUT && time >= calls.min(3 * LOST), "{delays:?}: {time:?}");
        if delays != [LOST] {
            world.eventually(|world| is_over_everywhere(world, &copy));
        }
    }
}

/// A logout token is answered 200 if etcd has it in time. If not, the issuer can send it again, and
/// then etcd may have it.
#[test]
fn a_logout_token_waits_eight_seconds_at_most() {
    for delays in DELAYS {
        let (mut world, _) = world::<Replica>(|_| {});
        let browser = world.signed_in();
        goes_on_everywhere(&mut world, &browser);
        let token = logout_token(&world, &json!({ "sub": "ada" }));
        let post = |world: &mut World<Replicas<Replica>>| -> (Reply, Duration) {
            world.harness.turn = 0;
            timed(world, |world| world.post(BACKCHANNEL, &[], &form(&token)).reply())
        };
        etcd_takes(&world, delays);
        let (reply, time) = post(&mut world);
        assert!(time <= SIGN_OUT && time >= delays[0], "{delays:?}: {time:?}");
        // With slow answers, it depends on the fraction of a second in which it begins.
        let expected = if delays == [FAST] { 200 } else { 503 };
        assert!(reply.status == expected || delays == [SLOW] && reply.status == 200, "{delays:?} {time:?}");
        etcd_takes(&world, AT_ONCE);
        (0..10).for_each(|_| world.harness.advance());
        let expected = if delays == [LOST] { 200 } else { 400 };
        assert_eq!(post(&mut world).0.status, expected, "{delays:?}");
        world.eventually(|world| is_over_everywhere(world, &browser));
    }
}

/// A process that has just started reads the sign-outs of the tenant, if etcd answers.
#[test]
fn the_first_session_waits_sixteen_seconds_at_most() {
    for delays in DELAYS {
        let (mut world, prefix) = world::<Replica>(|_| {});
        let (mut leaver, stays) = (world.signed_in(), world.signed_in());
        let copy = leaver.clone();
        world.open(&mut leaver, LOGOUT).reply();
        let mut configuration = world.configuration();
        store(&mut configuration, &prefix);
        for (browser, is_over) in [(&copy, true), (&stays, false)] {
            etcd_takes(&world, delays);
            world.harness.restart(1, &configuration);
            let (outcome, time) = open_at(&mut world, 1, browser);
            assert!(time <= FIRST_POLL + LIST, "{delays:?}: {time:?}");
            // Without an answer, sessions go on.
            assert_eq!(matches!(outcome, Outcome::Replied(_)), is_over && delays != [LOST], "{delays:?}");
            let shortest = if delays == [LOST] { 3 * LOST } else { 2 * delays.iter().sum::<Duration>() };
            assert!(time >= shortest, "{delays:?}: {time:?}");
            // Later ones do not wait.
            assert_eq!(open_at(&mut world, 1, browser).1, Duration::ZERO);
        }
    }
}

/// Nobody waits for a list that takes longer, and it counts as soon as it was read.
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
    etcd_takes(&world, &[SLOWEST]);
    let mut configuration = world.configuration();
    store(&mut configuration, &prefix);
    world.harness.restart(1, &configuration);
    let (outcome, time) = open_at(&mut world, 1, &copy);
    outcome.forwarded();
    assert!(time <= FIRST_POLL + LIST && time > LIST, "{time:?}");
    let (outcome, time) = open_at(&mut world, 1, &copy);
    outcome.forwarded();
    assert_eq!(time, Duration::ZERO);
    (0..60).for_each(|_| world.harness.replicas[1].advance());
    assert_eq!(open_at(&mut world, 1, &copy).0.reply().status, 302);
    open_at(&mut world, 1, &stays).0.forwarded();
}

/// One replica makes the refresh, and the other takes the result. If etcd leaves too much without
/// an answer, the first one makes it, too. A request does not wait for a refresh that is due, but
/// its response does, and one waits for a refresh that is overdue.
#[test]
fn a_refresh_waits_seven_seconds_more_at_most() {
    for (delays, age) in DELAYS.into_iter().flat_map(|delays| [(delays, 310), (delays, 700)]) {
        let (mut world, _) = world::<Replica>(|configuration| configuration["tenants"][0]["refresh"] = json!({}));
        world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
        let browser = world.signed_in();
        goes_on_everywhere(&mut world, &browser);
        world.clock.advance(Duration::from_secs(age));
        etcd_takes(&world, delays);
        let before = calls(&world);
        let replicas = if delays.contains(&LOST) { 1 } else { 2 };
        for replica in 0..replicas {
            let (outcome, time) = open_at(&mut world, replica, &browser);
            outcome.forwarded();
            let longest = CLAIM + Duration::from_secs(3);
            assert!(time <= longest && time >= delays[0], "{delays:?} {age} {replica}: {time:?}");
            // etcd has the result.
            (0..20).for_each(|_| world.harness.replicas[replica].advance());
        }
        assert_eq!(calls(&world) - before, 1, "{delays:?} {age}");
    }
}

/// A replica that has ended before its refresh did leaves the claim. The others do not wait longer
/// than the refresh would have taken.
#[test]
fn a_refresh_that_never_ends_is_not_awaited_longer() {
    for (userinfo, longest) in [(false, 3), (true, 5)] {
        for delays in [AT_ONCE, &[SLOW]] {
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
            open_at(&mut world, 0, &browser).0.forwarded();
            let (key, _) = Etcd::shared().keys(&format!("{prefix}refresh/")).pop().unwrap();
            Etcd::shared().put(&key, "of another");
            let before = calls(&world);
            etcd_takes(&world, delays);
            let (outcome, time) = open_at(&mut world, 1, &browser);
            outcome.forwarded();
            let longest = Duration::from_secs(longest) + CLAIM;
            assert!(time <= longest && time > longest - Duration::from_secs(2), "{userinfo} {delays:?}: {time:?}");
            assert_eq!(calls(&world), before);
        }
    }
}

/// The claim takes longer than a refresh may in all, and then the provider takes its time. The next
/// request sends the refresh token no second time.
#[test]
fn a_refresh_whose_claim_took_too_long_is_made_once() {
    // With the second timeout, the request goes on before the claim has failed.
    for timeout in [5, 2] {
        is_made_once(timeout);
    }
}

fn is_made_once(timeout: u64) {
    let (mut world, _) = world::<Replica>(|configuration| {
        let acme = &mut configuration["tenants"][0];
        (acme["refresh"], acme["provider"]["timeout"]) = (json!({}), json!(format!("{timeout}s")));
    });
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let browser = world.signed_in();
    goes_on_everywhere(&mut world, &browser);
    world.clock.advance(Duration::from_secs(700));
    let before = calls(&world);
    world.issuer("acme", |issuer| issuer.delay = Duration::from_millis(timeout * 1000 - 100));
    // The answers say that there is no lease, and there is none to its grant.
    world.issuer("acme", |issuer| {
        let etcd = issuer.etcd.as_mut().unwrap();
        etcd.take(|path, _| if path == "/v3/lease/grant" { LOST } else { SLOWEST });
        etcd.lost_leases = usize::MAX;
    });
    let (outcome, time) = open_at(&mut world, 0, &browser);
    outcome.forwarded();
    assert!(time >= Duration::from_secs(timeout + 8), "{time:?}");
    open_at(&mut world, 0, &browser).0.forwarded();
    (0..20).for_each(|_| world.harness.advance());
    assert_eq!(calls(&world) - before, 1, "{timeout}");
}

/// A host that the process does not know.
#[test]
fn a_tenant_that_is_looked_up_waits_fourteen_seconds_at_most() {
    for delays in DELAYS {
        for (host, status, reads) in [("acme.example", 302, 2), ("nobody.example", 404, 1)] {
            let Found { mut world, .. } = found::<Replica>(|_| {});
            // The process follows the changes of tenants.
            (0..3).for_each(|_| world.harness.advance());
            etcd_takes(&world, delays);
            let url = format!("https://{host}/page");
            let (outcome, time) = timed(&mut world, |world| world.open(&mut world.browser(), &url));
            let shortest = if delays == [LOST] { 3 * LOST } else { reads * delays.iter().sum::<Duration>() };
            assert!(time <= LOOKUP && time >= shortest, "{delays:?}: {time:?}");
            let expected = if delays == [LOST] { 503 } else { status };
            assert_eq!(outcome.reply().status, expected, "{delays:?} {host}");
        }
    }
}
