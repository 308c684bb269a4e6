//! What the requests cost that come most often: host calls exactly, and instructions within a bound
//! that is close to what was measured. A change that makes one dearer fails here.

use serde_json::{Value, json};

use super::metered;
use crate::support::configuration::tenant;
use crate::support::harness::Lines;
use crate::support::host::{Cost, Host, RequestState};
use crate::support::module_harness::ModuleHarness;
use crate::support::world::{World, ada};

/// What a browser sends beside its session.
const BROWSER: [(&str, &str); 12] = [
    ("sec-ch-ua", "\"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\", \"Google Chrome\";v=\"140\""),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("upgrade-insecure-requests", "1"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    ),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-US,en;q=0.9"),
    ("x-request-id", "6d1c9c1e-6e0a-4a35-9f8f-2f5f6f7f8f9f"),
];
/// Cookies of others.
const FOREIGN: &str = "_ga=GA1.1.1234567890.1700000000; _gid=GA1.1.987654321.1700000000; theme=dark";

/// What is asked for each request: its head, and the time.
const READS: [&str; 2] = ["get_header_map_pairs", "get_current_time_nanoseconds"];
/// The requests of the mock host have trailers, which are looked at before they go on.
const TRAILERS: [&str; 1] = ["get_header_map_pairs"];
const REPLACE: &str = "replace_header_map_value";
/// The upstream is told the user, the address, the groups and the tenant.
const IDENTITY: [&str; 4] = [REPLACE; 4];
/// The host logs every level in these tests.
const REFUSAL: [&str; 2] = ["log", "send_local_response"];

/// A tenant with a bearer token, and the cookies of a session of one of its users.
struct Site {
    host: Host,
    session: String,
    token: String,
}

impl Site {
    fn new(groups: usize) -> Self {
        let configure = |configuration: &mut Value| {
            configuration["tenants"].as_array_mut().unwrap().truncate(1);
            configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
        };
        let mut world = World::<ModuleHarness>::with(configure);
        let mut person = ada();
        let groups: Vec<String> = (0..groups).map(|number| format!("group-{number:03}-of-the-directory")).collect();
        person["groups"] = json!(groups);
        let mut browser = world.browser();
        world.sign_in(&mut browser, "acme", "https://acme.example/page", &person);
        let session = browser.cookie_line("acme.example").unwrap();
        let now = world.clock.now();
        let (token, tenant) = world.issuer("acme", |issuer| {
            let claims = json!({ "iss": issuer.url, "aud": "api", "sub": "robot", "client_id": "robot", "iat": now,
                "exp": now + 3600, "jti": "1", "groups": ["engineers"] });
            let mut tenant = tenant("acme", issuer);
            tenant["bearer"] = json!({ "audiences": ["api"] });
            (issuer.signer.jws(&issuer.header("at+jwt"), &claims), tenant)
        });
        Self { host: metered(&[tenant]), session, token }
    }

    /// The cost of a request that comes for the fourth time, and whether it is forwarded.
    fn cost(&mut self, more: &[(&str, &str)]) -> (Cost, bool) {
        let first = [(":method", "GET"), (":scheme", "https"), (":authority", "acme.example"), (":path", "/orders/7")];
        let head: Lines = first
            .iter()
            .chain(&BROWSER)
            .chain(more)
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
            .collect();
        for _ in 0..3 {
            self.host.request(&head);
        }
        let (cost, (_, state)) = self.host.cost(|host| host.request(&head));
        (cost, matches!(state, RequestState::Forwarded(..)))
    }
}

/// Fails if a request costs other host calls, or more instructions, or clearly fewer: then the
/// bound is to be lowered.
#[track_caller]
fn assert_costs(what: &str, (cost, is_forwarded): (Cost, bool), forwards: bool, expected: &[&str], most: u64) {
    println!("{what}: {cost:?}");
    let (host_calls, instructions) = (cost.host_calls.join(" "), cost.instructions);
    assert_eq!((is_forwarded, host_calls), (forwards, expected.join(" ")), "{what}");
    assert!((most / 10 * 8..=most).contains(&instructions), "{what}: {instructions} instructions");
}

#[test]
fn a_session() {
    let mut site = Site::new(3);
    let cookies = format!("{FOREIGN}; {}", site.session);
    let calls = [&READS[..], &[REPLACE], &IDENTITY, &TRAILERS].concat();
    assert_costs("a session", site.cost(&[("cookie", &cookies)]), true, &calls, 163_000);
}

#[test]
fn a_session_in_several_cookies() {
    let mut site = Site::new(200);
    let cookies = format!("{FOREIGN}; {}", site.session);
    let calls = [&READS[..], &[REPLACE], &IDENTITY, &TRAILERS].concat();
    assert_costs("a session with 200 groups", site.cost(&[("cookie", &cookies)]), true, &calls, 278_000);
}

#[test]
fn a_known_bearer_token() {
    let mut site = Site::new(3);
    let line = format!("Bearer {}", site.token);
    // The token has no address.
    let calls = [&READS[..], &["remove_header_map_value"], &IDENTITY[1..], &TRAILERS].concat();
    assert_costs("a known bearer token", site.cost(&[("authorization", &line)]), true, &calls, 123_000);
}

#[test]
fn junk_instead_of_a_token() {
    let line = format!("Bearer {}", "x".repeat(70));
    let calls = [READS, REFUSAL].concat();
    assert_costs("junk", Site::new(3).cost(&[("authorization", &line)]), false, &calls, 560_000);
}

#[test]
fn the_beginning_of_a_login() {
    let calls = [READS, ["random_get"; 2], REFUSAL].concat();
    // 325,000 to 344,000, by how the load of the configuration has left the memory.
    assert_costs("a login", Site::new(3).cost(&[("cookie", FOREIGN)]), false, &calls, 350_000);
}
