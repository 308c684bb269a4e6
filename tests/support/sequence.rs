//! Random sequences of steps: logins at both tenants that are begun, finished, mixed up and
//! replayed, with any cookie under any name, while time passes. A model that knows the meaning of
//! each cookie and code predicts every outcome.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::core_harness::CoreHarness;
use super::harness::{Outcome, Reply, values};
use super::world::{NAVIGATION, World};

const TENANTS: [&str; 2] = ["acme", "globex"];
const PEOPLE: [&str; 2] = ["ada", "bob"];
const SESSION: &str = "__Host-tenantgate-session";

/// One of what there is, which is not known beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Pick(u16);

impl Pick {
    fn index(self, length: usize) -> usize {
        usize::from(self.0) % length
    }
}

fn pick() -> impl Strategy<Value = Pick> + Clone {
    any::<u16>().prop_map(Pick)
}

/// One step of a sequence. What it names is chosen among what there is by then.
#[derive(Clone, Debug)]
pub enum Step {
    /// Opens a page in a new browser.
    Begin {
        tenant: usize,
    },
    /// A person signs in at the issuer, in any login.
    SignIn {
        login: Pick,
        person: usize,
    },
    /// Opens the callback in its own browser.
    Return {
        code: Pick,
    },
    /// Opens a callback of any tenant with any state, code and cookies.
    Forge {
        tenant: usize,
        state: Pick,
        code: Pick,
        sent: Vec<Sent>,
    },
    /// Opens a page with any cookies.
    Visit {
        tenant: usize,
        sent: Vec<Sent>,
    },
    /// Signs out with any cookies.
    SignOut {
        tenant: usize,
        sent: Vec<Sent>,
    },
    Wait {
        seconds: u64,
    },
}

/// A cookie, and the name to send it under.
#[derive(Clone, Debug)]
pub struct Sent {
    cookie: Pick,
    under: Name,
}

#[derive(Clone, Copy, Debug)]
pub enum Name {
    Own,
    Session,
    LoginOf(Pick),
}

/// Random steps.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 0..40)
}

/// The steps that these bytes stand for.
pub fn steps_of(bytes: &[u8]) -> Vec<Step> {
    let mut bytes = bytes.iter().copied();
    let mut steps = Vec::new();
    while let Some(step) = next_step(&mut bytes).filter(|_| steps.len() < 40) {
        steps.push(step);
    }
    steps
}

fn next_step(bytes: &mut impl Iterator<Item = u8>) -> Option<Step> {
    let (kind, mut pick) = (bytes.next()?, || Some(Pick(u16::from_le_bytes([bytes.next()?, bytes.next()?]))));
    let tenant = usize::from(kind >> 4) % TENANTS.len();
    let sent = |pick: &mut dyn FnMut() -> Option<Pick>| -> Option<Vec<Sent>> {
        let cookie = |pick: &mut dyn FnMut() -> Option<Pick>| {
            let (cookie, under) = (pick()?, pick()?);
            let under = match under.0 % 4 {
                0 | 1 => Name::Own,
                2 => Name::Session,
                _ => Name::LoginOf(Pick(under.0 / 4)),
            };
            Some(Sent { cookie, under })
        };
        (0..usize::from(kind >> 5) % 6).map(|_| cookie(pick)).collect()
    };
    Some(match kind % 7 {
        0 => Step::Begin { tenant },
        1 => Step::SignIn { login: pick()?, person: tenant % PEOPLE.len() },
        2 => Step::Return { code: pick()? },
        3 => Step::Forge { tenant, state: pick()?, code: pick()?, sent: sent(&mut pick)? },
        4 => Step::Visit { tenant, sent: sent(&mut pick)? },
        5 => Step::SignOut { tenant, sent: sent(&mut pick)? },
        _ => Step::Wait { seconds: u64::from(pick()?.0) },
    })
}

fn step() -> impl Strategy<Value = Step> {
    let tenant = 0..TENANTS.len();
    let name = prop_oneof![6 => Just(Name::Own), 1 => Just(Name::Session), 2 => pick().prop_map(Name::LoginOf)];
    let sent = vec((pick(), name).prop_map(|(cookie, under)| Sent { cookie, under }), 0..6);
    prop_oneof![
        2 => tenant.clone().prop_map(|tenant| Step::Begin { tenant }),
        3 => (pick(), 0..PEOPLE.len()).prop_map(|(login, person)| Step::SignIn { login, person }),
        3 => pick().prop_map(|code| Step::Return { code }),
        4 => (tenant.clone(), pick(), pick(), sent.clone())
            .prop_map(|(tenant, state, code, sent)| Step::Forge { tenant, state, code, sent }),
        5 => (tenant.clone(), sent.clone()).prop_map(|(tenant, sent)| Step::Visit { tenant, sent }),
        1 => (tenant, sent).prop_map(|(tenant, sent)| Step::SignOut { tenant, sent }),
        1 => prop_oneof![Just(1), Just(899), Just(900), Just(28_799), Just(28_800), 0..40_000u64]
            .prop_map(|seconds| Step::Wait { seconds }),
    ]
}

struct Login {
    tenant: usize,
    address: String,
    state: String,
    page: String,
    begun: u64,
}

struct Code {
    login: usize,
    person: usize,
    text: String,
    used: bool,
}

#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
    worth: Worth,
}

#[derive(Clone)]
enum Worth {
    Login(usize),
    Session(Session),
}

#[derive(Clone, Copy)]
struct Session {
    number: usize,
    tenant: usize,
    person: usize,
    since: u64,
}

/// The model, beside the filter that it predicts.
pub struct Sequence {
    world: World<CoreHarness>,
    logins: Vec<Login>,
    codes: Vec<Code>,
    cookies: Vec<Cookie>,
    signed_out: Vec<usize>,
}

impl Sequence {
    /// Makes these steps. Fails if one ends otherwise than the model predicts.
    pub fn run_all(world: World<CoreHarness>, steps: &[Step]) {
        let mut sequence =
            Self { world, logins: Vec::new(), codes: Vec::new(), cookies: Vec::new(), signed_out: Vec::new() };
        steps.iter().for_each(|step| sequence.run(step));
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Begin { tenant } => self.begin(*tenant),
            Step::SignIn { login, person } if !self.logins.is_empty() => {
                self.sign_in(login.index(self.logins.len()), *person);
            }
            Step::Return { code } if !self.codes.is_empty() => {
                let code = code.index(self.codes.len());
                let login = self.codes[code].login;
                let own = |cookie: &&Cookie| matches!(cookie.worth, Worth::Login(of) if of == login);
                let cookie = self.cookies.iter().find(own).unwrap().clone();
                self.come_back(self.logins[login].tenant, login, code, &[cookie]);
            }
            Step::Forge { tenant, state, code, sent } if !self.codes.is_empty() => {
                let (state, code) = (state.index(self.logins.len()), code.index(self.codes.len()));
                self.come_back(*tenant, state, code, &self.gather(sent));
            }
            Step::Visit { tenant, sent } => self.visit(*tenant, &self.gather(sent)),
            Step::SignOut { tenant, sent } => self.sign_out(*tenant, &self.gather(sent)),
            Step::Wait { seconds } => self.world.clock.advance(Duration::from_secs(*seconds)),
            Step::SignIn { .. } | Step::Return { .. } | Step::Forge { .. } => {}
        }
    }

    fn begin(&mut self, tenant: usize) {
        let page = format!("https://{}.example/page/{}", TENANTS[tenant], self.logins.len());
        let reply = self.world.open(&mut self.world.browser(), &page).reply();
        let address = reply.header("location").unwrap().to_owned();
        let state = address.split(['?', '&']).find_map(|pair| pair.strip_prefix("state=")).unwrap().to_owned();
        self.keep(&reply, &Worth::Login(self.logins.len()));
        self.logins.push(Login { tenant, address, state, page, begun: self.world.clock.now() });
    }

    fn sign_in(&mut self, login: usize, person: usize) {
        let Login { tenant, address, .. } = &self.logins[login];
        let claims = json!({ "sub": PEOPLE[person] });
        let callback = self.world.issuer(TENANTS[*tenant], |issuer| issuer.authorize(address, &claims));
        let text = callback.split(['?', '&']).find_map(|pair| pair.strip_prefix("code=")).unwrap().to_owned();
        self.codes.push(Code { login, person, text, used: false });
    }

    /// The login succeeds if the cookies hold the login of this state, at this tenant and in time,
    /// and the unused code belongs to it.
    fn come_back(&mut self, tenant: usize, state: usize, code: usize, sent: &[Cookie]) {
        let now = self.world.clock.now();
        let text = &self.logins[state].state;
        let name = login_name(text);
        let login = sent.iter().filter(|cookie| cookie.name == name).take(4).find_map(|cookie| match cookie.worth {
            Worth::Login(login) if login == state && self.logins[login].tenant == tenant => {
                (now < self.logins[login].begun + 900).then_some(login)
            }
            Worth::Login(_) | Worth::Session(_) => None,
        });
        let url =
            format!("https://{}.example/oauth2/callback?code={}&state={text}", TENANTS[tenant], self.codes[code].text);
        let calls = self.world.issuer(TENANTS[tenant], |issuer| issuer.calls);
        let reply = self.send(&url, sent).reply();
        let called = self.world.issuer(TENANTS[tenant], |issuer| issuer.calls) - calls;
        assert_eq!(called, usize::from(login.is_some()), "calls");

        let given = &mut self.codes[code];
        let good = login == Some(given.login) && !given.used;
        // The issuer treats its own code as used after any attempt.
        given.used |= login.is_some() && self.logins[given.login].tenant == tenant;
        if good {
            assert_eq!((reply.status, reply.header("location")), (302, Some(self.logins[state].page.as_str())));
            let person = given.person;
            let number = self.cookies.len();
            self.keep(&reply, &Worth::Session(Session { number, tenant, person, since: now }));
        } else if let (None, Some(_)) = (login, self.session(tenant, sent)) {
            // A session redirects to the page, if the login is known.
            let expired = sent.iter().filter(|cookie| cookie.name == name).take(4).any(|cookie| {
                matches!(cookie.worth, Worth::Login(login) if login == state && self.logins[login].tenant == tenant)
            });
            let start = format!("https://{}.example/", TENANTS[tenant]);
            let page = if expired { self.logins[state].page.clone() } else { start };
            assert_eq!((reply.status, reply.header("location")), (302, Some(page.as_str())));
            assert_eq!(reply.all("set-cookie").count(), 0);
        } else {
            assert_eq!((reply.status, reply.header("location")), (400, None));
            assert!(!reply.all("set-cookie").any(|line| line.starts_with(SESSION)));
        }
    }

    /// The valid session: the first cookie with a session of this tenant that is neither expired
    /// nor ended.
    fn session(&self, tenant: usize, sent: &[Cookie]) -> Option<Session> {
        self.sessions(tenant, sent).into_iter().find(|session| !self.signed_out.contains(&session.number))
    }

    /// The sessions of this tenant in the first cookies that have not expired.
    fn sessions(&self, tenant: usize, sent: &[Cookie]) -> Vec<Session> {
        let now = self.world.clock.now();
        let sessions = sent.iter().filter(|cookie| cookie.name == SESSION).take(4);
        let sessions = sessions.filter_map(|cookie| match cookie.worth {
            Worth::Session(session) => Some(session),
            Worth::Login(_) => None,
        });
        sessions.filter(|session| session.tenant == tenant && now < session.since + 28_800).collect()
    }

    /// Ends the sessions of the cookies with all their copies, and no other one.
    fn sign_out(&mut self, tenant: usize, sent: &[Cookie]) {
        let sessions = self.sessions(tenant, sent);
        let reply = self.send(&format!("https://{}.example/oauth2/logout", TENANTS[tenant]), sent).reply();
        assert_eq!(reply.status, 302);
        self.signed_out.extend(sessions.iter().map(|session| session.number));
    }

    /// A request is forwarded if a cookie holds a valid session.
    fn visit(&mut self, tenant: usize, sent: &[Cookie]) {
        let expected = self.session(tenant, sent).map(|session| session.person);
        match (self.send(&format!("https://{}.example/", TENANTS[tenant]), sent), expected) {
            (Outcome::Forwarded(seen, _), Some(person)) => {
                assert_eq!(values(&seen, "x-auth-request-user"), [PEOPLE[person]]);
                assert_eq!(values(&seen, "x-auth-request-tenant"), [TENANTS[tenant]]);
            }
            (Outcome::Replied(reply), None) => assert_eq!(reply.status, 302),
            (outcome, expected) => panic!("{outcome:?}, but {expected:?}"),
        }
    }

    fn send(&mut self, url: &str, sent: &[Cookie]) -> Outcome {
        let line: Vec<String> = sent.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        let line = line.join("; ");
        let cookies = (!line.is_empty()).then_some(("cookie", line.as_str()));
        let lines: Vec<(&str, &str)> = NAVIGATION.into_iter().chain(cookies).collect();
        self.world.send(&mut self.world.browser(), url, &lines)
    }

    /// Resolves cookies and names.
    fn gather(&self, sent: &[Sent]) -> Vec<Cookie> {
        let sent = sent.iter().filter(|_| !self.cookies.is_empty());
        sent.map(|Sent { cookie, under }| {
            let cookie = self.cookies[cookie.index(self.cookies.len())].clone();
            let name = match under {
                Name::Own => cookie.name,
                Name::Session => SESSION.to_owned(),
                Name::LoginOf(login) => login_name(&self.logins[login.index(self.logins.len())].state),
            };
            Cookie { name, ..cookie }
        })
        .collect()
    }

    fn keep(&mut self, reply: &Reply, worth: &Worth) {
        for line in reply.all("set-cookie") {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            // The loop counter is not part of the model.
            if !value.is_empty() && !name.ends_with("-redirect-loop") {
                self.cookies.push(Cookie { name: name.to_owned(), value: value.to_owned(), worth: worth.clone() });
            }
        }
    }
}

fn login_name(state: &str) -> String {
    format!("__Host-tenantgate-login-{}", &state[..16])
}
