//! What an answer tells about a cookie that is not taken: nothing. An attacker who changes cookies,
//! or who has old ones or those of others, gets the answer of a browser without a cookie.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::browser::Browser;
use crate::support::configuration::{OTHER_SESSION_KEY, SESSION_KEY};
use crate::support::harness::{Harness, Reply};
use crate::support::sealed::Sealed;
use crate::support::world::{NAVIGATION, World, ada};

use super::callback::with_parameter;
use super::logout::is_over;
use super::session::state_of;

const PAGE: &str = "https://acme.example/page";
const SCRIPT: [(&str, &str); 3] = [NAVIGATION[0], ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")];
const POST: (&str, &str) = (":method", "POST");
const FORM: [(&str, &str); 2] = [POST, NAVIGATION[0]];

/// Requests with a session cookie: of a program, a script, a person, forms of this origin and of
/// another one, and the question who is signed in. With each, the status without a session.
const WITH_A_SESSION: [Request<'_>; 6] = [
    (PAGE, &[], 401),
    (PAGE, &SCRIPT, 401),
    (PAGE, &NAVIGATION, 302),
    (PAGE, &[POST, NAVIGATION[0], ("origin", "https://acme.example")], 401),
    (PAGE, &[POST, ("origin", "https://evil.example")], 401),
    ("https://acme.example/oauth2/userinfo", &[], 401),
];

/// The address of a request, its lines, and the status of its answer.
type Request<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);

/// Cookie lines, and what is wrong with each.
type Forms = Vec<(&'static str, String)>;

/// What a client sees of an answer: status, headers and body.
type Answer = (u16, Vec<(String, String)>, String);

/// The answer with stars in place of what is random or a time. There are as many as before, so two
/// answers are equal only if such values are as long.
fn seen(reply: Reply) -> Answer {
    let Reply { status, headers, body } = reply;
    let headers = headers.into_iter().map(|(name, value)| {
        let value = match name.as_str() {
            "location" => ["&state=", "&nonce=", "&code_challenge="]
                .iter()
                .fold(value, |value, parameter| starred(&value, parameter, '&')),
            "set-cookie" => starred(&value, "-login-", ';'),
            "date" => starred(&value, "", '\n'),
            _ => value,
        };
        (name, value)
    });
    let headers = headers.collect();
    (status, headers, starred(&starred(&body, "\"request_id\":\"", '"'), "Request id</dt><dd><code>", '<'))
}

/// The text with stars in place of all that is between `start` and the next `end`.
fn starred(text: &str, start: &str, end: char) -> String {
    let Some((before, rest)) = text.split_once(start) else { return text.to_owned() };
    let length = rest.find(end).unwrap_or(rest.len());
    format!("{before}{start}{}{}", "*".repeat(length), &rest[length..])
}

/// Sends each request with each cookie line, and fails if two of its answers differ. Returns these
/// answers, one for each request.
#[track_caller]
fn one_answer<H: Harness>(world: &mut World<H>, requests: &[Request<'_>], forms: &[(&str, String)]) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (url, lines, status) in requests {
        let mut first = None;
        for (what, cookie) in forms {
            let lines = [*lines, &[("cookie", cookie.as_str())][..]].concat();
            let answer = seen(world.send(&mut world.browser(), url, &lines).reply());
            assert_eq!(answer.0, *status, "{what}: {url} {lines:?}");
            assert_eq!(&answer, first.get_or_insert_with(|| answer.clone()), "{what}: {url} {lines:?}");
        }
        answers.extend(first);
    }
    answers
}

/// Forged forms of a cookie, which are as long.
fn forged(cookie: &str) -> Forms {
    let sealed = Sealed::new(cookie);
    let (tag, end) = (sealed.tag(), sealed.bytes.len());
    let mut forms: Forms = [
        ("the first byte of the nonce", 0),
        ("the last byte of the nonce", 23),
        ("the first byte of the ciphertext", 24),
        ("the last byte of the ciphertext", tag.start - 1),
        ("the first byte of the tag", tag.start),
        ("the last byte of the tag", end - 1),
    ]
    .map(|(what, place)| (what, sealed.wrong_at(place)))
    .into();
    let random = (0..end).map(|number| Sha256::digest(format!("{cookie} {number}"))[0]).collect::<Vec<u8>>();
    forms.push(("random bytes", sealed.with(random)));
    forms.push(("no base64url", sealed.start.clone() + &"?".repeat(cookie.len() - sealed.start.len())));
    forms
}

/// The line of the only cookie of the browser at `host`.
fn line(browser: &Browser, host: &str) -> String {
    let line = browser.cookie_line(host).unwrap();
    assert!(!line.contains(';'), "{line}");
    line
}

fn session<H: Harness>(world: &mut World<H>) -> String {
    line(&world.signed_in(), "acme.example")
}

/// The configuration with this session key alone.
fn with_key<H: Harness>(world: &World<H>, id: &str, key: &str) -> Value {
    let mut configuration = world.configuration();
    configuration["session"]["keys"] = json!([{ "id": id, "key": key }]);
    configuration
}

/// The cookie line of a session, or of a login, under the name of `cookie`.
fn renamed(other: &str, cookie: &str) -> String {
    format!("{}={}", cookie.split_once('=').unwrap().0, other.split_once('=').unwrap().1)
}

/// A session that is forged, ended, of another tenant, or sealed with another key.
pub fn one_answer_to_every_bad_session<H: Harness>() {
    let mut world = World::<H>::new();
    let mut under = |id: &str, key: &str| {
        let configuration = with_key(&world, id, key);
        world.harness.reconfigure(&configuration);
        session(&mut world)
    };
    // Another Envoy does not know of a sign-out, so the session of this configuration comes last.
    let (of_other_key, of_removed_key) = (under("k1", OTHER_SESSION_KEY), under("k2", OTHER_SESSION_KEY));
    let good = under("k1", SESSION_KEY);
    let mut browser = world.browser();
    world.sign_in(&mut browser, "globex", "https://globex.example/", &ada());
    let globex = browser.named("-session").remove(0);
    let mut browser = world.browser();
    world.begin(&mut browser, PAGE);
    let login = line(&browser, "acme.example");
    let mut browser = world.signed_in();
    let ended = line(&browser, "acme.example");
    let copy = browser.clone();
    world.open(&mut browser, "https://acme.example/oauth2/logout").reply();
    world.eventually(|world| is_over(world, &copy));

    let mut forms: Forms = vec![("no session", "theme=dark".to_owned())];
    forms.extend(forged(&good));
    forms.extend([
        ("cut", good[..good.len() - 4].to_owned()),
        ("another tenant", format!("{}={}", globex.name, globex.value)),
        ("an unknown key", good.replace("=k1.", "=k9.")),
        ("another key of this id", of_other_key),
        ("a removed key", of_removed_key),
        ("a login", renamed(&login, &good)),
        ("signed out", ended),
    ]);
    one_answer(&mut world, &WITH_A_SESSION, &forms);
    // The session that all these were made of is valid.
    world.send(&mut world.browser(), PAGE, &[("cookie", &good)]).forwarded();
}

/// A session that is over by the clock gets the same answer, too.
pub fn one_answer_to_every_session_that_is_over<H: Harness>() {
    let mut world = World::<H>::with(|configuration| configuration["session"]["idle"] = json!("30m"));
    let cookie = session(&mut world);
    let mut forms: Forms = vec![("no session", "theme=dark".to_owned()), ("over", cookie.clone())];
    forms.extend(forged(&cookie));
    let hours = |count: u64| Duration::from_secs(count * 60 * 60);
    // Not used for too long, older than the lifetime, and of the future.
    world.clock.advance(hours(1));
    one_answer(&mut world, &WITH_A_SESSION, &forms);
    world.clock.advance(hours(7));
    one_answer(&mut world, &WITH_A_SESSION, &forms);
    world.clock.put_back(hours(9));
    one_answer(&mut world, &WITH_A_SESSION, &forms);
    world.clock.advance(hours(1));
    world.send(&mut world.browser(), PAGE, &[("cookie", &cookie)]).forwarded();
}

/// At the sign-out, cookies that do not open get one answer. A session that opens is named to the
/// issuer, even if it was signed out before.
pub fn a_sign_out_names_a_session_that_opens<H: Harness>() {
    for (keeps, hint) in [(false, "&logout_hint=ada"), (true, "&id_token_hint=eyJ")] {
        let mut world = World::<H>::with(|configuration| {
            configuration["tenants"][0]["login"]["keep_id_token"] = json!(keeps);
        });
        let cookie = session(&mut world);
        let mut forms = forged(&cookie);
        forms.push(("an unknown key", cookie.replace("=k1.", "=k9.")));
        let sign_out: [Request<'_>; 1] = [("https://acme.example/oauth2/logout", &NAVIGATION, 302)];
        let of_forged = one_answer(&mut world, &sign_out, &forms).remove(0);
        let opens = [("a session", cookie.clone()), ("signed out", cookie)];
        let (status, mut headers, body) = one_answer(&mut world, &sign_out, &opens).remove(0);
        let (_, location) = headers.iter_mut().find(|(name, _)| name == "location").unwrap();
        let (before, rest) = location.split_once(hint).unwrap_or_else(|| panic!("{location}"));
        *location = format!("{before}&{}", rest.split_once('&').unwrap().1);
        assert_eq!((status, headers, body), of_forged);
    }
}

/// A login that has begun at `url`: its callback, and the line of its cookie.
fn login<H: Harness>(world: &mut World<H>, tenant: &str, url: &str) -> (String, String) {
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, tenant, url, &ada());
    (callback, line(&browser, &format!("{tenant}.example")))
}

/// A callback of a person and of a program, and one that is no GET.
fn callbacks(callback: &str) -> [Request<'_>; 3] {
    [(callback, &NAVIGATION, 400), (callback, &[], 400), (callback, &FORM, 400)]
}

/// A login that is forged, of another tenant, or of another `state`.
pub fn one_answer_to_every_bad_login<H: Harness>() {
    let mut world = World::<H>::new();
    let (callback, cookie) = login(&mut world, "acme", PAGE);
    let (at_globex, of_globex) = login(&mut world, "globex", "https://globex.example/page");
    let another = login(&mut world, "acme", PAGE).1;
    let session = session(&mut world);

    let mut forms = forged(&cookie);
    forms.extend([
        ("another tenant", renamed(&of_globex, &cookie)),
        ("a session", renamed(&session, &cookie)),
        ("cut", cookie[..cookie.len() - 4].to_owned()),
    ]);
    // A page deletes what does not open.
    let unknown = cookie.replace("=k1.", "=k9.");
    let at_the_page = [&forms[..], &[("an unknown key", unknown.clone())]].concat();
    one_answer(&mut world, &[(PAGE, &NAVIGATION, 302)], &at_the_page);

    forms.extend([("no login", "theme=dark".to_owned()), ("another login", renamed(&another, &cookie))]);
    let answers = one_answer(&mut world, &callbacks(&callback), &forms);
    // The whole login of another tenant, with its `state`.
    let moved = with_parameter(&callback, "state", Some(state_of(&at_globex)));
    assert_eq!(one_answer(&mut world, &callbacks(&moved), &[("moved", of_globex)]), answers);
    // An unknown key begins another login, so that a key can be removed. The id of the key is not
    // secret: it stands before each sealed value. A program learns nothing.
    let [person, program, post] = callbacks(&callback);
    let person = (person.0, person.1, 302);
    assert_eq!(one_answer(&mut world, &[program, post], &[("an unknown key", unknown.clone())]), answers[1..]);
    one_answer(&mut world, &[person], &[("an unknown key", unknown), ("nonsense", renamed("=k9.AAAA", &cookie))]);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 1);
}

/// A login that has taken too long.
pub fn one_answer_to_every_login_that_is_over<H: Harness>() {
    let mut world = World::<H>::new();
    let [home, page] = ["https://acme.example/", PAGE].map(|url| login(&mut world, "acme", url));
    world.clock.advance(Duration::from_secs(15 * 60));
    for (callback, cookie) in [&home, &page] {
        let mut forms = forged(cookie);
        forms.push(("over", cookie.clone()));
        one_answer(&mut world, &[(PAGE, &NAVIGATION, 302)], &forms);
        forms.push(("no login", "theme=dark".to_owned()));
        one_answer(&mut world, &callbacks(callback)[1..], &forms);
    }
    let mut at_callback = |(callback, cookie): &(String, String)| {
        let person = &callbacks(callback)[..1];
        [forged(cookie), vec![("over", cookie.clone())]].map(|forms| one_answer(&mut world, person, &forms).remove(0))
    };
    let [forged, over] = at_callback(&home);
    assert_eq!(forged, over);
    // A person can go back to the page where the login began, so the link names that page. Whoever
    // has the cookie has begun the login.
    let [forged, over] = at_callback(&page);
    let link = |page: &str| format!("href=\"{page}\"");
    assert!(over.2.contains(&link(PAGE)), "{}", over.2);
    assert_eq!((over.0, over.1, over.2.replace(&link(PAGE), &link("https://acme.example/"))), forged);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 0);
}
