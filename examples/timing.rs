//! Does the time of a comparison of a secret tell where the secret is wrong? A statistical test of
//! the native code, as dudect makes it (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant
//! time?"): Welch's t-test of two classes of inputs in random order. In one the first byte is
//! wrong, in the other any byte is. `./build.sh bench timing` runs it.
//!
//! What it does not find may still be there: a difference below the column `finds`.
#![allow(clippy::restriction, clippy::disallowed_methods, unreachable_pub, reason = "a benchmark")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;

use serde_json::json;
use tenantgate::base::secret::Secret;
use tenantgate::base::time::UnixTime;
use tenantgate::config;
use tenantgate::env::Env;
use tenantgate::env::shared::NoSharedData;
use tenantgate::filter::{Effect, Filter, Input, RequestEffect};
use tenantgate::http::call::CallResponse;
use tenantgate::http::request::RequestHead;
use tenantgate::jose::{Hash, HostAlgorithms, HostVerifier, Verifier};
use tenantgate::runtime::Runtime;
use tenantgate::seal::Purpose;

use support::core_harness::{CoreHarness, LOAD_CONTEXT, MachineEntropy};
use support::http::base64url;
use support::sealed::{Sealed, text_wrong_at, wrong_at};
use support::world::{World, ada};

/// The |t| from which on dudect takes two classes for different.
const THRESHOLD: f64 = 4.5;
/// A difference counts if it is found so many times in a row: |t| exceeds the threshold by chance,
/// too.
const RUNS: usize = 3;
/// How many of the fastest measurements count, in percent. What interrupts the process makes some
/// of them long.
const CROPS: [usize; 6] = [100, 99, 95, 90, 75, 50];

fn main() -> ExitCode {
    let gate = Gate::new();
    let mut random = Random::new();
    let mut secret = |length: usize| (0..length).map(|_| random.next().to_le_bytes()[0]).collect::<Vec<u8>>();
    let (short, long) = (secret(43), secret(4096));
    println!("{:<48} {:>8} {:>9} {:>10}  result", "compared", "samples", "|t|", "finds");
    let mut good = true;

    // Without this difference the test would find nothing.
    let compare = |guess: Vec<u8>| black_box(guess.as_slice()) != black_box(long.as_slice());
    good &= report("control: 4,096 bytes with `!=`", true, 20_000, 4096, |at| wrong_at(&long, at), compare);

    let compare = |guess: Vec<u8>| !Secret::new(&long).matches(black_box(guess));
    good &= report("a secret of 4,096 bytes", false, 20_000, 4096, |at| wrong_at(&long, at), compare);

    let compare = |guess: Vec<u8>| (0..50).all(|_| !Secret::new(&short).matches(black_box(&guess)));
    good &= report("a secret of 43 bytes, 50 times", false, 100_000, 43, |at| wrong_at(&short, at), compare);

    let sealed = gate.sealed();
    let open = |sealed: String| {
        gate.runtime.ring().open_for_field::<String>(Purpose::Secret, "acme", "field", sealed.as_bytes()).is_none()
    };
    let tag = sealed.tag().start;
    good &= report("the tag of a sealed value", false, 100_000, 16, |at| sealed.wrong_at(tag + at), open);

    let session = Sealed::new(&gate.session);
    let head = |cookie: String| gate.head("/page", &cookie);
    let tag = session.tag().start;
    let wrong = |at: usize| (Filter::new(gate.runtime.clone()), head(session.wrong_at(tag + at)));
    good &= report("the tag of a session, in a request", false, 50_000, 16, wrong, |input| gate.status(input) == 401);

    let wrong = |at: usize| {
        let callback = gate.callback.replace(&gate.state, &text_wrong_at(&gate.state, 16 + at));
        (Filter::new(gate.runtime.clone()), gate.head(&callback, &gate.login))
    };
    good &= report("`state`, in a callback", false, 50_000, 27, wrong, |input| gate.status(input) == 400);

    let wrong = |at: usize| gate.answer(&text_wrong_at(&gate.nonce, at));
    let called = |(mut filter, response): (Filter, CallResponse)| {
        status(&gate.step(&mut filter, Input::Called(Ok(response)))) == 403
    };
    good &= report("`nonce`, in the answer of the issuer", false, 50_000, 43, wrong, called);

    // From the second time on, the session is found by its last 64 characters, and the rest is
    // compared.
    for _ in 0..3 {
        let mut filter = Filter::new(gate.runtime.clone());
        let effect = gate.step(&mut filter, Input::Request(head(gate.session.clone())));
        assert!(matches!(effect, Effect::Request(RequestEffect::Forward(_))));
    }
    let places = session.bytes.len() - 50;
    let wrong = |at: usize| (Filter::new(gate.runtime.clone()), head(session.wrong_at(at)));
    good &=
        report("a session that is kept, in a request", false, 50_000, places, wrong, |input| gate.status(input) == 401);
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures a case up to [`RUNS`] times, until no difference is found, and prints the last result.
/// Returns whether it is as it should be: a difference for a control, none for another case.
///
/// `prepare` makes an input that is wrong at one of so many `places`, and `compare` has to find it
/// wrong.
fn report<I>(
    name: &str,
    is_control: bool,
    samples: usize,
    places: usize,
    prepare: impl Fn(usize) -> I,
    compare: impl Fn(I) -> bool,
) -> bool {
    let mut last = Test { t: 0.0, finds: 0.0 };
    let (mut runs, mut random) = (0, Random::new());
    let mut differs = true;
    while differs && runs < RUNS {
        let mut times = [Vec::new(), Vec::new()];
        for number in 0..samples + samples / 20 {
            let (class, any) = (random.below(2), random.below(places));
            // Both classes take the same steps until the measurement begins.
            let input = black_box(prepare([0, any][class]));
            fence(Ordering::SeqCst);
            let start = Instant::now();
            let result = black_box(compare(input));
            let time = start.elapsed();
            assert!(result, "{name}");
            // The first ones fill the caches.
            if number >= samples / 20 {
                times[class].push(time.as_secs_f64() * 1e9);
            }
        }
        last = CROPS.iter().map(|percent| Test::of(&times, *percent)).max_by(|a, b| a.t.total_cmp(&b.t)).unwrap();
        runs += 1;
        differs = last.t > THRESHOLD;
    }
    let result = match (differs, is_control) {
        (true, true) => "found, as it has to be",
        (false, true) => "NOT FOUND: this test finds nothing here",
        (true, false) => "DIFFERS",
        (false, false) => "no difference",
    };
    println!("{name:<48} {samples:>8} {:>9.2} {:>7.1} ns  {result}", last.t, last.finds);
    differs == is_control
}

/// Welch's t-test of two classes.
struct Test {
    /// |t|.
    t: f64,
    /// The smallest difference of the means, in nanoseconds, whose |t| would be the threshold.
    finds: f64,
}

impl Test {
    /// The test of those times that are among the fastest of both classes, so many percent of all.
    fn of(times: &[Vec<f64>; 2], percent: usize) -> Self {
        let mut all = times.concat();
        all.sort_unstable_by(f64::total_cmp);
        let longest = all[(all.len() * percent / 100).max(1) - 1];
        let [first, second] = times.each_ref().map(|times| {
            let kept: Vec<f64> = times.iter().copied().filter(|time| *time <= longest).collect();
            let count = kept.len() as f64;
            let mean = kept.iter().sum::<f64>() / count;
            let variance = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
            (mean, variance / count)
        });
        // A clock may be too coarse for two times to differ.
        let error = (first.1 + second.1).sqrt().max(1e-9);
        Self { t: ((first.0 - second.0) / error).abs(), finds: THRESHOLD * error }
    }
}

/// Random numbers (SplitMix64), which are cheaper than those of the machine.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(getrandom::u64().unwrap())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A random number below `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }
}

/// A host that takes every signature for good: a token with another `nonce` needs none of its own.
struct AllAreGood;

impl HostVerifier for AllAreGood {
    fn verify_signature(&self, _hash: Hash, _public_key: &[u8], _signature: &[u8], _message: &[u8]) -> Option<bool> {
        Some(true)
    }
}

/// A gate with a tenant, and what a user of it has: the cookies of a session and of a login.
struct Gate {
    runtime: Arc<Runtime>,
    now: UnixTime,
    session: String,
    login: String,
    /// Path and query.
    callback: String,
    state: String,
    nonce: String,
    issuer: String,
}

impl Gate {
    fn new() -> Self {
        let mut world = World::<CoreHarness>::new();
        let session = world.signed_in().cookie_line("acme.example").unwrap();
        let mut browser = world.browser();
        let address = world.begin(&mut browser, "https://acme.example/page");
        let callback = world.issuer("acme", |issuer| issuer.authorize(&address, &ada()));
        let parameter = |name: &str| address.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap().to_owned();
        let loaded = config::load(world.configuration().to_string().as_bytes(), LOAD_CONTEXT).unwrap();
        Self {
            runtime: Arc::new(loaded.runtime),
            now: UnixTime(world.clock.now()),
            session,
            login: browser.cookie_line("acme.example").unwrap(),
            callback: callback.strip_prefix("https://acme.example").unwrap().to_owned(),
            state: parameter("state="),
            nonce: parameter("nonce="),
            issuer: world.issuer("acme", |issuer| issuer.url.clone()),
        }
    }

    /// Takes a step of the filter.
    fn step(&self, filter: &mut Filter, input: Input) -> Effect {
        filter.step(input, &mut self.env(&mut MachineEntropy))
    }

    fn env<'a>(&self, entropy: &'a mut MachineEntropy) -> Env<'a> {
        let verifier = Verifier { host: &AllAreGood, trusted: HostAlgorithms::ASSUMED };
        Env::new(Some(self.now), entropy, verifier, &NoSharedData)
    }

    /// A value of some hundred bytes that is sealed for no tenant.
    fn sealed(&self) -> Sealed {
        let value = "x".repeat(500);
        let (ring, mut entropy) = (self.runtime.ring(), MachineEntropy);
        let sealed = ring.seal_for_field(Purpose::Secret, "acme", "field", &value, &mut self.env(&mut entropy));
        Sealed::new(&sealed.unwrap())
    }

    /// The request of a program. Its id is its own, so the answer needs no random one.
    fn head(&self, path: &str, cookie: &str) -> RequestHead {
        let lines = [
            (":method", "GET"),
            (":authority", "acme.example"),
            (":path", path),
            ("x-request-id", "6d1c9c1e-6e0a-4a35-9f8f-2f5f6f7f8f9f"),
            ("cookie", cookie),
        ];
        RequestHead::new(lines.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())))
    }

    fn status(&self, (mut filter, head): (Filter, RequestHead)) -> u16 {
        status(&self.step(&mut filter, Input::Request(head)))
    }

    /// A login whose code was sent to the issuer, and the answer, with this `nonce` in its token.
    fn answer(&self, nonce: &str) -> (Filter, CallResponse) {
        let mut filter = Filter::new(self.runtime.clone());
        let head = self.head(&self.callback, &self.login);
        let effect = self.step(&mut filter, Input::Request(head));
        assert!(matches!(effect, Effect::Request(RequestEffect::Call(_))), "{effect:?}");
        let claims = json!({ "iss": self.issuer, "aud": "gate", "sub": "ada", "iat": self.now.0,
            "exp": self.now.0 + 300, "nonce": nonce });
        let parts = [json!({ "alg": "ES256", "typ": "JWT" }), claims].map(|part| base64url(part.to_string()));
        let token = format!("{}.{}", parts.join("."), base64url([1; 64]));
        let tokens = json!({ "access_token": "a", "token_type": "Bearer", "id_token": token });
        (filter, CallResponse { status: 200, body: Secret::new(tokens.to_string().into_bytes()) })
    }
}

fn status(effect: &Effect) -> u16 {
    let Effect::Request(RequestEffect::Reply(reply)) = effect else { panic!("no reply: {effect:?}") };
    reply.status
}
