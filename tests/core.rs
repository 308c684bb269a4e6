//! Tier `core`: the scenarios with the filter as a library and simulated time.
#![allow(clippy::restriction, clippy::disallowed_methods, unreachable_pub, reason = "tests")]

#[deny(dead_code, reason = "a scenario in no list would not run")]
mod scenarios;
mod support;

use support::core_harness::CoreHarness;

scenarios::scenarios!(all CoreHarness);

/// Tenants that are compiled when they are needed give the same results.
mod deferred {
    use super::*;

    scenarios::scenarios!(all CoreHarness<true>);
}

#[path = "costs/allocations.rs"]
mod allocations;

mod etcd_waits;

/// Without a store, nothing in the shared data is there for one.
#[test]
fn only_a_store_shares_what_it_read() {
    for has_store in [false, true] {
        let mut world = scenarios::without_store::world::<CoreHarness>(has_store);
        scenarios::without_store::life_of_a_session(&mut world);
        let keys = world.harness.shared.keys("tenantgate/");
        let of_store = keys.iter().filter(|key| key.starts_with("tenantgate/store")).count();
        assert_eq!((keys.is_empty(), of_store > 0), (false, has_store), "{keys:?}");
    }
}

/// Another plugin in the same Envoy writes to the shared data.
mod other_plugins {
    use std::time::Duration;

    use serde_json::{Value, json};
    use tenantgate::env::shared::SharedData as _;

    use super::scenarios::backchannel::{form, logout_token, take_logout_tokens};
    use super::support::browser::Browser;
    use super::support::core_harness::CoreHarness;
    use super::support::etcd::{Etcd, EtcdAccess, prefix, store};
    use super::support::harness::{Harness as _, Outcome, values};
    use super::support::issuer::{Issuer, Refresh};
    use super::support::world::World;

    const PAGE: &str = "https://acme.example/";
    const LOGOUT: &str = "https://acme.example/oauth2/logout";

    fn session_of(browser: &Browser) -> Vec<u8> {
        let line = browser.cookie_line("acme.example").unwrap();
        let value = line.split("; ").find_map(|pair| pair.strip_prefix("__Host-tenantgate-session="));
        value.unwrap().as_bytes().to_vec()
    }

    /// Nothing that another plugin reads of a refresh is a cookie. Results that it exchanges count
    /// as none.
    #[test]
    fn a_refresh_gives_no_other_session() {
        let refreshes = |configuration: &mut Value| configuration["tenants"][0]["refresh"] = json!({});
        let mut world = World::<CoreHarness>::with(refreshes);
        world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
        let sign_in = |world: &mut World<CoreHarness>, name: &str| {
            let mut browser = world.browser();
            world.sign_in(&mut browser, "acme", PAGE, &json!({ "sub": name }));
            browser
        };
        let (mut ada, mut bob) = (sign_in(&mut world, "ada"), sign_in(&mut world, "bob"));
        let (mut behind, results) = loop {
            let behind = [ada.clone(), bob.clone()];
            world.clock.advance(Duration::from_secs(300));
            world.open(&mut ada, PAGE).forwarded();
            world.open(&mut bob, PAGE).forwarded();
            let sessions = [session_of(&ada), session_of(&bob)];
            // The last result of each slot, sealed: the id of the session key, and base64url.
            let mut results = Vec::new();
            for key in slots() {
                let Some((bytes, _)) = world.harness.shared.get(&key) else { continue };
                assert!(!sessions.iter().any(|session| bytes.windows(session.len()).any(|part| part == session)));
                let place = bytes.windows(3).rposition(|part| part == b"k1.");
                results.extend(place.map(|place| (key, bytes[place..].to_vec())));
            }
            // Two refreshes may share a slot.
            if let Ok(results) = <[_; 2]>::try_from(results) {
                break (behind, results);
            }
            let keys = world.harness.shared.clear("tenantgate/refresh/");
            world.harness.shared.overwrite(&keys);
        };
        let [(first, one), (second, other)] = &results;
        assert_eq!(one.len(), other.len());
        for (key, own, foreign) in [(first, one, other), (second, other, one)] {
            let (mut bytes, _) = world.harness.shared.get(key).unwrap();
            let place = bytes.len() - own.len();
            bytes[place..].copy_from_slice(foreign);
            world.harness.shared.set(key, &bytes, None).unwrap();
        }
        for (browser, name) in behind.iter_mut().zip(["ada", "bob"]) {
            if let Outcome::Forwarded(seen, _) = world.open(browser, PAGE) {
                assert_eq!(values(&seen, "x-auth-request-user"), [name]);
            }
        }
    }

    /// With a store the list of a tenant is read once for all VMs. If another plugin overwrites it,
    /// what the next sign-out makes of it is not the whole list.
    #[test]
    fn a_list_that_was_lost_is_read_again() {
        let prefix = prefix();
        let change = |configuration: &mut Value| {
            store(configuration, &prefix);
            take_logout_tokens(&mut configuration["tenants"][0]);
        };
        let reach_etcd = |issuer: &mut Issuer| issuer.etcd = Some(EtcdAccess::new(Etcd::shared().address));
        let mut world = World::<CoreHarness>::with_issuer(reach_etcd, change);
        let (mut ada, bob) = (world.signed_in(), world.signed_in());
        let mut copy = ada.clone();
        world.open(&mut ada, LOGOUT).reply();
        assert!(matches!(world.open(&mut copy, PAGE), Outcome::Replied(_)));

        let lists = world.harness.shared.clear("tenantgate/revoked/");
        world.harness.shared.overwrite(&lists);
        // A VM that has not read the list yet.
        let mut configuration = world.configuration();
        change(&mut configuration);
        world.harness.reconfigure(&configuration);
        let token = logout_token(&world, &json!({ "sub": "eve" }));
        let url = "https://acme.example/oauth2/backchannel-logout";
        assert_eq!(world.post(url, &[], &form(&token)).reply().status, 200);
        assert!(matches!(world.open(&mut copy, PAGE), Outcome::Replied(_)));
        world.open(&mut bob.clone(), PAGE).forwarded();
    }

    fn slots() -> impl Iterator<Item = String> {
        (0..=u8::MAX).map(|number| format!("tenantgate/refresh/{number}"))
    }
}

/// Failures of the host, and inputs in the wrong order.
mod host_failures {
    use std::sync::Arc;

    use serde_json::json;
    use tenantgate::base::secret::Secret;
    use tenantgate::base::time::UnixTime;
    use tenantgate::config;
    use tenantgate::env::shared::{NoSharedData, SharedData};
    use tenantgate::env::{Entropy, Env, NoEntropy};
    use tenantgate::filter::{Effect, Filter, Input, RequestEffect};
    use tenantgate::http::call::CallFailure;
    use tenantgate::http::request::{BodyError, RequestHead};
    use tenantgate::runtime::Runtime;

    use super::support::clock::Clock;
    use super::support::configuration::{configuration, tenant};
    use super::support::core_harness::{LOAD_CONTEXT, MachineEntropy, VERIFIER};
    use super::support::issuer::Issuer;
    use super::support::shared::SharedStore;
    use super::support::signer::Signer;

    struct Dry;

    impl Entropy for Dry {
        fn fill(&mut self, _buffer: &mut [u8]) -> Result<(), NoEntropy> {
            Err(NoEntropy)
        }
    }

    fn runtime() -> Arc<Runtime> {
        let issuer = Issuer::new("https://login.acme.example", "none", Signer::eddsa(), Clock::Real);
        let configuration = configuration(&[tenant("acme", &issuer)]).to_string();
        Arc::new(config::load(configuration.as_bytes(), LOAD_CONTEXT).unwrap().runtime)
    }

    fn visit() -> Input {
        let lines = [(":method", "GET"), (":authority", "acme.example"), (":path", "/"), ("accept", "text/html")];
        Input::Request(RequestHead::new(lines.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))))
    }

    fn status(effect: &Effect) -> u16 {
        match effect {
            Effect::Request(RequestEffect::Reply(reply)) => reply.status,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_randomness_no_login_begins() {
        let effect = Filter::new(runtime())
            .step(visit(), &mut Env::new(Some(UnixTime(1_800_000_000)), &mut Dry, VERIFIER, &NoSharedData));
        assert_eq!(status(&effect), 503);
    }

    #[test]
    fn without_time_nothing_is_decided() {
        let effect =
            Filter::new(runtime()).step(visit(), &mut Env::new(None, &mut MachineEntropy, VERIFIER, &NoSharedData));
        assert_eq!(status(&effect), 503);
    }

    /// A token that cannot be verified without a clock gets 503, even on a public page.
    #[test]
    fn without_time_a_token_on_a_public_page_gets_503() {
        let clock = Clock::simulated();
        let issuer = Issuer::new("https://login.acme.example", "none", Signer::eddsa(), clock.clone());
        let mut tenant = tenant("acme", &issuer);
        tenant["bearer"] = json!({ "audiences": ["api"] });
        tenant["access"] = json!([{ "allow": "public" }]);
        let runtime = config::load(configuration(&[tenant]).to_string().as_bytes(), LOAD_CONTEXT).unwrap().runtime;
        let runtime = Arc::new(runtime);
        let head =
            [(":method", "GET"), (":authority", "acme.example"), (":path", "/"), ("authorization", "Bearer a.b.c")];
        let step = |time: Option<UnixTime>| {
            let head = head.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
            let mut entropy = MachineEntropy;
            let env = &mut Env::new(time, &mut entropy, VERIFIER, &NoSharedData);
            Filter::new(runtime.clone()).step(Input::Request(RequestHead::new(head)), env)
        };
        assert!(matches!(step(Some(UnixTime(clock.now()))), Effect::Request(RequestEffect::Forward(_))));
        assert_eq!(status(&step(None)), 503);
    }

    /// Without shared data a logout token gets 503, since the logout would be lost. The same token
    /// is accepted later.
    #[test]
    fn without_shared_data_no_logout_token_is_accepted() {
        let clock = Clock::simulated();
        let issuer = Issuer::new("https://login.acme.example", "none", Signer::eddsa(), clock.clone());
        let mut tenant = tenant("acme", &issuer);
        tenant["login"]["backchannel_logout_path"] = json!("/logout-tokens");
        let runtime = config::load(configuration(&[tenant]).to_string().as_bytes(), LOAD_CONTEXT).unwrap().runtime;
        let now = clock.now();
        let events = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
        let claims = json!({ "iss": issuer.url, "aud": "gate", "sub": "ada", "jti": "1", "iat": now, "exp": now + 60, "events": events });
        let body = format!("logout_token={}", issuer.signer.jws(&json!({ "alg": "EdDSA" }), &claims));
        let head = [
            (":method", "POST"),
            (":authority", "acme.example"),
            (":path", "/logout-tokens"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let runtime = Arc::new(runtime);
        for (store, expected) in
            [(&NoSharedData as &dyn SharedData, 503), (&NoSharedData, 503), (&SharedStore::default(), 200)]
        {
            let mut entropy = MachineEntropy;
            let env = &mut Env::new(Some(UnixTime(now)), &mut entropy, VERIFIER, store);
            let mut filter = Filter::new(runtime.clone());
            let head = head.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
            assert!(matches!(
                filter.step(Input::Request(RequestHead::new(head)), env),
                Effect::Request(RequestEffect::ReadBody)
            ));
            let body = Secret::new(body.clone().into_bytes());
            assert_eq!(status(&filter.step(Input::Body(Ok(body)), env)), expected);
        }
        let mut entropy = MachineEntropy;
        let env = &mut Env::new(Some(UnixTime(now)), &mut entropy, VERIFIER, &NoSharedData);
        for input in [Input::Body(Ok(Secret::new(Vec::new()))), Input::Body(Err(BodyError::Withheld))] {
            assert_eq!(status(&Filter::new(runtime.clone()).step(input, env)), 503);
        }
    }

    #[test]
    fn before_the_first_configuration_every_host_is_unknown() {
        let effect = Filter::new(Arc::new(Runtime::closed()))
            .step(visit(), &mut Env::new(None, &mut Dry, VERIFIER, &NoSharedData));
        assert_eq!(status(&effect), 404);
    }

    #[test]
    fn unexpected_input_is_refused() {
        let mut entropy = MachineEntropy;
        let env = &mut Env::new(Some(UnixTime(1_800_000_000)), &mut entropy, VERIFIER, &NoSharedData);
        let mut filter = Filter::new(runtime());
        assert_eq!(status(&filter.step(Input::Called(Err(CallFailure::NoAnswer)), env)), 503);
        assert_eq!(status(&filter.step(visit(), env)), 503);
        let mut filter = Filter::new(runtime());
        assert_eq!(status(&filter.step(visit(), env)), 302);
        assert_eq!(status(&filter.step(visit(), env)), 503);
    }
}

/// A flood of sign-outs, which takes too long for the other tiers.
mod many_sign_outs {
    use serde_json::json;

    use super::support::core_harness::CoreHarness;
    use super::support::harness::{Harness as _, Outcome};
    use super::support::world::{World, ada};

    const PAGE: &str = "https://acme.example/page";
    const LOGOUT: &str = "https://acme.example/oauth2/logout";

    /// A script that signs one account in and out ends nobody else's session. Neither the account
    /// nor another user gets a session back.
    #[test]
    fn of_one_account_end_no_session_of_another() {
        let mut world = World::<CoreHarness>::new();
        let mut other = world.signed_in();
        let mut over = Vec::new();
        for number in 0..4097 {
            let person = if number == 0 { ada() } else { json!({ "sub": "mallory" }) };
            let mut browser = world.browser();
            let callback = world.callback(&mut browser, "acme", PAGE, &person);
            world.open(&mut browser, &callback).reply();
            if [0, 1, 4096].contains(&number) {
                over.push(browser.clone());
            }
            if number == 4096 {
                assert!(!world.harness.log().contains("revocations_folded"));
                world.clock.advance(std::time::Duration::from_secs(1));
            }
            world.open(&mut browser, LOGOUT).reply();
        }
        world.open(&mut other, PAGE).forwarded();
        for mut copy in over {
            assert!(matches!(world.open(&mut copy, PAGE), Outcome::Replied(_)));
        }
        let log = world.harness.log();
        let folded: Vec<&str> = log.lines().filter(|line| line.starts_with("revocations_folded")).collect();
        assert_eq!(folded.len(), 1);
        assert!(folded[0].contains("tenant=acme"), "{folded:?}");
        // The harness writes effects, too, which know the user.
        assert!(!log.lines().any(|line| !line.contains("LogLine {") && line.contains("mallory")));
        // The search of this log for this many secrets takes minutes.
        std::mem::forget(world);
    }
}
