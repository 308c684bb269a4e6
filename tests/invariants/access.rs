//! Random rules and requests, compared with a second, simple implementation of the rules.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::cell::RefCell;

use super::tries;
use crate::support::core_harness::CoreHarness;
use crate::support::harness::{Harness as _, Lines, Outcome, values};
use crate::support::world::World;

/// A rule: paths, methods, hosts, and its effect.
type Rule = (Vec<String>, Vec<&'static str>, Vec<&'static str>, Value);

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let path = prop_oneof![
        vec(select(vec!["a", "b", "*", "é"]), 0..4).prop_map(|segments| format!("/{}", segments.join("/"))),
        Just("/*".to_owned()),
        Just("/a/".to_owned()),
    ];
    let verdict = select(vec![
        json!({ "allow": "public" }),
        json!({ "allow": "any_user" }),
        json!({ "deny": true }),
        json!({ "allow": { "groups": ["engineers"] } }),
        json!({ "allow": { "roles": ["admin"] } }),
        json!({ "allow": { "users": ["eve"] } }),
    ]);
    let methods = vec(select(vec!["GET", "PUT"]), 0..2);
    let hosts = vec(select(vec!["acme.example", "*.acme.example", "b.acme.example"]), 0..2);
    vec((vec(path, 0..3), methods, hosts, verdict), 0..6)
}

/// A path as a client writes it.
fn request_path() -> impl Strategy<Value = String> {
    let parts = vec![
        "/", "/", "/", "a", "a", "b", "b", "%61", "%C3%A9", "é", "c", "?", "#", "%2f", "%5C", "\\", ";", "%3b", "%00",
        "%", "%zz", "%ff", "%2e", ".", "..", "//", "%252e", "%2525", "*", "%20",
    ];
    vec(select(parts), 0..8).prop_map(|parts| format!("/{}", parts.concat()))
}

/// The decoded path, or `None` for an ambiguous one. The code deliberately differs from the
/// filter's.
fn plain(target: &str) -> Option<String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let odd = ["//", "\\", ";", "#", "%2f", "%5c", "%3b"];
    if query.contains('#') || odd.iter().any(|odd| path.to_lowercase().contains(odd)) {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
        }
    }
    let decoded = String::from_utf8(bytes).ok()?;
    let twice = decoded
        .match_indices('%')
        .any(|(at, _)| decoded.get(at + 1..at + 3).is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit())));
    let with_end = format!("{decoded}/");
    let plain = !twice && !with_end.contains("/./") && !with_end.contains("/../") && !decoded.contains('\0');
    plain.then_some(decoded)
}

fn fits(pattern: &str, path: &str) -> bool {
    if pattern == "/*" {
        return true;
    }
    let (pattern, below) = match pattern.strip_suffix("/*") {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    (if below { path.len() >= pattern.len() } else { path.len() == pattern.len() })
        && pattern.iter().zip(&path).all(|(wanted, segment)| *wanted == "*" || wanted == segment)
}

/// The effect of the first matching rule.
fn verdict(rules: &[Rule], host: &str, method: &str, path: &str) -> Value {
    let host_fits = |pattern: &&str| match pattern.strip_prefix('*') {
        Some(domain) => host.ends_with(domain),
        None => *pattern == host,
    };
    rules
        .iter()
        .find(|(paths, methods, hosts, _)| {
            (paths.is_empty() || paths.iter().any(|pattern| fits(pattern, path)))
                && (methods.is_empty() || methods.contains(&method))
                && (hosts.is_empty() || hosts.iter().any(host_fits))
        })
        .map_or_else(|| json!({ "allow": "any_user" }), |(.., verdict)| verdict.clone())
}

fn configured(rules: &[Rule]) -> Value {
    let rule = |(paths, methods, hosts, verdict): &Rule| {
        let mut rule = verdict.clone();
        for (name, list) in [("paths", json!(paths)), ("methods", json!(methods)), ("hosts", json!(hosts))] {
            if list != json!([]) {
                rule[name] = list;
            }
        }
        rule
    };
    json!(rules.iter().map(rule).collect::<Vec<_>>())
}

/// Gives the tenant many hosts and a role.
fn wide(tenant: &mut Value) {
    tenant["hosts"] = json!(["acme.example", "*.acme.example"]);
    tenant["login"] =
        json!({ "redirect_uri": "https://acme.example/oauth2/callback", "cookie_domain": "acme.example" });
    tenant["roles"] = json!([{ "name": "admin", "groups": ["admins"] }]);
}

proptest! {
    #![proptest_config(tries(400))]

    /// Both implementations agree for every user, and a forwarded anonymous request has no identity
    /// header.
    #[test]
    fn rules_match_the_simple_implementation(
        rules in rules(),
        requests in vec((request_path(), select(vec!["GET", "PUT", "get", "HEAD"]), select(vec!["acme.example", "b.acme.example", "c.b.acme.example"])), 12),
    ) {
        let mut world = World::<CoreHarness>::with(|configuration| wide(&mut configuration["tenants"][0]));
        let browser = world.signed_in();
        let mut configuration = world.configuration();
        let acme = &mut configuration["tenants"][0];
        wide(acme);
        if !rules.is_empty() {
            acme["access"] = configured(&rules);
        }
        acme["access_default"] = json!("any_user");
        acme["path_matching"] = json!("exact");
        world.harness.reconfigure(&configuration);
        let cookie = browser.cookie_line("acme.example").unwrap();
        let by_path = rules.iter().any(|(paths, ..)| !paths.is_empty());
        for (path, method, host) in requests {
            let mut head: Lines = [(":method", method), (":authority", host), (":path", &path), ("x-auth-request-user", "evil"), ("x_auth_request_groups", "evil")]
                .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).into();
            let expected = match plain(&path) {
                // Without an ASCII `:path` the request is refused.
                _ if !path.is_ascii() => None,
                None if by_path => None,
                plain => Some(verdict(&rules, host, method, plain.as_deref().unwrap_or("/"))),
            };
            let public = expected == Some(json!({ "allow": "public" }));
            match world.harness.send(&head) {
                Outcome::Forwarded(seen, _) => {
                    prop_assert!(public, "{method} {host} {path}");
                    prop_assert!(seen.iter().all(|(_, value)| value != b"evil"));
                }
                Outcome::Replied(reply) => {
                    prop_assert!(!public, "{method} {host} {path}: {}", reply.status);
                    prop_assert_eq!(reply.status == 400, expected.is_none(), "{} {} {}", method, host, path);
                }
            }
            head.push(("cookie".to_owned(), cookie.clone().into_bytes()));
            let allowed = expected.is_some_and(|verdict| verdict["allow"].is_string() || verdict["allow"]["groups"].is_array() || verdict["allow"]["roles"].is_array());
            match world.harness.send(&head) {
                Outcome::Forwarded(seen, _) => {
                    prop_assert!(allowed, "{method} {host} {path}");
                    prop_assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
                    prop_assert!(seen.iter().all(|(_, value)| value != b"evil"));
                }
                Outcome::Replied(reply) => prop_assert!(!allowed, "{method} {host} {path}: {}", reply.status),
            }
        }
    }
}

/// A path below `/admin` as a client may write it, so that some server takes it for one.
fn spelling() -> impl Strategy<Value = String> {
    let letter = |c: char| {
        let upper = c.to_ascii_uppercase();
        prop_oneof![
            6 => Just(c.to_string()),
            2 => Just(upper.to_string()),
            1 => Just(format!("%{:02x}", u32::from(c))),
            1 => Just(format!("%{:02X}", u32::from(upper))),
        ]
    };
    let word = ['a', 'd', 'm', 'i', 'n'].map(letter);
    let ends = vec![
        "", "", "", "", ".", "..", "%2e", "%20", "%20%20", ". ", "%2E%20", "%C2%A0", "?", "%3F", "%3fx=1", "%23",
        "%25", ";x", "%3b", "%00", "%09", ".json", ".JSON", ".php", ".html", ".%61spx", "::$DATA", ":x", "%2f", "%5c",
        ",x", "+", "&x",
    ];
    let ends = ends.into_iter().map(|end| end.replace(' ', "%20")).collect::<Vec<_>>();
    let before = vec![
        "",
        "",
        "",
        "/",
        "/.",
        "/x/..",
        "/%2e",
        "/%20",
        "/index.php",
        "/a/INDEX.PHP",
        "/x.cgi",
        "/blog/x.phtml",
        "/\\",
        "/%2f",
    ];
    let after = vec!["", "/", "/users", "//", "/x.json", "/%20", "/.", "/..", "?x=/public", "#x"];
    (select(before), word, vec(select(ends), 0..3), select(after), any::<bool>()).prop_map(
        |(before, word, ends, after, space)| {
            let space = if space && before.is_empty() && ends.is_empty() { "%20" } else { "" };
            format!("{before}/{space}{}{}{after}", word.concat(), ends.concat())
        },
    )
}

/// Whoever lacks the role reaches `/admin` by no spelling, whatever else the rules let open.
#[test]
fn no_spelling_gets_past_a_rule() {
    let mut world = World::<CoreHarness>::new();
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", "https://acme.example/", &json!({ "sub": "bob", "groups": ["engineers"] }));
    let (world, cookie) = (RefCell::new(world), browser.cookie_line("acme.example").unwrap());
    proptest!(tries(2000), |(
        spelling in spelling(),
        pattern in select(vec!["/admin/*", "/admin*", "/Admin/*", "/ADMIN*"]),
        matching in select(vec!["strict", "ignore_case"]),
        catch_all in select(vec![json!({ "allow": "any_user" }), json!({ "allow": "public" }), json!({ "paths": ["/*"], "methods": ["GET"], "allow": "any_user" }), json!({ "paths": ["/a*", "/A*", "/ad*", "/index.php/*"], "allow": "any_user" })]),
        before in select(vec![json!(["/open"]), json!(["/*/avatar"]), json!(["/adm"]), json!(["/admins/*"])]),
    )| {
        let mut world = world.borrow_mut();
        let mut configuration = world.configuration();
        let acme = &mut configuration["tenants"][0];
        acme["path_matching"] = json!(matching);
        acme["access"] = json!([{ "paths": before, "allow": "public" }, { "paths": [pattern], "allow": { "groups": ["admins"] } }, catch_all]);
        world.harness.reconfigure(&configuration);
        for with_session in [true, false] {
            let mut head: Lines = [(":method", "GET"), (":authority", "acme.example"), (":path", &spelling)]
                .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).into();
            if with_session {
                head.push(("cookie".to_owned(), cookie.clone().into_bytes()));
            }
            prop_assert!(matches!(world.harness.send(&head), Outcome::Replied(_)), "{}", spelling);
        }
    });
}
