//! A story's stage: the filter on some rung, two issuers, browsers, and an eye on everything that must stay secret.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use url::Url;

use super::browser::Browser;
use super::clock::Clock;
use super::configuration::{OTHER_SESSION_KEY, SESSION_KEY, configuration, tenant};
use super::harness::{Harness, Lines, Outcome, Reply};
use super::issuer::{Issuer, Issuers};
use super::signer::Signer;

/// Everything that a scenario plays with.
pub struct World<H: Harness> {
    pub harness: H,
    pub issuers: Issuers,
    pub clock: Clock,
    pages: Vec<String>,
    cookies: Vec<String>,
}

impl<H: Harness> World<H> {
    /// Two tenants, `acme` and `globex`, whose client id and key are the same.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// As [`new`](Self::new), after `change` was made to the configuration.
    pub fn with(change: impl FnOnce(&mut Value)) -> Self {
        Self::publishing(|_| {}, change)
    }

    /// As [`with`](Self::with), with an issuer of acme that `prepare` has prepared.
    pub fn publishing(prepare: impl FnOnce(&mut Issuer), change: impl FnOnce(&mut Value)) -> Self {
        let clock = H::clock();
        let new = |url| Issuer::new(url, "client_secret_basic", Signer::es256(), clock.clone());
        let (mut acme, globex) = (new("https://login.acme.example"), new("https://login.globex.example"));
        prepare(&mut acme);
        Self::of([("acme", acme), ("globex", globex)], change)
    }

    /// Tenants of these names with these issuers.
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

    /// Does something with the issuer of a tenant.
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

    /// Sends one request of `browser` to `url`; `lines` come after those that every request has, and replace the pseudo-headers.
    pub fn send(&mut self, browser: &mut Browser, url: &str, lines: &[(&str, &str)]) -> Outcome {
        self.send_with(browser, url, lines, None)
    }

    fn send_with(&mut self, browser: &mut Browser, url: &str, lines: &[(&str, &str)], body: Option<&[u8]>) -> Outcome {
        let address = Url::parse(url).unwrap();
        let host = address.host_str().unwrap().to_owned();
        // The raw path, as it stands in the URL: the parser of URLs would tidy it up.
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

    /// Sends these very lines.
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

    /// Opens a page, as a person does.
    pub fn open(&mut self, browser: &mut Browser, url: &str) -> Outcome {
        self.send(browser, url, &NAVIGATION)
    }

    /// Opens `url` without a session: the address of the issuer.
    #[track_caller]
    pub fn begin(&mut self, browser: &mut Browser, url: &str) -> String {
        let reply = self.open(browser, url).reply();
        assert_eq!(reply.status, 302, "{}", reply.body);
        reply.header("location").unwrap().to_owned()
    }

    /// Opens `url` and signs in as `person`: the callback, which was not followed yet.
    #[track_caller]
    pub fn callback(&mut self, browser: &mut Browser, tenant: &str, url: &str, person: &Value) -> String {
        let address = self.begin(browser, url);
        self.issuer(tenant, |issuer| issuer.authorize(&address, person))
    }

    /// Opens `url`, signs in as `person` and goes back to the page: its address, and what the upstream saw.
    #[track_caller]
    pub fn sign_in(&mut self, browser: &mut Browser, tenant: &str, url: &str, person: &Value) -> (String, Lines) {
        let callback = self.callback(browser, tenant, url, person);
        let reply = self.open(browser, &callback).reply();
        assert_eq!(reply.status, 302, "{}", reply.body);
        let page = reply.header("location").unwrap().to_owned();
        let seen = self.open(browser, &page).forwarded();
        (page, seen)
    }

    /// Waits until `what` is so.
    #[track_caller]
    pub fn eventually(&mut self, mut what: impl FnMut(&mut Self) -> bool) {
        for _ in 0..600 {
            if what(self) {
                return;
            }
            self.harness.moment();
        }
        panic!("it never came to that");
    }

    /// A browser with a session at `acme`.
    #[track_caller]
    pub fn signed_in(&mut self) -> Browser {
        let mut browser = self.browser();
        self.sign_in(&mut browser, "acme", "https://acme.example/", &ada());
        // As half a minute later.
        browser.cookies.retain(|cookie| !cookie.name.ends_with("-redirect-loop"));
        browser
    }

    /// What holds for every reply.
    fn inspect(&mut self, reply: &Reply, framed: bool) {
        // Envoy answers some requests itself, before the gate sees them; its answers have no such headers.
        if reply.header("x-content-type-options").is_some() {
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{reply:?}");
            assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{reply:?}");
            if reply.body.starts_with("<!doctype html>") {
                let policy = reply.header("content-security-policy").unwrap();
                assert!(policy.contains("default-src 'none'"), "{policy}");
                let frame = if framed { "https://login.acme.example" } else { "'none'" };
                assert!(policy.ends_with(&format!("frame-ancestors {frame}")), "{policy}");
            }
        }
        assert!(
            !matches!(reply.status, 200..=299 | 307 | 308) || reply.body.contains("ign") || reply.body.is_empty(),
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

    /// Fails if a secret of this story stands on a page or in the log.
    fn assert_secrets_kept(&mut self) {
        let log = self.harness.log();
        let issuers = self.issuers.lock().unwrap();
        let secrets = issuers.values().flat_map(|issuer| issuer.secrets.iter().chain([&issuer.authentication.1]));
        // What a hostile issuer cut short stands anywhere by chance.
        let secrets = secrets.chain(&self.cookies).map(String::as_str).filter(|secret| secret.len() >= 12);
        for secret in secrets.chain([SESSION_KEY, OTHER_SESSION_KEY]) {
            assert!(!log.contains(secret), "{secret} is in the log");
            assert!(!self.pages.iter().any(|page| page.contains(secret)), "{secret} is on a page");
        }
    }
}

/// Every story ends with a look for secrets, whatever it was about.
impl<H: Harness> Drop for World<H> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_secrets_kept();
        }
    }
}

/// The one page that may stand in a frame, and only in one of the issuer.
pub const FRAMED: &str = "/oauth2/frontchannel-logout";

/// What a browser sends when somebody opens a page.
pub const NAVIGATION: [(&str, &str); 3] =
    [("accept", "text/html,*/*;q=0.8"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];

/// Somebody with groups.
pub fn ada() -> Value {
    json!({ "sub": "ada", "email": "ada@acme.example", "groups": ["engineers", "admins"] })
}
