//! The world of a scenario: the filter in a harness, two issuers, browsers, and a check for leaked
//! secrets.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use url::Url;

use super::browser::Browser;
use super::clock::Clock;
use super::configuration::{OTHER_SESSION_KEY, SESSION_KEY, configuration, tenant};
use super::harness::{Harness, Lines, Outcome, Reply};
use super::issuer::{Issuer, Issuers};
use super::signer::Signer;

/// Everything that a scenario uses.
pub struct World<H: Harness> {
    pub harness: H,
    pub issuers: Issuers,
    pub clock: Clock,
    pages: Vec<String>,
    cookies: Vec<String>,
}

impl<H: Harness> World<H> {
    /// Two tenants, `acme` and `globex`, with the same client id and key.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// As [`new`](Self::new), with `change` made to the configuration.
    pub fn with(change: impl FnOnce(&mut Value)) -> Self {
        Self::with_issuer(|_| {}, change)
    }

    /// As [`with`](Self::with), with `prepare` done to acme's issuer.
    pub fn with_issuer(prepare: impl FnOnce(&mut Issuer), change: impl FnOnce(&mut Value)) -> Self {
        let clock = H::clock();
        let new = |url| Issuer::new(url, "client_secret_basic", Signer::es256(), clock.clone());
        let (mut acme, globex) = (new("https://login.acme.example"), new("https://login.globex.example"));
        prepare(&mut acme);
        Self::of([("acme", acme), ("globex", globex)], change)
    }

    /// Tenants with these names and issuers.
    pub fn of<const N: usize>(issuers: [(&str, Issuer); N], change: impl FnOnce(&mut Value)) -> Self {
        let clock = issuers[0].1.clock.clone();
        let mut configuration = configuration(&issuers.each_ref().map(|(name, issuer)| tenant(name, issuer)));
        change(&mut configuration);
        let issuers = issuers.into_iter().map(|(name, issuer)| (name.to_owned(), issuer)).collect();
        let issuers: Issuers = Arc::new(Mutex::new(issuers));
        let harness = H::start(&configuration, issuers.clone());
        Self { harness, issuers, clock, pages: Vec::new(), cookies: Vec::new() }
    }

    /// The configuration of [`new`](Self::new), for [`Harness::reconfigure`].
    pub fn configuration(&self) -> Value {
        let issuers = self.issuers.lock().unwrap();
        configuration(&issuers.iter().map(|(name, issuer)| tenant(name, issuer)).collect::<Vec<_>>())
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.clock.clone())
    }

    /// Gives `act` the issuer of a tenant.
    pub fn issuer<T>(&self, tenant: &str, act: impl FnOnce(&mut Issuer) -> T) -> T {
        act(self.issuers.lock().unwrap().get_mut(tenant).unwrap())
    }

    /// Posts `body` to `url`, as a server does.
    pub fn post(&mut self, url: &str, lines: &[(&str, &str)], body: &[u8]) -> Outcome {
        let form = ("content-type", "application/x-www-form-urlencoded");
        let defaults = [(":method", "POST"), form].into_iter();
        let defaults = defaults.filter(|(name, _)| !lines.iter().any(|(other, _)| other == name));
        let lines: Vec<_> = defaults.chain(lines.iter().copied()).collect();
        self.send_with(&mut self.browser(), url, &lines, Some(body))
    }

    /// Sends one request of `browser` to `url`, with `lines` added. Pseudo-headers in `lines`
    /// replace the default ones.
    pub fn send(&mut self, browser: &mut Browser, url: &str, lines: &[(&str, &str)]) -> Outcome {
        self.send_with(browser, url, lines, None)
    }

    fn send_with(&mut self, browser: &mut Browser, url: &str, lines: &[(&str, &str)], body: Option<&[u8]>) -> Outcome {
        let address = Url::parse(url).unwrap();
        let host = address.host_str().unwrap().to_owned();
        // The path as written: a URL parser would normalize it.
        let rest = url.split_once("://").unwrap().1;
        let path = rest.find('/').map_or("/", |slash| &rest[slash..]);
        let authority = &rest[..rest.len() - path.len().min(rest.len())];
        let authority = if authority.is_empty() { rest } else { authority };
        let mut head: Lines = Vec::new();
        for (name, value) in [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", path)] {
            let value = lines.iter().find(|(n, _)| *n == name).map_or(value, |(_, value)| value);
            head.push((name.to_owned(), value.as_bytes().to_vec()));
        }
        if let Some(line) = browser.cookie_line(&host) {
            head.push(("cookie".to_owned(), line.into_bytes()));
        }
        head.extend(
            lines
                .iter()
                .filter(|(name, _)| !name.starts_with(':'))
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())),
        );
        let outcome = self.send_lines_with(&head, body);
        let (Outcome::Replied(reply) | Outcome::Forwarded(_, reply)) = &outcome;
        browser.take(&host, reply);
        outcome
    }

    /// Sends exactly these lines.
    pub fn send_lines(&mut self, head: &Lines) -> Outcome {
        self.send_lines_with(head, None)
    }

    fn send_lines_with(&mut self, head: &Lines, body: Option<&[u8]>) -> Outcome {
        let outcome = self.harness.send_with(head, body);
        match &outcome {
            Outcome::Replied(reply) => {
                let path = head.iter().find(|(name, _)| name == ":path").map(|(_, value)| value.as_slice());
                self.inspect(reply, path.is_some_and(|path| path.starts_with(FRAMED.as_bytes())));
            }
            Outcome::Forwarded(_, reply) => self.collect(reply),
        }
        outcome
    }

    /// Opens a page by navigation.
    pub fn open(&mut self, browser: &mut Browser, url: &str) -> Outcome {
        self.send(browser, url, &NAVIGATION)
    }

    /// Opens `url` without a session. Returns the authorization URL.
    #[track_caller]
    pub fn begin(&mut self, browser: &mut Browser, url: &str) -> String {
        let reply = self.open(browser, url).reply();
        assert_eq!(reply.status, 302, "{}", reply.body);
        reply.header("location").unwrap().to_owned()
    }

    /// Opens `url` and signs in as `person`. Returns the callback URL, which was not opened yet.
    #[track_caller]
    pub fn callback(&mut self, browser: &mut Browser, tenant: &str, url: &str, person: &Value) -> String {
        let address = self.begin(browser, url);
        self.issuer(tenant, |issuer| issuer.authorize(&address, person))
    }

    /// Opens `url`, signs in as `person` and returns to the page: its URL, and what the upstream
    /// received.
    #[track_caller]
    pub fn sign_in(&mut self, browser: &mut Browser, tenant: &str, url: &str, person: &Value) -> (String, Lines) {
        let callback = self.callback(browser, tenant, url, person);
        let reply = self.open(browser, &callback).reply();
        assert_eq!(reply.status, 302, "{}", reply.body);
        let page = reply.header("location").unwrap().to_owned();
        let seen = self.open(browser, &page).forwarded();
        (page, seen)
    }

    /// Waits until `what` is true.
    #[track_caller]
    pub fn eventually(&mut self, mut what: impl FnMut(&mut Self) -> bool) {
        for _ in 0..600 {
            if what(self) {
                return;
            }
            self.harness.advance();
        }
        panic!("it never came to that");
    }

    /// A browser with a session at `acme`.
    #[track_caller]
    pub fn signed_in(&mut self) -> Browser {
        let mut browser = self.browser();
        self.sign_in(&mut browser, "acme", "https://acme.example/", &ada());
        // As half a minute later, when the browser has dropped this cookie.
        browser.cookies.retain(|cookie| !cookie.name.ends_with("redirect-loop"));
        browser
    }

    /// Checks what is true for every reply of the filter.
    fn inspect(&mut self, reply: &Reply, framed: bool) {
        // Envoy answers some requests before the filter sees them. Its answers lack these headers.
        if reply.header("x-content-type-options").is_some() {
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{reply:?}");
            let policy = if reply.body.contains("<form") { "same-origin" } else { "no-referrer" };
            assert_eq!(reply.header("referrer-policy"), Some(policy), "{reply:?}");
            if reply.body.starts_with("<!doctype html>") {
                let policy = reply.header("content-security-policy").unwrap();
                assert!(policy.contains("default-src 'none'"), "{policy}");
                let frame = if framed { "https://login.acme.example" } else { "'none'" };
                assert!(policy.ends_with(&format!("frame-ancestors {frame}")), "{policy}");
            }
        }
        assert!(
            !matches!(reply.status, 200..=299 | 307 | 308)
                || reply.body.contains("ign")
                || reply.body.starts_with("{\"user\":")
                || reply.body.is_empty(),
            "{reply:?}"
        );
        self.pages.push(reply.body.clone());
        self.collect(reply);
    }

    fn collect(&mut self, reply: &Reply) {
        self.cookies.extend(reply.all("set-cookie").filter_map(|line| {
            let value = line.split_once('=')?.1.split(';').next()?;
            (!value.is_empty()).then(|| value.to_owned())
        }));
    }

    /// Fails if a secret of this scenario is on a page or in the log.
    fn assert_secrets_kept(&mut self) {
        let log = self.harness.log();
        let issuers = self.issuers.lock().unwrap();
        let secrets = issuers.values().flat_map(|issuer| issuer.secrets.iter().chain([&issuer.authentication.1]));
        // A short secret of a hostile issuer could occur by chance.
        let secrets = secrets.chain(&self.cookies).map(String::as_str).filter(|secret| secret.len() >= 12);
        for secret in secrets.chain([SESSION_KEY, OTHER_SESSION_KEY]) {
            assert!(!log.contains(secret), "{secret} is in the log");
            assert!(!self.pages.iter().any(|page| page.contains(secret)), "{secret} is on a page");
        }
    }
}

/// Every scenario ends with the check for leaked secrets.
impl<H: Harness> Drop for World<H> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_secrets_kept();
        }
    }
}

/// The only page that may be framed, and only by the issuer.
pub const FRAMED: &str = "/oauth2/frontchannel-logout";

/// The headers of a navigation.
pub const NAVIGATION: [(&str, &str); 4] = [
    ("accept", "text/html,*/*;q=0.8"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-site", "none"),
];

/// A user with two groups.
pub fn ada() -> Value {
    json!({ "sub": "ada", "email": "ada@acme.example", "email_verified": true, "groups": ["engineers", "admins"] })
}

/// Whether the text names ada. Random characters, such as those of a request id, do so only by a
/// word of their own.
pub fn names_ada(text: &str) -> bool {
    text.split(|character: char| !character.is_alphanumeric()).any(|word| word == "ada")
}
