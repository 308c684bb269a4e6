//! Tier `envoy`: the scenarios with the module in Envoy.
#![allow(clippy::restriction, clippy::disallowed_methods, unreachable_pub, reason = "tests")]

mod gateway;
#[allow(dead_code, reason = "Envoy cannot run the timed scenarios")]
mod scenarios;
mod support;

use serde_json::json;

use support::configuration::{OTHER_SESSION_KEY, SESSION_KEY};
use support::envoy_harness::EnvoyHarness;
use support::fleet_harness::FleetHarness;
use support::harness::{Harness as _, Outcome};
use support::world::{World, ada};

scenarios::scenarios!(untimed EnvoyHarness);

/// Replicas share no state.
mod fleet {
    use super::*;

    scenarios::tests! { FleetHarness;
        callback: [a_callback_is_good_once];
        login: [back_to_the_page_that_was_asked_for, many_tabs_at_once, a_redirect_loop_ends];
        logout: [sign_out_here_and_at_the_issuer];
        session: [keys_roll, a_large_session_is_whole_or_none, a_new_login_replaces_the_session];
    }

    /// A new key reaches the replicas one after the other. Both know it before the first seals with
    /// it, so every session goes on.
    #[test]
    fn a_key_rolls_through_without_a_logout() {
        let mut world = World::<FleetHarness>::new();
        let (old, new) = (json!({ "id": "k1", "key": SESSION_KEY }), json!({ "id": "k2", "key": OTHER_SESSION_KEY }));
        let mut browsers = vec![world.signed_in()];
        let plain = world.configuration();
        for keys in [json!([old, new]), json!([new, old])] {
            let mut configuration = plain.clone();
            configuration["session"]["keys"] = keys;
            for replica in 0..2 {
                let mut waiting = world.browser();
                let callback = world.callback(&mut waiting, "acme", "https://acme.example/page", &ada());
                world.harness.replicas[replica].reconfigure(&configuration);
                let reply = world.open(&mut waiting, &callback).reply();
                assert_eq!(reply.header("location"), Some("https://acme.example/page"), "{}", reply.body);
                browsers.push(waiting);
                browsers.push(world.signed_in());
                // Once on each replica.
                for browser in &mut browsers {
                    for _ in 0..2 {
                        world.open(browser, "https://acme.example/").forwarded();
                    }
                }
            }
        }
        let mut configuration = plain;
        configuration["session"]["keys"] = json!([new]);
        world.harness.reconfigure(&configuration);
        for browser in &mut browsers {
            let sealed_with_new = browser.named("-session")[0].value.starts_with("k2.");
            match world.open(browser, "https://acme.example/") {
                Outcome::Forwarded(..) => assert!(sealed_with_new),
                Outcome::Replied(reply) => assert_eq!((reply.status, sealed_with_new), (302, false)),
            }
        }
    }
}

/// Behavior that only Envoy shows.
mod envoy_only {
    use std::io::{ErrorKind, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};

    use super::scenarios;
    use super::support::configuration::configuration;
    use super::support::envoy_harness::{EnvoyHarness, try_start};
    use super::support::harness::{Harness as _, Outcome, values};
    use super::support::http::exchange;
    use super::support::http2;
    use super::support::issuer::{Answer, Refresh};
    use super::support::signer::Signer;
    use super::support::world::{NAVIGATION, World, ada};

    const GET: [(&[u8], &[u8]); 4] =
        [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"acme.example"), (b":path", b"/")];

    /// Without `allow_on_headers_stop_iteration`, Envoy delivers no body: the request gets 408, and
    /// the log names the option.
    #[test]
    fn an_envoy_that_withholds_bodies() {
        let mut world = World::<EnvoyHarness>::new();
        let mut configuration = world.configuration();
        configuration["tenants"][0]["login"]["backchannel_logout_path"] = json!("/logout-tokens");
        world.harness = EnvoyHarness::without_bodies(&configuration, world.issuers.clone());
        let reply = world.post("https://acme.example/logout-tokens", &[], b"logout_token=x").reply();
        assert_eq!(reply.status, 408, "{reply:?}");
        let line = "body_timeout tenant=acme: 1 requests in ";
        world.eventually(|world| world.harness.log().contains(line));
        assert!(world.harness.log().contains("Envoy needs `allow_on_headers_stop_iteration: true`"));
        // Everything else works.
        world.signed_in();
    }

    /// With the `stats_config` of envoy/envoy.yaml, tenant and event are labels in Prometheus's
    /// format.
    #[test]
    fn tenant_and_event_are_labels() {
        let mut world = World::<EnvoyHarness>::with(|configuration| {
            configuration["tenants"][1]["name"] = json!("globex.eu-1");
        });
        for host in ["acme.example", "globex.example", "globex.example", "unknown.example"] {
            world.send(&mut world.browser(), &format!("https://{host}/"), &[]).reply();
        }
        let expected = [
            "tenantgate_tenant_events{tenant=\"acme\",event=\"unauthenticated\"} 1",
            "tenantgate_tenant_events{tenant=\"globex.eu-1\",event=\"unauthenticated\"} 2",
            "tenantgate_events{event=\"unauthenticated\"} 3",
            "tenantgate_events{event=\"unknown_host\"} 1",
            "tenantgate_tenants_serving{} 2",
            "tenantgate_host_verifies_ES256{} 1",
        ];
        world.eventually(|world| {
            let metrics = world.harness.admin("/stats/prometheus");
            expected.iter().all(|line| metrics.lines().any(|metric| metric == *line))
        });
        let metrics = world.harness.admin("/stats/prometheus");
        assert_eq!(metrics.matches("\ntenantgate_tenant_events{").count(), 2, "{metrics}");
    }

    /// Invalid requests over a raw socket get an answer or a closed connection, and the filter
    /// serves the next request.
    #[test]
    fn invalid_requests_get_an_answer() {
        let mut world = World::<EnvoyHarness>::new();
        for request in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"GET / HTTP/1.1\r\nhost: acme.example\r\nhost: globex.example\r\n\r\n",
            b"GET / HTTP/1.1\r\nhost: acme.example\r\nx-\xff: 1\r\n\r\n",
            b"GET / HTTP/1.1\r\nhost: acme.example\r\nx y: 1\r\n\r\n",
            b"GET / HTTP/1.1\r\nhost: \xff\xfe\r\n\r\n",
            b"GET \xff\xfe HTTP/1.1\r\nhost: acme.example\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\nhost: acme.example\r\n\r\n",
            b"GET /a#b HTTP/1.1\r\nhost: acme.example\r\n\r\n",
            b"GET http://globex.example/ HTTP/1.1\r\nhost: acme.example\r\n\r\n",
            b"GET ftp://acme.example/ HTTP/1.1\r\nhost: acme.example\r\n\r\n",
            b"CONNECT acme.example:443 HTTP/1.1\r\nhost: acme.example\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nhost: acme.example\r\n\r\n",
            b"GET / HTTP/1.0\r\n\r\n",
            b"GET / HTTP/1.1\r\nhost: acme.example\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
            b"POST / HTTP/1.1\r\nhost: acme.example\r\ncontent-length: 5\r\n\r\nhello",
            b"POST / HTTP/1.1\r\nhost: acme.example\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ] {
            if let Some(reply) = exchange(world.harness.gateway(), request) {
                assert!(reply.status >= 302, "{} for {}", reply.status, request.escape_ascii());
            }
        }
        assert!(world.harness.take_received().is_empty());
        for lines in [
            &[(&b":method"[..], &b"GET"[..]), (b":scheme", b"https"), (b":authority", b"acme.example")][..],
            &[(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/")],
            &[(b":method", b"CONNECT"), (b":authority", b"acme.example:443")],
            &[(b":method", b"OPTIONS"), (b":scheme", b"https"), (b":authority", b"acme.example"), (b":path", b"*")],
            &[(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"\xff"), (b":path", b"/")],
            &[(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"acme.example"), (b":path", b"/\xff")],
            &[&GET[..], &[(b":authority", b"globex.example")]].concat(),
            &[&GET[..], &[(b"host", b"globex.example")]].concat(),
            &[&GET[..], &[(b"x-\xff", b"1")]].concat(),
            &[&GET[..], &[(b"X-Upper", b"1")]].concat(),
            &[&GET[..], &[(b"cookie", b"\xff\xfe=\x80"), (b"accept", b"\xff"), (b"cookie", b";;=;")]].concat(),
            &[&GET[..], &[(b"x-auth-request-user", b"root"), (b"te", b"trailers")]].concat(),
            &[&GET[..], &[(b"connection", b"x-auth-request-user")]].concat(),
        ] {
            let status = http2::status(world.harness.gateway(), lines);
            assert!(status.is_none_or(|status| status >= 302), "{status:?}");
        }
        assert!(world.harness.take_received().is_empty());
        let stats = world.harness.admin("/stats?filter=wasm");
        assert!(stats.contains("wasmcustom.tenantgate.events.unauthenticated: "), "{stats}");
        let reloads = world.harness.admin("/stats?filter=vm_reload");
        let counters: Vec<&str> = reloads.lines().filter(|line| line.contains("vm_reload")).collect();
        assert!(!counters.is_empty() && counters.iter().all(|line| line.ends_with(": 0")), "a VM crashed: {reloads}");
        world.signed_in();
    }

    /// Envoy passes the known-answer test, so Envoy verifies the signatures.
    #[test]
    fn envoy_verifies_rsa_and_ecdsa() {
        let mut world = World::<EnvoyHarness>::new();
        let stats = world.harness.admin("/stats?filter=host_verifies");
        for algorithm in ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"] {
            assert!(stats.contains(&format!("wasmcustom.tenantgate.host_verifies.{algorithm}: 1")), "{stats}");
        }
        for algorithm in ["PS256", "PS384", "PS512", "EdDSA"] {
            assert!(stats.contains(&format!("wasmcustom.tenantgate.host_verifies.{algorithm}: 0")), "{stats}");
        }
        world.signed_in();
    }

    /// A session cookie in several `cookie` lines (RFC 9113 section 8.2.3), with other cookies
    /// around it.
    #[test]
    fn a_session_over_http_2() {
        let mut world = World::<EnvoyHarness>::new();
        let session = world.signed_in().cookie_line("acme.example").unwrap();
        for crumbs in [[session.as_bytes(), b"theme=dark"], [b"theme=dark", session.as_bytes()]] {
            let lines = [&GET[..], &[(b"cookie", crumbs[0]), (b"cookie", crumbs[1])]].concat();
            assert_eq!(http2::status(world.harness.gateway(), &lines), Some(200));
            let seen = world.harness.take_received().pop().unwrap();
            assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
            assert_eq!(values(&seen, "cookie"), ["theme=dark"]);
        }
        assert_eq!(http2::status(world.harness.gateway(), &GET), Some(401));
        assert!(world.harness.take_received().is_empty());
    }

    /// The upstream answers after the complete body.
    #[test]
    fn a_body_follows_its_head() {
        let mut world = World::<EnvoyHarness>::new();
        let session = world.signed_in().cookie_line("acme.example").unwrap();
        for (cookie, status, received) in [(session.as_str(), 200, 1), ("a=1", 401, 0)] {
            let body = "x".repeat(100_000);
            let head = "POST /form HTTP/1.1\r\nhost: acme.example\r\ncontent-length: 100000\r\nconnection: close";
            let request = format!("{head}\r\ncookie: {cookie}\r\n\r\n{body}");
            let reply = exchange(world.harness.gateway(), request.as_bytes()).unwrap();
            assert_eq!((reply.status, world.harness.take_received().len()), (status, received));
        }
    }

    /// A configuration that is pushed to a running Envoy applies at once. Sessions and logins go
    /// on.
    #[test]
    fn a_pushed_configuration_ends_no_session() {
        let mut world = World::<EnvoyHarness>::new();
        let mut configuration = world.configuration();
        let mut browser = world.signed_in();
        let mut waiting = world.browser();
        let callback = world.callback(&mut waiting, "acme", "https://acme.example/page", &ada());
        for header in ["x-user", "x-login"] {
            configuration["tenants"][0]["headers"] = json!({ "user": header });
            world.harness.push(&configuration);
            for _ in 0..10 {
                let seen = world.open(&mut browser, "https://acme.example/").forwarded();
                assert_eq!(values(&seen, header), ["ada"]);
            }
        }
        assert_eq!(world.open(&mut waiting, &callback).reply().header("location"), Some("https://acme.example/page"));
        // A rejected configuration changes nothing.
        let log = world.harness.log().len();
        world.harness.push_rejected(&json!({ "tenants": 1 }));
        assert!(world.harness.log()[log..].contains("configuration refused: session: is missing"));
        let seen = world.open(&mut waiting, "https://acme.example/page").forwarded();
        assert_eq!(values(&seen, "x-login"), ["ada"]);
    }

    /// Upgrades and retries keep the identity; an internal redirect passes the filter again.
    #[test]
    fn upgrades_retries_and_internal_redirects() {
        let mut world = World::<EnvoyHarness>::new();
        world.harness = EnvoyHarness::with_retries(&world.configuration(), world.issuers.clone());
        let session = world.signed_in().cookie_line("acme.example").unwrap();
        let send = |path: &str, cookie: &str| {
            let request = format!(
                "GET {path} HTTP/1.1\r\nhost: acme.example\r\nx-auth-request-user: root\r\nconnection: upgrade\r\n\
                 upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{cookie}\r\n"
            );
            let plain = request.replace("connection: upgrade\r\nupgrade: websocket\r\n", "connection: close\r\n");
            let request = if path == "/socket" { request } else { plain };
            let status = exchange(world.harness.gateway(), request.as_bytes()).unwrap().status;
            let received = world.harness.take_received();
            for lines in &received {
                assert_eq!(values(lines, "x-auth-request-user"), ["ada"], "{path}");
                assert!(!lines.iter().any(|(name, _)| name == "cookie"), "{path}");
            }
            let paths = received.iter().map(|lines| values(lines, ":path").concat()).collect::<Vec<_>>();
            (status, paths)
        };
        let cookie = format!("cookie: {session}\r\n");
        assert_eq!(send("/socket", ""), (401, vec![]));
        assert_eq!(send("/socket", &cookie).1, ["/socket"]);
        let from = |origin: &str| format!("{cookie}origin: {origin}\r\n");
        assert_eq!(send("/socket", &from("https://acme.example")).1, ["/socket"]);
        assert_eq!(send("/socket", &from("https://globex.example")), (403, vec![]));
        assert_eq!(send("/broken", &cookie), (500, vec!["/broken".to_owned(); 3]));
        // The filter removed the session cookie, so the redirected request is anonymous.
        assert_eq!(send("/moved", &cookie), (401, vec!["/moved".to_owned()]));
    }

    /// A crash of the VM costs only the request that caused it. Each of the two workers has its own
    /// VM.
    #[test]
    fn a_crash_costs_one_request() {
        let mut world = World::<EnvoyHarness>::new();
        world.harness = EnvoyHarness::with_crashing_module(&world.configuration(), world.issuers.clone());
        let browser = world.signed_in();
        let mut waiting = world.browser();
        let callback = world.callback(&mut waiting, "acme", "https://acme.example/page", &ada());
        let session = browser.cookie_line("acme.example").unwrap();
        let mut lines = vec![("cookie", session.as_str())];
        lines.extend([("x-line", "1"); 60]);
        for _ in 0..8 {
            let reply = world.send(&mut world.browser(), "https://acme.example/", &lines).reply();
            assert!(reply.status >= 500, "{}", reply.status);
        }
        assert!(world.harness.log().contains("unreachable"), "{}", world.harness.log());
        // A connection comes to either worker by chance, and 32 do not all come to the same one.
        for _ in 0..32 {
            world.eventually(|world| match world.send(&mut world.browser(), "https://acme.example/", &lines[..1]) {
                Outcome::Forwarded(..) => true,
                Outcome::Replied(reply) => {
                    assert_eq!(reply.status, 503);
                    false
                }
            });
        }
        let reply = world.open(&mut waiting, &callback).reply();
        assert_eq!(reply.header("location"), Some("https://acme.example/page"), "{}", reply.status);
    }

    /// Two workers and the main thread have a VM each: one fetches, all get the result.
    #[test]
    fn the_workers_of_an_envoy_fetch_once() {
        let mut world = World::<EnvoyHarness>::with_issuer(
            |issuer| issuer.rotate(Signer::es256(), "one"),
            |configuration| scenarios::keys::discover(&mut configuration["tenants"][0], |_| {}),
        );
        scenarios::keys::discovered(&mut world);
        assert_eq!(world.issuer("acme", |issuer| issuer.documents), 2);
        let stats = world.harness.admin("/stats?filter=tenantgate.events.jwks");
        assert!(stats.contains("wasmcustom.tenantgate.events.jwks_fetched: 1"), "{stats}");
    }

    /// Envoy selects the route again after the filter changed the head (ABI 0.2.1). So routes see
    /// the filter's headers, not the client's.
    #[test]
    fn routes_match_the_headers_of_the_filter() {
        let mut world = World::<EnvoyHarness>::new();
        let mut browser = world.signed_in();
        let configuration = world.configuration();
        world.harness.relaunch(&configuration, |manager| {
            let route = |header: Option<(&str, &str)>, name: &str| {
                let mark = json!({ "header": { "key": "x-route", "value": name } });
                let mut route = json!({
                    "match": { "prefix": "/" }, "route": { "cluster": "upstream" }, "request_headers_to_add": [mark],
                });
                if let Some((header, value)) = header {
                    let exact = json!({ "name": header, "string_match": { "exact": value } });
                    route["match"]["headers"] = json!([exact]);
                }
                route
            };
            manager["route_config"]["virtual_hosts"][0]["routes"] = json!([
                route(Some(("x-auth-request-tenant", "globex")), "globex"),
                route(Some(("x-auth-request-groups", "engineers,admins")), "engineers"),
                route(Some(("x_auth_request_user", "root")), "root"),
                route(None, "anybody"),
            ]);
        });
        for line in [
            ("x-other", "x"),
            ("x-auth-request-tenant", "globex"),
            ("X-Auth-Request-Groups", "nobody"),
            ("x_auth_request_user", "root"),
        ] {
            let seen = world.send(&mut browser, "https://acme.example/", &[line, NAVIGATION[0]]).forwarded();
            assert_eq!(values(&seen, "x-route"), ["engineers"], "{line:?}");
        }
        let mut other = world.browser();
        world.sign_in(&mut other, "globex", "https://globex.example/", &json!({ "sub": "bob" }));
        let seen = world.open(&mut other, "https://globex.example/").forwarded();
        assert_eq!(values(&seen, "x-route"), ["globex"]);
        // The filter does not change path and host.
        let seen = world.open(&mut browser, "https://acme.example/a/../b%2f?c").forwarded();
        assert_eq!(values(&seen, ":path"), ["/a/../b%2f?c"]);
        assert_eq!(values(&seen, "host"), ["acme.example"]);
    }

    /// The format in docs/operations.md, without the time and the request id.
    const ACCESS_LOG: &str = "%REQ(:METHOD)% %PATH(NQ)% %RESPONSE_CODE% tenant=%FILTER_STATE(wasm.tenantgate.tenant:PLAIN)% user=%FILTER_STATE(wasm.tenantgate.user:PLAIN)% decision=%FILTER_STATE(wasm.tenantgate.decision:PLAIN)%";

    /// Access log and RBAC filter read the filter state.
    #[test]
    fn filter_state_reaches_access_log_and_rbac() {
        assert!(include_str!("../docs/operations.md").contains(ACCESS_LOG));
        let mut world = World::<EnvoyHarness>::new();
        let mut browser = world.signed_in();
        let mut other = world.browser();
        world.sign_in(&mut other, "globex", "https://globex.example/", &json!({ "sub": "g\r\nh" }));
        let tell = |manager: &mut Value| {
            let state = |name: &str| format!("%FILTER_STATE(wasm.tenantgate.{name}:PLAIN)%");
            let line = format!("told [{}] {ACCESS_LOG}\n", state("roles"));
            manager["access_log"] = json!([{ "name": "stdout", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
                "log_format": { "text_format_source": { "inline_string": line } },
            }}]);
            let is_acme = json!({ "filter_state": {
                "key": "wasm.tenantgate.tenant", "string_match": { "exact": "acme" },
            }});
            let rbac = json!({
                "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
                "rules": { "policies": { "acme": { "permissions": [{ "any": true }], "principals": [is_acme] } } },
            });
            let filters = manager["http_filters"].as_array_mut().unwrap();
            filters.insert(1, json!({ "name": "envoy.filters.http.rbac", "typed_config": rbac }));
        };
        for (told, status, line) in [
            (true, 200, "told [admin] GET / 200 tenant=acme user=ada decision=allow"),
            (false, 403, "told [-] GET / 403 tenant=- user=- decision=-"),
        ] {
            let mut configuration = world.configuration();
            configuration["filter_state"] = json!(told);
            configuration["tenants"][0]["roles"] = json!([{ "name": "admin", "groups": ["admins"] }]);
            world.harness.relaunch(&configuration, tell);
            let outcome = world.open(&mut browser, "https://acme.example/");
            let found = match outcome {
                Outcome::Forwarded(..) => 200,
                Outcome::Replied(reply) => reply.status,
            };
            assert_eq!(found, status);
            assert_eq!(world.open(&mut other, "https://globex.example/").reply().status, 403);
            world.eventually(|world| world.harness.log().lines().any(|logged| logged == line));
            if told {
                let of_replies = [
                    "told [] GET / 403 tenant=globex user=g%0D%0Ah decision=allow",
                    "told [-] GET /x 401 tenant=acme user=- decision=unauthenticated",
                ];
                world
                    .send(&mut world.browser(), "https://acme.example/x?y", &[("x-auth-request-user", "root")])
                    .reply();
                for line in of_replies {
                    world.eventually(|world| world.harness.log().lines().any(|logged| logged == line));
                }
            }
        }
    }

    /// A provider on a closed port, and a cluster that does not exist.
    #[test]
    fn an_unreachable_provider_costs_a_login() {
        let mut world = World::<EnvoyHarness>::with(|configuration| {
            configuration["tenants"][0]["provider"]["cluster"] = json!("down");
            configuration["tenants"][1]["provider"]["cluster"] = json!("nowhere");
        });
        // A cluster that does not exist is a mistake that stays.
        for (tenant, title, reason) in [
            ("acme", "Sign-in unavailable", "cluster \"down\": Envoy: upstream connect error"),
            ("globex", "Sign-in does not work", "cluster \"nowhere\": Envoy refused the call"),
        ] {
            let mut browser = world.browser();
            let callback = world.callback(&mut browser, tenant, &format!("https://{tenant}.example/"), &ada());
            let reply = world.open(&mut browser, &callback).reply();
            assert_eq!(reply.status, 503);
            assert!(reply.header("retry-after").is_some() && reply.body.contains(title), "{}", reply.body);
            world.eventually(|world| world.harness.log().contains(reason));
            assert!(!browser.has_session());
        }
    }

    /// A token endpoint that closes the connection or sends an endless answer: one connection for
    /// each login, and an answer for the client.
    #[test]
    fn a_broken_provider_connection_costs_a_login() {
        let mut world = World::<EnvoyHarness>::with(|configuration| {
            configuration["tenants"][0]["provider"]["cluster"] = json!("down");
        });
        let listener = TcpListener::bind(world.harness.down()).unwrap();
        let (connected, connections) = channel();
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                connected.send(number).unwrap();
                match number {
                    // The request stays unread, so the connection is reset.
                    0 => drop(stream),
                    1 => drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")),
                    2 => drop(stream.write_all(b"\xff\xfe not HTTP\r\n\r\n")),
                    _ => drip(&mut stream),
                }
            }
        });
        for number in 0..4 {
            let mut browser = world.browser();
            let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
            let reply = world.open(&mut browser, &callback).reply();
            assert_eq!(reply.status, 503, "{number}: {}", reply.body);
            assert!(reply.header("retry-after").is_some() && !browser.has_session());
            assert_eq!(connections.try_iter().collect::<Vec<_>>(), [number]);
        }
        // The other tenant is not affected.
        world.sign_in(&mut world.browser(), "globex", "https://globex.example/", &ada());
    }

    /// Sends an endless answer slowly, until the client closes.
    fn drip(stream: &mut TcpStream) {
        let mut request = [0; 4096];
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".iter().chain(std::iter::repeat(&b' '));
        loop {
            match stream.read(&mut request) {
                Ok(0) => return,
                Err(error) if error.kind() != ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => {}
            }
            if stream.write_all(&[*answer.next().unwrap()]).is_err() {
                return;
            }
        }
    }

    /// Clients that close the connection during the token request: each code is sent once, and no
    /// call remains.
    #[test]
    fn clients_that_hang_up_during_a_login_leave_nothing_behind() {
        const TIMES: usize = 40;
        let mut world = World::<EnvoyHarness>::new();
        let mut signed_in = world.signed_in();
        let before = world.issuer("acme", |issuer| {
            issuer.answer = Answer::Silence;
            issuer.calls
        });
        for number in 1..=TIMES {
            let mut browser = world.browser();
            let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
            let path = callback.strip_prefix("https://acme.example").unwrap();
            let cookie = browser.cookie_line("acme.example").unwrap();
            let mut client = TcpStream::connect(world.harness.gateway()).unwrap();
            write!(client, "GET {path} HTTP/1.1\r\nhost: acme.example\r\ncookie: {cookie}\r\n\r\n").unwrap();
            // Waits for the token request.
            while world.issuer("acme", |issuer| issuer.calls) < before + number {
                thread::yield_now();
            }
            drop(client);
        }
        assert_eq!(world.issuer("acme", |issuer| issuer.calls), before + TIMES);
        let deadline = Instant::now() + Duration::from_secs(30);
        while !world.harness.admin("/stats?filter=cluster.acme.upstream_rq_active").contains("upstream_rq_active: 0") {
            assert!(Instant::now() < deadline, "calls stay behind");
        }
        world.open(&mut signed_in, "https://acme.example/").forwarded();
        world.issuer("acme", |issuer| issuer.answer = Answer::Normal);
        world.signed_in();
        let reloads = world.harness.admin("/stats?filter=vm_reload");
        assert!(
            reloads.lines().filter(|line| line.contains("vm_reload")).all(|line| line.ends_with(": 0")),
            "{reloads}"
        );
    }

    /// The first request after a refresh is due goes on at once. Its answer waits for the new
    /// session, for one call or two.
    #[test]
    fn a_refresh_beside_a_request() {
        for userinfo in [false, true] {
            let mut world = World::<EnvoyHarness>::with(|configuration| {
                let acme = &mut configuration["tenants"][0];
                acme["provider"]["userinfo_endpoint"] = json!("https://login.acme.example/userinfo");
                (acme["login"]["userinfo"], acme["refresh"]) = (json!(userinfo), json!({ "interval": "8s" }));
            });
            let first = json!({ "sub": "ada", "groups": ["engineers", "admins"] });
            let guests = json!({ "sub": "ada", "groups": ["guests"] });
            // A refresh is due after 6 s and overdue after 8 s.
            world.issuer("acme", |issuer| {
                issuer.refresh = Refresh::Rotating;
                issuer.userinfo.1 = first.clone();
            });
            let person = if userinfo { json!({ "sub": "ada" }) } else { first };
            let mut browser = world.browser();
            world.sign_in(&mut browser, "acme", "https://acme.example/", &person);
            let (session, calls) = (browser.named("-session"), world.issuer("acme", |issuer| issuer.calls));
            world.issuer("acme", |issuer| {
                issuer.userinfo.1 = guests.clone();
                if !userinfo {
                    issuer.directory.insert("ada".to_owned(), guests);
                }
            });
            let (seen, reply) = loop {
                match world.open(&mut browser, "https://acme.example/") {
                    Outcome::Forwarded(seen, reply) if browser.named("-session") != session => break (seen, reply),
                    Outcome::Forwarded(..) => {}
                    Outcome::Replied(reply) => panic!("{reply:?}"),
                }
            };
            assert_eq!(reply.body, "the page");
            assert_eq!((reply.header("cache-control"), reply.all("set-cookie").count()), (Some("no-store"), 2));
            assert_eq!((reply.header("cdn-cache-control"), reply.header("surrogate-control")), (None, None));
            assert_eq!(world.issuer("acme", |issuer| issuer.calls), calls + 1 + usize::from(userinfo));
            assert_eq!(values(&seen, "x-auth-request-groups"), ["engineers,admins"]);
            let seen = world.open(&mut browser, "https://acme.example/").forwarded();
            assert_eq!(values(&seen, "x-auth-request-groups"), ["guests"]);
        }
    }

    #[test]
    fn envoy_does_not_start_with_a_configuration_that_is_refused() {
        let log = try_start(&configuration(&[])).unwrap_err();
        assert!(log.contains("configuration refused: tenants: is empty; at least one is needed"), "{log}");
        let log = try_start(&json!({ "tenants": 1 })).unwrap_err();
        assert!(log.contains("configuration refused: session: is missing"), "{log}");
        assert!(log.contains("configuration refused: tenants: must be an array, not a number"), "{log}");
    }
}
