//! What a client sends: heads, cookies, queries, and heads as the host serializes them.

use std::cell::RefCell;
use std::sync::Arc;

use tenantgate::base::time::UnixTime;
use tenantgate::config;
use tenantgate::env::Env;
use tenantgate::filter::{Effect, Filter, Input, RequestEffect};
use tenantgate::http::request::RequestHead;
use tenantgate::runtime::Runtime;

use super::{PAGE, refused, world};
use crate::support::core_harness::{CoreHarness, LOAD_CONTEXT, MachineEntropy, VERIFIER};
use crate::support::harness::Lines;
use crate::support::shared::SharedStore;
use crate::support::world::{NAVIGATION, World, ada};

/// A head with these lines, one in a line of the bytes, `name:value`, is not forwarded.
pub(super) fn request_head(bytes: &[u8]) {
    let mut head: Lines = [(":method", "GET"), (":authority", "acme.example"), (":path", "/page")]
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .into();
    for line in bytes.split(|byte| *byte == b'\n') {
        let colon = line.iter().skip(1).position(|byte| *byte == b':').map_or(line.len(), |place| place + 1);
        let name = String::from_utf8_lossy(&line[..colon]).into_owned();
        let value = line.get(colon + 1..).unwrap_or_default().to_vec();
        match head.iter_mut().find(|(known, _)| *known == name && name.starts_with(':')) {
            Some((_, known)) => *known = value,
            None => head.push((name, value)),
        }
    }
    refused(world(|_| {}).send_lines(&head));
}

/// Cookies that were never given are no proof, whatever session of somebody else is known.
pub(super) fn cookies(bytes: &[u8]) {
    let mut world = world(|_| {});
    let browser = world.signed_in();
    let session = browser.cookie_line("acme.example").unwrap();
    // The session itself would be a proof.
    if contains(bytes, session.as_bytes()) {
        return;
    }
    let mut head: Lines = NAVIGATION.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).into();
    for (name, value) in [(":method", "GET"), (":authority", "acme.example"), (":path", "/page")] {
        head.push((name.to_owned(), value.as_bytes().to_vec()));
    }
    head.push(("cookie".to_owned(), bytes.to_vec()));
    refused(world.send_lines(&head));
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A callback with any query, in a browser that has begun a login, gives no session. `STATE` in
/// the query is the state of that login, and `CODE` a code of the issuer for another login.
pub(super) fn callback_query(bytes: &[u8]) {
    let mut world = world(|_| {});
    let mut other = world.browser();
    let code = value(&world.callback(&mut other, "acme", PAGE, &ada()), "code");
    let mut browser = world.browser();
    let state = value(&world.begin(&mut browser, PAGE), "state");
    let query = String::from_utf8_lossy(bytes).replace("STATE", &state).replace("CODE", &code);
    let cookie = browser.cookie_line("acme.example").unwrap();
    let path = format!("/oauth2/callback?{query}");
    let head = [
        (":method", "GET"),
        (":authority", "acme.example"),
        (":path", &path),
        ("cookie", &cookie),
        ("accept", "text/html"),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let reply = refused(world.send_lines(&head.into()));
    assert!(!reply.all("set-cookie").any(|line| line.starts_with("__Host-tenantgate-session=k1")), "{reply:?}");
}

/// The value of a parameter of this URL.
fn value(url: &str, name: &str) -> String {
    let start = format!("{name}=");
    url.split(['?', '&']).find_map(|pair| pair.strip_prefix(start.as_str())).unwrap().to_owned()
}

/// Bytes that the host hands over as a serialized head are read or refused, and not forwarded.
pub(super) fn host_map(bytes: &[u8]) {
    thread_local! {
        static RUNTIME: RefCell<Option<Arc<Runtime>>> = const { RefCell::new(None) };
    }
    let runtime = RUNTIME.with_borrow_mut(|runtime| {
        runtime
            .get_or_insert_with(|| {
                let configuration = World::<CoreHarness>::new().configuration().to_string();
                Arc::new(config::load(configuration.as_bytes(), LOAD_CONTEXT).unwrap().runtime)
            })
            .clone()
    });
    let Some(head) = RequestHead::from_host(bytes.to_vec()) else { return };
    let (mut entropy, shared) = (MachineEntropy, SharedStore::default());
    let env = &mut Env::new(Some(UnixTime(1_800_000_000)), &mut entropy, VERIFIER, &shared);
    let effect = Filter::new(runtime).step(Input::Request(head), env);
    assert!(!matches!(effect, Effect::Request(RequestEffect::Forward(_))), "forwarded without a proof");
}
