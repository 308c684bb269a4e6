//! What the module executes for a wrong secret does not depend on where the secret is wrong: an
//! early end of a comparison would tell how many bytes of a guess are right.
//!
//! The counts are those of the interpreter, without the functions of the host.

use std::ops::Range;

use serde_json::json;

use super::metered;
use crate::scenarios::callback::with_parameter;
use crate::scenarios::session::state_of;
use crate::support::configuration::tenant;
use crate::support::harness::Lines;
use crate::support::host::{Host, RequestState};
use crate::support::http::{base64url, from_base64url};
use crate::support::module_harness::ModuleHarness;
use crate::support::sealed::{Sealed, text_wrong_at, wrong_at};
use crate::support::signer::Signer;
use crate::support::world::{NAVIGATION, World, ada};

const PAGE: &str = "https://acme.example/page";
/// A hash finds what is kept of a session or a token by so many bytes at its end.
const TAIL: usize = 48;

/// The world that the secrets are of, and a metered VM with the same keys and tenant. The issuer
/// signs with RSA: the form of an ECDSA signature that the host takes has a length of its own for
/// each signature.
struct Site {
    world: World<ModuleHarness>,
    host: Host,
}

impl Site {
    fn new() -> Self {
        let bearer = json!({ "audiences": ["api"] });
        let world = World::<ModuleHarness>::with_issuer(
            |issuer| issuer.signer = Signer::rs256(),
            |configuration| configuration["tenants"][0]["bearer"] = bearer.clone(),
        );
        let mut tenant = world.issuer("acme", |issuer| tenant("acme", issuer));
        tenant["bearer"] = bearer;
        Self { world, host: metered(&[tenant]) }
    }

    /// A session that was sent so many times, and is good.
    fn session(&mut self, times: usize) -> Sealed {
        let line = self.world.signed_in().cookie_line("acme.example").unwrap();
        for _ in 0..times {
            assert_eq!(self.send(PAGE, &[("cookie", &line)], None).0, 0);
        }
        Sealed::new(&line)
    }

    /// A login: its address at the issuer, its callback, and its cookie line.
    fn login(&mut self) -> (String, String, String) {
        let mut browser = self.world.browser();
        let address = self.world.begin(&mut browser, PAGE);
        let callback = self.world.issuer("acme", |issuer| issuer.authorize(&address, &ada()));
        (address, callback, browser.cookie_line("acme.example").unwrap())
    }

    /// Sends the request, and a good answer of the issuer with this ID token if it needs one.
    /// Returns the status of the answer, or 0 if the request is forwarded, and what the module
    /// executes from the last input to the answer.
    fn send(&mut self, url: &str, more: &[(&str, &str)], id_token: Option<&str>) -> (u16, u64) {
        let path = url.strip_prefix("https://acme.example").unwrap();
        let lines = [(":method", "GET"), (":scheme", "https"), (":authority", "acme.example"), (":path", path)];
        let id = [("x-request-id", "6d1c9c1e-6e0a-4a35-9f8f-2f5f6f7f8f9f")];
        let lines = lines.iter().chain(&id).chain(more);
        let head: Lines = lines.map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        let (mut cost, (context, mut state)) = self.host.cost(|host| host.request(&head));
        if let (RequestState::Waits(call), Some(id_token)) = (&state, id_token) {
            let tokens = json!({ "access_token": "a", "token_type": "Bearer", "id_token": id_token });
            let answer = (vec![(":status".to_owned(), b"200".to_vec())], tokens.to_string().into_bytes());
            let call = call.clone();
            (cost, state) = self.host.cost(|host| host.answer(context, &call, Some(answer)));
        }
        match state {
            RequestState::Replied(reply) => (reply.status, cost.instructions),
            RequestState::Forwarded(..) => (0, cost.instructions),
            _ => panic!("the request waits"),
        }
    }
}

/// The first place, one in the middle, and the last one.
fn places(range: Range<usize>) -> [usize; 3] {
    [range.start, range.start.midpoint(range.end), range.end - 1]
}

/// Sends a request for each place where its secret is wrong, several times in turn. Fails if one
/// place costs more than another. The least of each counts: of two or three requests in a row, each
/// finds the free memory of the VM in another state, whatever its secret is. So each round begins
/// with another place.
#[track_caller]
fn assert_same(what: &str, status: u16, places: [usize; 3], mut send: impl FnMut(usize) -> (u16, u64)) {
    let mut least = [u64::MAX; 3];
    for round in 0..24 {
        for turn in 0..3 {
            let number = (round + turn) % 3;
            let (got, cost) = send(places[number]);
            assert_eq!(got, status, "{what}: wrong at {}", places[number]);
            // The first ones pay for what the VM keeps.
            if round >= 8 {
                least[number] = cost.min(least[number]);
            }
        }
    }
    println!("{what}: {least:?} instructions where it is wrong at {places:?}");
    assert_eq!(least, [least[0]; 3], "{what}: wrong at {places:?}");
}

#[test]
fn the_tag_of_a_session() {
    let mut site = Site::new();
    let session = site.session(1);
    assert_same("the tag of a session", 401, places(session.tag()), |place| {
        site.send(PAGE, &[("cookie", &session.wrong_at(place))], None)
    });
}

/// The module keeps sessions that come often. It finds them by their last bytes, and compares the
/// rest.
#[test]
fn a_session_that_is_known() {
    let mut site = Site::new();
    let session = site.session(3);
    assert_same("a known session", 401, places(0..session.bytes.len() - TAIL - 2), |place| {
        site.send(PAGE, &[("cookie", &session.wrong_at(place))], None)
    });
}

#[test]
fn a_bearer_token_that_is_known() {
    let mut site = Site::new();
    let now = site.world.clock.now();
    let claims = json!({ "iss": "https://login.acme.example", "aud": "api", "sub": "robot", "client_id": "robot",
        "iat": now, "exp": now + 3600, "jti": "1" });
    let token = site.world.issuer("acme", |issuer| issuer.signer.jws(&issuer.header("at+jwt"), &claims));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = from_base64url(signature);
    let authorization = |signature: &[u8]| format!("Bearer {signed}.{}", base64url(signature));
    for _ in 0..3 {
        assert_eq!(site.send(PAGE, &[("authorization", &authorization(&signature))], None).0, 0);
    }
    assert_same("a known bearer token", 401, places(0..signature.len() - TAIL - 2), |place| {
        site.send(PAGE, &[("authorization", &authorization(&wrong_at(&signature, place)))], None)
    });
}

#[test]
fn the_tag_of_a_login() {
    let mut site = Site::new();
    let (_, callback, line) = site.login();
    let cookie = Sealed::new(&line);
    assert_same("the tag of a login", 400, places(cookie.tag()), |place| {
        site.send(&callback, &[NAVIGATION[0], ("cookie", &cookie.wrong_at(place))], None)
    });
}

/// The first 16 characters of `state` are the name of its cookie. The others are secret.
#[test]
fn the_state_of_a_login() {
    let mut site = Site::new();
    let (_, callback, line) = site.login();
    let state = state_of(&callback).to_owned();
    assert_eq!(state.len(), 43);
    assert_same("the `state` of a login", 400, places(16..43), |place| {
        let url = with_parameter(&callback, "state", Some(&text_wrong_at(&state, place)));
        site.send(&url, &[NAVIGATION[0], ("cookie", &line)], None)
    });
}

#[test]
fn the_nonce_of_an_id_token() {
    let mut site = Site::new();
    let (address, callback, line) = site.login();
    let nonce = address.split(['?', '&']).find_map(|pair| pair.strip_prefix("nonce=")).unwrap().to_owned();
    let now = site.world.clock.now();
    let token = |site: &Site, nonce: &str| {
        let claims = json!({ "iss": "https://login.acme.example", "aud": "gate", "sub": "ada", "iat": now,
            "exp": now + 300, "nonce": nonce });
        site.world.issuer("acme", |issuer| issuer.signer.jws(&issuer.header("JWT"), &claims))
    };
    let good = token(&site, &nonce);
    assert_eq!(site.send(&callback, &[("cookie", &line)], Some(&good)).0, 302);
    assert_same("the `nonce` of an ID token", 403, places(0..43), |place| {
        let wrong = token(&site, &text_wrong_at(&nonce, place));
        site.send(&callback, &[("cookie", &line)], Some(&wrong))
    });
}
