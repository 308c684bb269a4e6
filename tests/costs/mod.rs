//! What hostile requests cost, in executed instructions and host calls, compared with an ordinary
//! request to the same VM. Neither depends on the machine.

mod hot_paths;
mod inlining;
mod secrets;
mod tenants;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::support::clock::Clock;
use super::support::configuration::{configuration, tenant};
use super::support::harness::Lines;
use super::support::host::{Cost, Host, RequestState};
use super::support::issuer::Issuer;
use super::support::signer::Signer;

fn issuer(signer: Signer) -> Issuer {
    Issuer::new("https://login.acme.example", "client_secret_basic", signer, Clock::simulated())
}

fn acme() -> Value {
    tenant("acme", &issuer(Signer::es256()))
}

fn metered(tenants: &[Value]) -> Host {
    let (mut host, taken) = Host::start_metered(configuration(tenants).to_string().as_bytes(), &[], Clock::simulated());
    assert!(taken, "{:?}", host.state().log);
    // The first request pays for what the VM keeps.
    for _ in 0..3 {
        cost(&mut host, "/", &[]);
    }
    host
}

/// The cost of a request that is refused or sent to the issuer.
fn cost(host: &mut Host, path: &str, more: &[(&str, &str)]) -> Cost {
    let lines = [(":method", "GET"), (":authority", "acme.example"), (":path", path), ("accept", "text/html")];
    let head: Lines =
        lines.iter().chain(more).map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    let (cost, (_, state)) = host.cost(|host| host.request(&head));
    assert!(matches!(state, RequestState::Replied(_)), "it was forwarded");
    cost
}

fn bearer(host: &mut Host, token: &str) -> Cost {
    cost(host, "/", &[("authorization", &format!("Bearer {token}")), ("accept", "application/json")])
}

/// A hostile request may cost `times` as much as an ordinary one, and for each of its bytes what it
/// takes to look at it `each` times.
#[track_caller]
fn assert_at_most(hostile: &Cost, ordinary: &Cost, times: u64, bytes: usize, each: u64) {
    let most = ordinary.instructions * times + u64::try_from(bytes).unwrap() * each;
    println!("{} instructions, {} for an ordinary request, limit {most}", hostile.instructions, ordinary.instructions);
    assert!(hostile.instructions <= most, "{hostile:?} {ordinary:?}, limit {most}");
    assert!(hostile.host_calls.len() <= ordinary.host_calls.len() + 4, "{hostile:?} {ordinary:?}");
}

/// 2,000 tenants with header names of their own make no request dearer.
#[test]
fn other_tenants() {
    let named = |number: usize| {
        let mut tenant = acme();
        tenant["name"] = json!(format!("t{number}"));
        tenant["hosts"] = json!([format!("t{number}.example")]);
        tenant["headers"] = json!({ "user": format!("x-user-of-{number}"), "groups": format!("x-groups-of-{number}") });
        tenant
    };
    let tenants: Vec<Value> = std::iter::once(acme()).chain((0..2000).map(named)).collect();
    let (alone, among) = (cost(&mut metered(&tenants[..1]), "/", &[]), cost(&mut metered(&tenants), "/", &[]));
    assert_eq!(alone.host_calls, among.host_calls);
    assert!(among.instructions * 10 <= alone.instructions * 11, "{among:?} {alone:?}");
}

/// A long token header is refused by its length, before it is decoded.
#[test]
fn long_token_headers() {
    let mut acme = acme();
    acme["bearer"] = json!({ "audiences": ["api"] });
    let mut host = metered(&[acme]);
    let token = |header: &str| format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header));
    let short = bearer(&mut host, &token(r#"{"alg":"ES256","kid":"another"}"#));
    let members: Vec<String> = (0..1500).map(|number| format!(r#""m{number}":[[[{number}]]]"#)).collect();
    let long = token(&format!(r#"{{"alg":"ES256",{}}}"#, members.join(",")));
    assert!(long.len() > 32_000);
    let hostile = bearer(&mut host, &long);
    assert_at_most(&hostile, &short, 2, long.len(), 40);
}

/// Signatures that the module verifies itself have a budget. Beyond it a token costs little.
#[test]
fn junk_that_the_module_verifies() {
    let signer = Signer::rsa("PS512");
    let mut acme = tenant("acme", &issuer(signer));
    acme["bearer"] = json!({ "audiences": ["api"] });
    let mut host = metered(&[acme]);
    let ordinary = cost(&mut host, "/", &[]);
    let junk = |number: u32| {
        let [header, claims] = [json!({ "alg": "PS512", "typ": "at+jwt" }), json!({ "jti": number })]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([1; 256]))
    };
    let costs: Vec<u64> = (0..200).map(|number| bearer(&mut host, &junk(number)).instructions).collect();
    let dear = costs.iter().filter(|&&cost| cost > ordinary.instructions * 3).count();
    println!("{dear} of 200 tokens cost {:?} and more", costs.first());
    assert_eq!(dear, 128);
    assert!(costs.iter().skip(dear).all(|&cost| cost <= ordinary.instructions * 3), "{costs:?}");
}

/// The longest paths against the longest patterns.
#[test]
fn long_paths() {
    let stars = "/*".repeat(64);
    let words = "/a.php".repeat(64);
    let prefixes: Vec<String> = (0..60).map(|number| format!("/a{}*", ".".repeat(number))).collect();
    let mut paths = vec![stars.clone(), format!("{stars}/*"), words.clone(), format!("{words}/*")];
    paths.extend(prefixes);
    let rules = json!([{ "paths": paths, "allow": { "groups": ["admins"] } }]);
    let mut acme = acme();
    acme["access"] = rules;
    let mut host = metered(&[acme]);
    let ordinary = cost(&mut host, "/x", &[]);
    for (first, unit) in [
        ("", "/a.php"),
        ("/a.php/a.php/a.php/a.php", "/a"),
        ("", "/a"),
        ("", "/%41.PHP"),
        ("", "/a%2e"),
        ("", "/a..............."),
        ("", "/;"),
        ("", "/aaaaaaaaaaaaaaaa"),
    ] {
        let path = format!("{first}{}", unit.repeat(30_000 / unit.len()));
        let hostile = cost(&mut host, &path, &[]);
        println!("{first}{unit}");
        assert_at_most(&hostile, &ordinary, 2, path.len(), 3_500);
    }
}

/// A configuration with the longest patterns can be replaced again and again.
#[test]
fn replaced_patterns() {
    let path = "/a".repeat(64);
    let rules: Vec<Value> =
        (0..200).map(|number| json!({ "paths": [format!("{path}{number}")], "deny": true })).collect();
    let mut acme = acme();
    acme["access"] = json!(rules);
    let mut host = metered(&[acme.clone()]);
    let text = configuration(&[acme]).to_string();
    assert!(host.configure(text.as_bytes()));
    let mut sizes = Vec::new();
    for _ in 0..60 {
        assert!(host.configure(text.as_bytes()));
        cost(&mut host, "/", &[]);
        sizes.push(host.memory());
    }
    assert_eq!(sizes[19], sizes[59], "{sizes:?}");
}

/// Cookies, header lines and queries as long as Envoy takes them.
#[test]
fn long_heads() {
    let mut acme = acme();
    acme["bearer"] = json!({ "audiences": ["api"] });
    let mut host = metered(&[acme]);
    let ordinary = cost(&mut host, "/", &[]);
    let sealed = format!("k1.{}", "A".repeat(4000));
    let first = format!("__Host-tenantgate-session=5:{sealed}; ");
    let further: String =
        (1..5).map(|number| format!("__Host-tenantgate-session-{number}=AAAAAAAA:{sealed}; ")).collect();
    let pieces = format!("{}{further}", first.repeat(5));
    let logins: String = (0..14).map(|number| format!("__Host-tenantgate-login-{number:0>16}={sealed}; ")).collect();
    for (name, value) in [
        ("cookie", "a=b; ".repeat(12_000)),
        ("cookie", format!("__Host-tenantgate-session={}", "A".repeat(60_000))),
        ("cookie", pieces),
        ("cookie", logins),
        ("cookie", ";".repeat(60_000)),
        ("authorization", format!("Bearer {}", ".".repeat(60_000))),
        ("authorization", format!("Bearer {}", "a.b.c ".repeat(10_000))),
        ("accept", "text/html;q=0.1,".repeat(3_700)),
        ("origin", "https://a,".repeat(6_000)),
        ("x-forwarded-for", "1.1.1.1,".repeat(7_000)),
    ] {
        let hostile = cost(&mut host, "/", &[(name, &value)]);
        println!("{name} {}", value.get(..40).unwrap_or(&value));
        assert_at_most(&hostile, &ordinary, 2, value.len(), 800);
    }
    let query = format!("/?{}", "a=%2e&".repeat(10_000));
    let hostile = cost(&mut host, &query, &[]);
    assert_at_most(&hostile, &ordinary, 2, query.len(), 800);
    let names: Vec<String> = (0..900).map(|number| format!("X_Auth-Request_{number}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let hostile = cost(&mut host, "/", &many);
    assert_at_most(&hostile, &ordinary, 2, names.iter().map(String::len).sum(), 800);
}
