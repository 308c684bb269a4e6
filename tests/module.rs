//! Tier `module`: the scenarios with the module in the mock host and simulated time.
#![allow(clippy::restriction, clippy::disallowed_methods, unreachable_pub, reason = "tests")]

mod costs;
mod panics;
mod scenarios;
mod support;
mod vms;

use support::module_harness::{LostHostCryptoHarness, ModuleHarness, NoHostCryptoHarness};

scenarios::scenarios!(all ModuleHarness);

/// A host that never verifies signatures gives the same results.
mod without_host_cryptography {
    use super::*;

    scenarios::tests! { NoHostCryptoHarness;
        bearer: [
            a_good_token_is_as_good_as_a_session, hostile_bearer_tokens, a_token_that_is_not_enough,
            claims_that_are_required, one_header_with_one_token,
            a_session_is_not_looked_at_beside_a_token, tenants_that_take_no_tokens_or_id_tokens_too,
            a_known_token_opens_nothing_new, another_algorithm_of_the_same_key, a_key_in_the_token,
            claims_of_every_type, signed_text_that_is_no_token,
        ];
        id_token: [hostile_tokens, odd_but_good_tokens, claims_of_the_wrong_type];
        login: [back_to_the_page_that_was_asked_for, every_algorithm];
    }
}

/// A host that stops verifying signatures after the known-answer test gives the same results.
mod host_cryptography_disappears {
    use super::*;

    scenarios::tests! { LostHostCryptoHarness;
        bearer: [
            a_good_token_is_as_good_as_a_session, hostile_bearer_tokens, a_token_that_is_not_enough,
            a_known_token_opens_nothing_new, another_algorithm_of_the_same_key, a_key_in_the_token,
            claims_of_every_type, signed_text_that_is_no_token,
        ];
        id_token: [hostile_tokens, odd_but_good_tokens];
        login: [back_to_the_page_that_was_asked_for, every_algorithm];
    }
}

/// The interface between the module and its host.
mod abi {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use serde_json::{Value, json};
    use wasmi::{Engine, Module};

    use super::support::browser::Browser;
    use super::support::clock::Clock;
    use super::support::configuration::{SESSION_KEY, configuration, tenant};
    use super::support::harness::{Harness, Lines, Reply, values};
    use super::support::host::{Host, RequestState, UpstreamAnswers, module_bytes};
    use super::support::issuer::{Issuer, Issuers, Refresh};
    use super::support::module_harness::{ModuleHarness, answer};
    use super::support::shared::SharedStore;
    use super::support::signer::Signer;
    use super::support::world::{NAVIGATION, World, ada};

    fn lines(lines: &[(&str, &[u8])]) -> Lines {
        lines.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect()
    }

    fn visit() -> Lines {
        lines(&[(":method", b"GET"), (":authority", b"acme.example"), (":path", b"/"), ("accept", b"text/html")])
    }

    fn replied(request_state: RequestState) -> Reply {
        match request_state {
            RequestState::Replied(reply) => reply,
            _ => panic!("no reply"),
        }
    }

    fn status(host: &mut Host, head: &Lines) -> u16 {
        replied(host.request(head).1).status
    }

    fn issuer() -> Issuer {
        Issuer::new("https://login.acme.example", "client_secret_basic", Signer::eddsa(), Clock::simulated())
    }

    fn started() -> Host {
        let configuration = configuration(&[tenant("acme", &issuer())]).to_string();
        let (host, taken) = Host::start(configuration.as_bytes(), &[], Clock::simulated());
        assert!(taken);
        host
    }

    /// The imports that Envoy, Istio and Envoy Gateway are known to have.
    const IMPORTS: [&str; 37] = [
        "env.proxy_add_header_map_value",
        "env.proxy_call_foreign_function",
        "env.proxy_close_stream",
        "env.proxy_continue_stream",
        "env.proxy_define_metric",
        "env.proxy_dequeue_shared_queue",
        "env.proxy_done",
        "env.proxy_get_buffer_bytes",
        "env.proxy_get_current_time_nanoseconds",
        "env.proxy_get_header_map_pairs",
        "env.proxy_get_header_map_value",
        "env.proxy_get_log_level",
        "env.proxy_get_property",
        "env.proxy_get_shared_data",
        "env.proxy_get_status",
        "env.proxy_grpc_cancel",
        "env.proxy_grpc_close",
        "env.proxy_grpc_send",
        "env.proxy_http_call",
        "env.proxy_increment_metric",
        "env.proxy_log",
        "env.proxy_record_metric",
        "env.proxy_register_shared_queue",
        "env.proxy_remove_header_map_value",
        "env.proxy_replace_header_map_value",
        "env.proxy_send_local_response",
        "env.proxy_set_buffer_bytes",
        "env.proxy_set_effective_context",
        "env.proxy_set_header_map_pairs",
        "env.proxy_set_property",
        "env.proxy_set_shared_data",
        "env.proxy_set_tick_period_milliseconds",
        "wasi_snapshot_preview1.environ_get",
        "wasi_snapshot_preview1.environ_sizes_get",
        "wasi_snapshot_preview1.fd_write",
        "wasi_snapshot_preview1.proc_exit",
        "wasi_snapshot_preview1.random_get",
    ];

    #[test]
    fn the_module_imports_what_every_host_has() {
        let module = Module::new(&Engine::default(), module_bytes()).unwrap();
        let imports: BTreeSet<String> =
            module.imports().map(|import| format!("{}.{}", import.module(), import.name())).collect();
        assert_eq!(imports, IMPORTS.map(str::to_owned).into());
    }

    /// The callbacks that the filter needs. Envoy calls only exported ones: without
    /// `proxy_on_request_body`, a body would not wait for its head.
    const EXPORTS: [&str; 14] = [
        "_initialize",
        "memory",
        "proxy_abi_version_0_2_1",
        "proxy_on_configure",
        "proxy_on_context_create",
        "proxy_on_delete",
        "proxy_on_http_call_response",
        "proxy_on_memory_allocate",
        "proxy_on_request_body",
        "proxy_on_request_headers",
        "proxy_on_request_trailers",
        "proxy_on_response_headers",
        "proxy_on_tick",
        "proxy_on_vm_start",
    ];

    #[test]
    fn the_module_has_the_callbacks_that_it_needs_and_no_others() {
        let module = Module::new(&Engine::default(), module_bytes()).unwrap();
        let exports: BTreeSet<String> = module.exports().map(|export| export.name().to_owned()).collect();
        assert_eq!(exports, EXPORTS.map(str::to_owned).into());
    }

    /// Every refusal is counted, with several between two ticks.
    #[test]
    fn every_refusal_is_counted() {
        let mut host = started();
        let mut without_host = visit();
        without_host.retain(|(name, _)| name != ":authority");
        let count = |host: &mut Host| host.state().counters.get("tenantgate.events.host_invalid").copied();
        for expected in [3, 6] {
            for _ in 0..3 {
                assert_eq!(status(&mut host, &without_host), 400);
            }
            assert_eq!(count(&mut host), Some(expected - 2));
            host.tick();
            assert_eq!(count(&mut host), Some(expected));
        }
    }

    /// A configuration push loses no count: neither those that wait for a tick, nor those of
    /// streams that go on with the old configuration.
    #[test]
    fn a_configuration_push_loses_no_count() {
        let mut world = World::<ModuleHarness>::new();
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
        let mut head = lines(&[(":method", b"GET"), (":authority", b"acme.example"), (":scheme", b"https")]);
        let path = callback.strip_prefix("https://acme.example").unwrap();
        head.push((":path".to_owned(), path.as_bytes().to_vec()));
        head.push(("cookie".to_owned(), browser.cookie_line("acme.example").unwrap().into_bytes()));
        let (context, waits) = world.harness.host.request(&head);
        let RequestState::Waits(call) = waits else { panic!("no token request") };
        for _ in 0..3 {
            world.send(&mut world.browser(), "https://acme.example/", &[]).reply();
        }
        let configuration = world.configuration();
        world.harness.reconfigure(&configuration);
        assert!(matches!(world.harness.host.answer(context, &call, None), RequestState::Replied(_)));
        world.harness.host.tick();
        let expected = [("unauthenticated", 3), ("provider_unreachable", 1)];
        for (event, count) in expected {
            assert_eq!(world.harness.counter(event), count, "{event}");
            assert_eq!(world.harness.counter(&format!("tenant.acme.{event}")), count, "{event}");
        }
    }

    /// At Envoy's default level, requests that anybody can send have one line for each kind in a
    /// minute, and the sums are right.
    #[test]
    fn clients_cannot_fill_the_log() {
        let mut world = World::<ModuleHarness>::with(|configuration| {
            configuration["tenants"][0]["login"]["backchannel_logout_path"] = json!("/logout-tokens");
        });
        world.harness.advance();
        world.harness.host.state().log.clear();
        let mut lines = Vec::new();
        for second in 0..120 {
            for cookie in ["session=k9.junk", "session=junk", "session=k1.AAAA", "redirect-loop=9"] {
                let line = format!("__Host-tenantgate-{cookie}");
                let mut head = NAVIGATION.to_vec();
                head.push(("cookie", &line));
                world.send(&mut world.browser(), "https://acme.example/", &head).reply();
            }
            let body = ("content-type", "application/x-www-form-urlencoded");
            let head = [(":method", "POST"), (":authority", "acme.example"), (":path", "/logout-tokens"), body];
            let head = head.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
            world.harness.host.head(&head.into(), false);
            world.harness.host.state().clock.advance(Duration::from_secs(1));
            world.harness.host.tick();
            world.harness.host.take_reply();
            let log = std::mem::take(&mut world.harness.host.state().log);
            lines.extend(log.into_iter().filter(|(level, _)| *level >= 2).map(|(_, line)| (second, line)));
        }
        let of = |event: &str| -> Vec<(u64, u64)> {
            let count = |line: &str| {
                let rest = line.strip_prefix(&format!("{event} tenant=acme: "))?;
                rest.split(' ').next()?.parse().ok()
            };
            lines.iter().filter_map(|(second, line)| Some((*second, count(line)?))).collect()
        };
        assert_eq!(of("session_key_unknown"), [(0, 1), (60, 60)]);
        assert_eq!(of("session_unreadable"), [(0, 2), (60, 120)]);
        assert_eq!(of("redirect_loop"), [(0, 1), (60, 60)]);
        assert_eq!(of("body_timeout"), [(60, 59)]);
        assert_eq!(lines.len(), 7, "{lines:?}");
    }

    /// Clients of a broken tenant make one error for each minute, and every other line is at debug.
    #[test]
    fn a_broken_tenant_is_an_error_once_a_minute() {
        let mut world = World::<ModuleHarness>::with(|configuration| {
            configuration["tenants"][1]["issuer"] = json!("nonsense");
        });
        let mut levels = Vec::new();
        for second in 0..120 {
            world.send(&mut world.browser(), "https://globex.example/", &[("x-request-id", "r-1")]).reply();
            world.harness.host.state().clock.advance(Duration::from_secs(1));
            let log = std::mem::take(&mut world.harness.host.state().log);
            let start = "tenant_broken tenant=globex request_id=r-1: ";
            let found = log.into_iter().filter(|(_, line)| line.starts_with(start));
            levels.extend(found.map(|(level, _)| (second, level)));
        }
        assert_eq!(levels.len(), 120);
        levels.retain(|(_, level)| *level != 1);
        assert_eq!(levels, [(0, 4), (60, 4)]);
    }

    /// Calls to the provider and logins have a histogram, and fetched keys have an age.
    #[test]
    fn calls_logins_and_keys_are_measured() {
        let mut world = World::<ModuleHarness>::with_issuer(
            |issuer| issuer.rotate(Signer::es256(), "one"),
            |configuration| super::scenarios::keys::discover(&mut configuration["tenants"][0], |_| {}),
        );
        super::scenarios::keys::discovered(&mut world);
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
        world.clock.advance(Duration::from_secs(7));
        world.open(&mut browser, &callback).reply();
        let metric = |world: &mut World<ModuleHarness>, name: &str| {
            world.harness.host.state().counters.get(&format!("tenantgate.{name}")).copied()
        };
        assert_eq!(metric(&mut world, "login_seconds"), Some(7));
        assert_eq!(metric(&mut world, "provider_call_ms"), Some(0));
        world.clock.advance(Duration::from_secs(20));
        world.harness.host.tick();
        assert_eq!(metric(&mut world, "tenant_keys.acme.age_seconds"), Some(27));
        world.clock.advance(Duration::from_secs(5));
        world.harness.host.tick();
        assert_eq!(metric(&mut world, "tenant_keys.acme.age_seconds"), Some(27));
    }

    /// Audit lines are at Envoy's default level, whatever the level of the event is.
    #[test]
    fn audit_lines_are_at_the_default_level() {
        let mut world = World::<ModuleHarness>::with(|configuration| configuration["log"] = json!({ "audit": true }));
        world.signed_in();
        let log = std::mem::take(&mut world.harness.host.state().log);
        let audit: Vec<_> = log.iter().filter(|(_, line)| line.starts_with("audit {")).collect();
        assert!(audit.len() == 2 && audit.iter().all(|(level, _)| *level == 2), "{audit:?}");
    }

    /// Filter state is set only if configured, once for each request. Other filters take the tenant
    /// as a proof, so it has none for a request that is forwarded without an identity.
    #[test]
    fn filter_state_is_set_if_configured() {
        let mut world = World::<ModuleHarness>::with(|configuration| {
            configuration["filter_state"] = json!(true);
            configuration["tenants"][0]["roles"] = json!([{ "name": "admin", "groups": ["admins"] }]);
            configuration["tenants"][0]["access"] = json!([{ "paths": ["/public"], "allow": "public" }]);
            configuration["tenants"][0]["access_default"] = json!("any_user");
        });
        let mut ada = world.signed_in();
        let take = |world: &mut World<ModuleHarness>| {
            let properties = std::mem::take(&mut world.harness.host.state().properties).into_iter();
            let text =
                |(name, value): (String, String)| format!("{}={value}", name.strip_prefix("tenantgate.").unwrap());
            properties.map(text).collect::<Vec<_>>()
        };
        let login = ["tenant=acme", "decision=login_started", "tenant=acme", "user=ada", "decision=login_finished"];
        let allowed = ["tenant=acme", "user=ada", "roles=admin", "decision=allow"];
        assert_eq!(take(&mut world), [&login[..], &allowed[..]].concat());

        world.open(&mut world.browser(), "https://acme.example/public").forwarded();
        assert_eq!(take(&mut world), ["decision=allow"]);

        // A client cannot choose what an access log has.
        let mut configuration = world.configuration();
        configuration["filter_state"] = json!(true);
        configuration["tenants"][0]["access"] = json!([{ "allow": { "groups": ["others"] } }]);
        world.harness.reconfigure(&configuration);
        let forged = [("x-auth-request-user", "root"), ("x-auth-request-tenant", "globex")];
        world.send(&mut ada, HOME, &forged).reply();
        assert_eq!(take(&mut world), ["tenant=acme", "user=ada", "decision=access_denied"]);
        world.send(&mut world.browser(), "https://initech.example/", &forged).reply();
        assert_eq!(take(&mut world), ["decision=unknown_host"]);

        let mut world = World::<ModuleHarness>::new();
        world.signed_in();
        assert!(world.harness.host.state().properties.is_empty());
    }

    /// The host is asked for the address of the client only if a rule is about it. Without the
    /// address no request passes, because a `deny` rule could be about it.
    #[test]
    fn clients_that_the_host_does_not_know() {
        let with_rules = |rules: Value| {
            World::<ModuleHarness>::with(move |configuration| configuration["tenants"][0]["access"] = rules)
        };
        let deny = json!({ "client_ips": ["203.0.113.0/24"], "deny": true });
        let mut world =
            with_rules(json!([deny, { "paths": ["/healthz"], "allow": "public" }, { "allow": "any_user" }]));
        let mut ada = world.signed_in();
        assert!(world.harness.host.state().client_asked > 0);
        world.send(&mut ada, HOME, &[]).forwarded();
        world.harness.host.state().no_clients = true;
        assert_eq!(world.send(&mut ada, HOME, &[]).reply().status, 503);
        assert_eq!(world.send(&mut world.browser(), "https://acme.example/healthz", &[]).reply().status, 503);
        assert!(world.harness.log().contains("it did not provide the address of the client"));

        let mut world = with_rules(json!([{ "allow": "any_user" }]));
        world.harness.host.state().no_clients = true;
        world.signed_in();
        assert_eq!(world.harness.host.state().client_asked, 0);
    }

    /// Heads that Envoy's codecs refuse, but other hosts might deliver.
    #[test]
    fn malformed_heads_are_answered() {
        let mut host = started();
        let get: [(&str, &[u8]); 3] = [(":method", b"GET"), (":authority", b"acme.example"), (":path", b"/")];
        let without = |name: &str| lines(&get.into_iter().filter(|(n, _)| *n != name).collect::<Vec<_>>());
        let with = |name, value: &'static [u8]| lines(&[&get[..], &[(name, value)]].concat());
        for (head, expected) in [
            (Lines::new(), 400),
            (without(":authority"), 400),
            (without(":path"), 400),
            (without(":method"), 401),
            (with(":authority", b"globex.example"), 400),
            (with(":path", b"/other"), 400),
            (with(":method", b"\xff"), 401),
            (with("", b""), 401),
            (with("\u{e9}", b"\0"), 401),
            (with("host", b"globex.example"), 401),
        ] {
            assert_eq!(status(&mut host, &head), expected, "{head:?}");
        }
        for path in [&b""[..], b"*", b"acme.example:443", b"https://acme.example/", b"//\xff", b"/a b", b"/\0"] {
            let head = lines(&[get[0], get[1], (":path", path), ("accept", b"text/html")]);
            assert_eq!(status(&mut host, &head), 400, "{}", path.escape_ascii());
        }
    }

    #[test]
    fn a_refused_configuration_is_explained() {
        let broken = json!({ "session": { "keys": [] }, "tenant": [] }).to_string();
        let (mut host, taken) = Host::start(broken.as_bytes(), &[], Clock::simulated());
        assert!(!taken);
        let refusals = host.state().log.iter().map(|(_, line)| line.clone()).filter(|line| line.contains("refused"));
        assert_eq!(
            refusals.collect::<Vec<_>>(),
            [
                "configuration refused: session.keys: is empty; at least one is needed",
                "configuration refused: tenants: is missing",
                "configuration refused: unknown field \"tenant\"; did you mean \"tenants\"?",
            ]
        );
        assert_eq!(status(&mut host, &visit()), 404);
        // A later invalid configuration leaves the valid one in place.
        let mut host = started();
        assert!(!host.configure(b"{}"));
        assert_eq!(status(&mut host, &visit()), 302);
        assert!(!host.configure(b""));
        assert!(!host.configure(b"\xff\xfe"));
        assert_eq!(status(&mut host, &visit()), 302);
    }

    #[test]
    fn secrets_come_from_the_environment_of_the_vm() {
        let mut configuration = configuration(&[tenant("acme", &issuer())]);
        configuration["session"]["keys"] = json!([{ "id": "a", "env": "KEY" }]);
        configuration["tenants"][0]["client_secret"] = json!({ "env": "SECRET" });
        let text = configuration.to_string();
        let (mut host, taken) =
            Host::start(text.as_bytes(), &[("KEY", SESSION_KEY), ("SECRET", "x")], Clock::simulated());
        assert!(taken);
        assert_eq!(status(&mut host, &visit()), 302);
        let (mut host, taken) = Host::start(text.as_bytes(), &[("KEY", SESSION_KEY)], Clock::simulated());
        assert!(taken);
        assert_eq!(status(&mut host, &visit()), 503);
        assert_eq!(host.state().counters.get("tenantgate.events.tenant_config_error"), Some(&1));
        let gauges =
            ["serving", "broken"].map(|name| host.state().counters.get(&format!("tenantgate.tenants_{name}")).copied());
        assert_eq!(gauges, [Some(0), Some(1)]);
        let mut lines = host.state().log.iter();
        let (level, line) = lines.find(|(_, line)| line.starts_with("configuration loaded")).cloned().unwrap();
        assert_eq!((level, line.as_str()), (4, "configuration loaded: 0 tenants serve, 1 answer 503: acme"));
        assert_eq!(host.state().counters.get("tenantgate.events.tenant_broken"), Some(&1));
        let (_, taken) = Host::start(text.as_bytes(), &[], Clock::simulated());
        assert!(!taken);
    }

    #[test]
    fn the_host_is_tested_for_its_algorithms() {
        let mut host = started();
        let gauge = |host: &mut Host, name: &str| {
            host.state().counters.get(&format!("tenantgate.host_verifies.{name}")).copied()
        };
        assert_eq!(
            (gauge(&mut host, "RS256"), gauge(&mut host, "ES512"), gauge(&mut host, "PS256")),
            (Some(1), Some(1), Some(0))
        );
        let said = "signatures verified by the host: RS256 RS384 RS512 ES256 ES384 ES512; by the module: PS256 PS384 PS512 EdDSA";
        assert_eq!(host.state().log.iter().filter(|(_, line)| line == said).count(), 1, "{:?}", host.state().log);
    }

    /// The module writes no lines below the log level of the host, from the next tick on. Level 6
    /// is "off".
    #[test]
    fn only_lines_of_the_log_level_are_written() {
        let mut host = started();
        let program = lines(&[(":method", b"GET"), (":authority", b"acme.example"), (":path", b"/")]);
        for (level, written) in [(None, 1), (Some(2), 0), (Some(1), 1), (Some(6), 0), (Some(0), 1)] {
            host.state().log_level = level;
            host.tick();
            host.state().log.clear();
            assert_eq!(status(&mut host, &program), 401);
            let log = host.state().log.clone();
            assert_eq!(
                log.iter().filter(|(level, line)| *level == 1 && line.starts_with("unauthenticated")).count(),
                written,
                "{level:?}"
            );
        }
    }

    #[test]
    fn cache_counters_are_updated() {
        let mut world = World::<ModuleHarness>::with(|configuration| {
            configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
        });
        let now = world.clock.now();
        let claims = json!({ "iss": "https://login.acme.example", "aud": "api", "sub": "robot", "exp": now + 300 });
        let token = world.issuer("acme", |issuer| issuer.signer.jws(&json!({ "alg": "ES256" }), &claims));
        // The cache takes a token when it comes for the second time.
        for _ in 0..4 {
            let lines = [("authorization", &*format!("Bearer {token}"))];
            world.send(&mut world.browser(), "https://acme.example/", &lines).forwarded();
        }
        let count = |host: &mut Host, name: &str| {
            host.state().counters.get(&format!("tenantgate.events.token_cache_{name}")).copied()
        };
        assert_eq!(count(&mut world.harness.host, "hits"), None);
        world.harness.host.tick();
        assert_eq!(
            (count(&mut world.harness.host, "hits"), count(&mut world.harness.host, "misses")),
            (Some(2), Some(2))
        );
        world.harness.host.tick();
        assert_eq!(
            (count(&mut world.harness.host, "hits"), count(&mut world.harness.host, "evictions")),
            (Some(2), None)
        );
    }

    /// The VMs of a process share a fetch: one calls, all get the result.
    #[test]
    fn vms_of_one_process_fetch_once() {
        let clock = Clock::simulated();
        let mut issuer =
            Issuer::new("https://login.acme.example", "client_secret_basic", Signer::es256(), clock.clone());
        issuer.rotate(Signer::es256(), "one");
        let mut configuration = configuration(&[tenant("acme", &issuer)]);
        super::scenarios::keys::discover(&mut configuration["tenants"][0], |_| {});
        let issuers: Issuers = Arc::new(Mutex::new([("acme".to_owned(), issuer)].into()));
        let shared = SharedStore::default();
        let start = || ModuleHarness::beside(&configuration, issuers.clone(), shared.clone());
        let mut vms = [start(), start(), start()];
        let documents = || issuers.lock().unwrap()["acme"].documents;
        let know = |vms: &mut [ModuleHarness]| {
            vms.iter_mut().map(|vm| status(&mut vm.host, &visit()) == 302).collect::<Vec<_>>()
        };
        // A request waits at each of them.
        let waiting = vms.each_mut().map(|vm| waits(&mut vm.host));
        vms[0].tick();
        assert_eq!(replied(vms[0].host.look(waiting[0])).status, 302);
        // The others have the result with their next tick, or with a request before it.
        for (vm, context) in vms.iter_mut().zip(waiting).skip(1) {
            assert!(vm.host.tick().is_empty());
            assert_eq!(replied(vm.host.look(context)).status, 302);
        }
        assert_eq!((documents(), know(&mut vms)), (2, vec![true; 3]));
        for vm in &mut vms {
            vm.tick();
            assert!(!vm.host.refreshes(), "the ticks stay early");
        }
        assert_eq!((documents(), know(&mut vms)), (2, vec![true; 3]));
        // A VM that starts later has the result from the start.
        assert_eq!((know(&mut [start()]), documents()), (vec![true], 2));
        for _ in 0..300 {
            clock.advance(Duration::from_secs(1));
            for vm in &mut vms {
                vm.tick();
            }
        }
        assert_eq!(documents(), 4);
        for vm in &mut vms {
            assert_eq!(vm.host.state().counters.get("tenantgate.events.jwks_fetch_failed"), None);
        }
    }

    /// A VM without keys has those that another one fetched with the request that needs them: for a
    /// bearer token, a logout token and the end of a login.
    #[test]
    fn a_vm_without_keys_looks_for_them() {
        let configure = |configuration: &mut Value| {
            super::scenarios::keys::discover(&mut configuration["tenants"][0], |_| {});
            configuration["tenants"][0]["login"]["backchannel_logout_path"] = json!("/oauth2/backchannel-logout");
        };
        let mut world = World::<ModuleHarness>::with_issuer(|issuer| issuer.rotate(Signer::es256(), "one"), configure);
        let mut configuration = world.configuration();
        configure(&mut configuration);
        let shared = world.harness.host.state().shared.clone();
        let beside = || ModuleHarness::beside(&configuration, world.issuers.clone(), shared.clone());
        let (for_login, for_bearer, for_logout) = (beside(), beside(), beside());
        world.harness.tick();
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
        world.harness = for_login;
        assert_eq!(world.open(&mut browser, &callback).reply().status, 302);
        world.open(&mut browser, "https://acme.example/page").forwarded();
        let now = world.clock.now();
        let sign = |typ: &str, claims: Value| {
            world.issuer("acme", |issuer| {
                let mut all = json!({ "iss": issuer.url, "sub": "robot", "iat": now, "exp": now + 60, "jti": typ });
                all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
                issuer.signer.jws(&issuer.header(typ), &all)
            })
        };
        let access_token = sign("at+jwt", json!({ "aud": "api" }));
        let events = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
        let logout_token = sign("logout+jwt", json!({ "aud": "gate", "events": events }));
        world.harness = for_bearer;
        let line = ("authorization", &*format!("Bearer {access_token}"));
        world.send(&mut world.browser(), "https://acme.example/page", &[line]).forwarded();
        world.harness = for_logout;
        let body = format!("logout_token={logout_token}");
        let reply = world.post("https://acme.example/oauth2/backchannel-logout", &[], body.as_bytes()).reply();
        assert_eq!(reply.status, 200);
        assert_eq!(world.issuer("acme", |issuer| issuer.documents), 2);
    }

    /// A token with a new key that another VM has fetched is accepted at once.
    #[test]
    fn a_vm_looks_for_newer_keys() {
        let discover = |configuration: &mut Value| {
            super::scenarios::keys::discover(&mut configuration["tenants"][0], |_| {});
        };
        let mut world = World::<ModuleHarness>::with_issuer(|issuer| issuer.rotate(Signer::es256(), "one"), discover);
        let mut configuration = world.configuration();
        discover(&mut configuration);
        let shared = world.harness.host.state().shared.clone();
        let mut other = ModuleHarness::beside(&configuration, world.issuers.clone(), shared);
        world.harness.tick();
        assert_eq!(status(&mut other.host, &visit()), 302);
        world.issuer("acme", |issuer| issuer.rotate(Signer::eddsa(), "two"));
        world.clock.advance(Duration::from_secs(300));
        world.harness.tick();
        let now = world.clock.now();
        let token = world.issuer("acme", |issuer| {
            let claims = json!({
                "iss": issuer.url, "aud": "api", "sub": "robot", "client_id": "shop", "iat": now, "exp": now + 60, "jti": "1",
            });
            issuer.signer.jws(&issuer.header("at+jwt"), &claims)
        });
        world.harness = other;
        let line = ("authorization", &*format!("Bearer {token}"));
        world.send(&mut world.browser(), "https://acme.example/page", &[line]).forwarded();
    }

    /// If the fetching VM dies, another one fetches.
    #[test]
    fn another_vm_takes_over() {
        let mut world = World::<ModuleHarness>::with_issuer(
            |issuer| issuer.rotate(Signer::es256(), "one"),
            |configuration| super::scenarios::keys::discover(&mut configuration["tenants"][0], |_| {}),
        );
        assert_eq!(world.harness.host.tick().len(), 1);
        // The calls of the first VM never end.
        let mut configuration = world.configuration();
        super::scenarios::keys::discover(&mut configuration["tenants"][0], |_| {});
        let shared = world.harness.host.state().shared.clone();
        let mut other = ModuleHarness::beside(&configuration, world.issuers.clone(), shared);
        // A request at another VM waits for the fetch of the first one, and not for ever.
        let context = waits(&mut other.host);
        assert!(other.host.tick().is_empty());
        assert!(matches!(other.host.look(context), RequestState::Awaits));
        world.clock.advance(Duration::from_secs(3));
        assert!(other.host.tick().is_empty());
        assert_eq!(replied(other.host.look(context)).status, 503);
        world.clock.advance(Duration::from_secs(3));
        other.tick();
        assert_eq!(status(&mut other.host, &visit()), 302);
    }

    /// The requests that wait for a fetch get their answer when it fails, at every VM. Until the
    /// next fetch may begin, nobody waits.
    #[test]
    fn a_fetch_that_fails_ends_the_wait() {
        let discover = |configuration: &mut Value| {
            super::scenarios::keys::discover(&mut configuration["tenants"][0], |_| {});
        };
        let mut world = World::<ModuleHarness>::with_issuer(|issuer| issuer.rotate(Signer::es256(), "one"), discover);
        let mut configuration = world.configuration();
        discover(&mut configuration);
        let shared = world.harness.host.state().shared.clone();
        let mut other = ModuleHarness::beside(&configuration, world.issuers.clone(), shared);
        let (gone, elsewhere) = (waits(&mut world.harness.host), waits(&mut other.host));
        world.harness.host.end(gone);
        let here = waits(&mut world.harness.host);
        let call = world.harness.host.tick().pop().unwrap();
        assert!(world.harness.host.answer_root(&call, None).is_empty());
        assert_eq!(replied(world.harness.host.look(here)).status, 503);
        assert!(other.host.tick().is_empty());
        assert_eq!(replied(other.host.look(elsewhere)).status, 503);
        for vm in [&mut world.harness, &mut other] {
            assert_eq!(status(&mut vm.host, &visit()), 503);
            vm.host.tick();
            assert!(!vm.host.refreshes(), "the ticks stay early");
        }
        world.clock.advance(Duration::from_secs(6));
        let context = waits(&mut other.host);
        other.tick();
        assert_eq!(replied(other.host.look(context)).status, 302);
    }

    /// Envoy answers 503 itself if it cannot reach the provider. That is no answer of the provider,
    /// and the log says through which cluster and why.
    #[test]
    fn what_envoy_answers_itself_is_its_reason() {
        let mut world = World::<ModuleHarness>::new();
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
        let mut head = lines(&[(":method", b"GET"), (":authority", b"acme.example"), (":scheme", b"https")]);
        let path = callback.strip_prefix("https://acme.example").unwrap();
        head.push((":path".to_owned(), path.as_bytes().to_vec()));
        head.push(("cookie".to_owned(), browser.cookie_line("acme.example").unwrap().into_bytes()));
        let reason = "upstream connect error: TLS_error:|268435581:CERTIFICATE_VERIFY_FAILED\n\u{e9}";
        let of_server = ("x-envoy-upstream-service-time", &b"3"[..]);
        for (more, event, text) in [
            (
                None,
                "provider_unreachable",
                "cluster \"acme\": Envoy: upstream connect error: TLS_error:|268435581:CERT",
            ),
            (Some(of_server), "token_response_invalid", "token endpoint: it answered with status 503"),
        ] {
            let (context, waits) = world.harness.host.request(&head);
            let RequestState::Waits(call) = waits else { panic!("no token request") };
            let answer: Vec<_> = [(":status", &b"503"[..])].into_iter().chain(more).collect();
            let answer = Some((lines(&answer), reason.as_bytes().to_vec()));
            let RequestState::Replied(reply) = world.harness.host.answer(context, &call, answer) else { panic!() };
            assert_eq!(reply.status, 503);
            let (_, line) = world.harness.host.state().log.last().cloned().unwrap();
            assert!(line.starts_with(event) && line.contains(text) && !line.contains('\n'), "{line}");
        }
    }

    /// Sends a request for a page, and checks that it waits.
    fn waits(host: &mut Host) -> i32 {
        let (context, request_state) = host.request(&visit());
        assert!(matches!(request_state, RequestState::Awaits));
        context
    }

    /// An algorithm that only a host can verify, on a host that cannot.
    #[test]
    fn an_unusable_key_breaks_its_tenant() {
        let issuer = Issuer::new("https://login.acme.example", "none", Signer::es384(), Clock::simulated());
        let configuration = configuration(&[tenant("acme", &issuer)]).to_string();
        let (mut host, taken) =
            Host::start_with(configuration.as_bytes(), &[], Clock::simulated(), SharedStore::default(), false);
        assert!(taken);
        assert_eq!(status(&mut host, &visit()), 503);
        let reason = "tenant \"acme\": keys: ES384 is verified by the host, and this host cannot; use a key for another algorithm";
        assert!(host.state().log.iter().any(|(_, line)| line.contains(reason)), "{:?}", host.state().log);
        assert_eq!(host.state().counters.get("tenantgate.host_verifies.ES384"), Some(&0));
    }

    /// An RSA client key on a host that cannot sign: 503, and nothing is sent to the issuer.
    #[test]
    fn an_unusable_client_key_gets_an_answer() {
        let issuer = Issuer::with_client_key("https://login.acme.example", Signer::rs256(), Clock::simulated());
        let mut world = World::<ModuleHarness>::of([("acme", issuer)], |_| {});
        let head = returned(&mut world);
        world.harness.host.state().cryptography = false;
        assert_eq!(status(&mut world.harness.host, &head), 503);
        assert!(world.harness.log().contains("it could not sign the client assertion"), "{}", world.harness.log());
        assert_eq!(world.issuer("acme", |issuer| issuer.calls), 0);
    }

    #[test]
    fn a_host_without_randomness_gets_no_login() {
        let mut host = started();
        host.state().refuse_random = true;
        let reply = replied(host.request(&visit()).1);
        assert_eq!(reply.status, 503);
        assert_eq!(reply.all("set-cookie").count(), 0);
    }

    /// Brings `world` to the token request: a browser came back with a code.
    fn returned(world: &mut World<ModuleHarness>) -> Lines {
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
        let path = callback.strip_prefix("https://acme.example").unwrap();
        let cookie = browser.cookie_line("acme.example").unwrap();
        lines(&[
            (":method", b"GET"),
            (":authority", b"acme.example"),
            (":path", path.as_bytes()),
            ("cookie", cookie.as_bytes()),
        ])
    }

    /// An upstream may merge trailers into the head.
    #[test]
    fn identity_trailers_are_removed() {
        let mut world = World::<ModuleHarness>::new();
        let mut browser = world.signed_in();
        world.harness.host.state().trailers = lines(&[
            ("x-auth-request-user", b"evil"),
            ("x_auth.request_groups", b"evil"),
            ("authorization", b"evil"),
            ("cookie", b"evil"),
            ("grpc-status", b"0"),
            ("x-checksum", b"\xff"),
        ]);
        world.open(&mut browser, "https://acme.example/").forwarded();
        let left: Vec<String> = world.harness.host.state().trailers.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(left, ["grpc-status", "x-checksum"]);
    }

    #[test]
    fn a_refused_call_gets_503() {
        let mut world = World::<ModuleHarness>::new();
        let head = returned(&mut world);
        world.harness.host.state().refuse_calls = true;
        assert_eq!(status(&mut world.harness.host, &head), 503);
        assert!(world.harness.log().contains("check that a cluster with the configured name exists"));
    }

    #[test]
    fn every_end_of_a_call_gets_an_answer() {
        let status_line = |status: &[u8]| lines(&[(":status", status)]);
        let many: Lines = (0..2000).map(|number| (format!("x-{number}"), b"x".to_vec())).collect();
        for (head, body) in [
            (Lines::new(), b"".to_vec()),
            (Lines::new(), b"body without head".to_vec()),
            (status_line(b"two hundred"), b"{}".to_vec()),
            (status_line(b"99999"), b"{}".to_vec()),
            (status_line(b"\xff"), b"{}".to_vec()),
            (lines(&[(":status", b"200"), (":status", b"200")]), b"{}".to_vec()),
            (lines(&[("x", b"y")]), b"{}".to_vec()),
            (many, b"{}".to_vec()),
        ] {
            let mut world = World::<ModuleHarness>::new();
            let request = returned(&mut world);
            let (context, request_state) = world.harness.host.request(&request);
            let RequestState::Waits(call) = request_state else { panic!("no call") };
            let reply = replied(world.harness.host.answer(context, &call, Some((head, body))));
            assert_eq!(reply.status, 503);
        }
    }

    #[test]
    fn a_client_that_hangs_up_during_a_call_leaves_nothing_behind() {
        let mut world = World::<ModuleHarness>::new();
        for _ in 0..3 {
            let head = returned(&mut world);
            let (context, request_state) = world.harness.host.request(&head);
            let RequestState::Waits(call) = request_state else { panic!("no call") };
            world.harness.host.end(context);
            // Envoy cancels the call; another host may deliver its end.
            let answer = (lines(&[(":status", b"200")]), b"{}".to_vec());
            assert!(!world.harness.host.answer_late(&call, Some(answer)));
        }
        world.signed_in();
    }

    const HOME: &str = "https://acme.example/";

    /// A world whose tenant acme refreshes sessions: from 3 min 45 s on beside a request, from 5
    /// minutes on before it. The issuer rotates refresh tokens, and ends the session if one comes
    /// again.
    fn refreshing() -> World<ModuleHarness> {
        let world = World::with(refresh);
        world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
        world
    }

    fn refresh(configuration: &mut Value) {
        configuration["tenants"][0]["refresh"] = json!({});
        // A request writes the session again after 3 minutes, so a refresh and such a request can
        // set the cookie at the same time.
        configuration["session"]["idle"] = json!("30m");
    }

    /// The head of a request with the cookies of `browser`.
    fn head(browser: &Browser) -> Lines {
        let cookie = browser.cookie_line("acme.example").unwrap();
        [visit(), lines(&[("cookie", cookie.as_bytes())])].concat()
    }

    /// Another VM of the process.
    fn another_worker(world: &mut World<ModuleHarness>) -> ModuleHarness {
        let mut configuration = world.configuration();
        refresh(&mut configuration);
        let shared = world.harness.host.state().shared.clone();
        ModuleHarness::beside(&configuration, world.issuers.clone(), shared)
    }

    fn demote_ada(world: &World<ModuleHarness>) {
        let ada = json!({ "sub": "ada", "email": "ada@acme.example", "groups": ["engineers"] });
        world.issuer("acme", |issuer| drop(issuer.directory.insert("ada".to_owned(), ada)));
    }

    fn groups(seen: &Lines) -> String {
        values(seen, "x-auth-request-groups").concat()
    }

    #[test]
    fn a_refresh_whose_call_the_host_refuses() {
        let mut world = refreshing();
        let mut browser = world.signed_in();
        for wait in [230, 70] {
            world.clock.advance(Duration::from_secs(wait));
            world.harness.host.state().refuse_calls = true;
            world.open(&mut browser, HOME).forwarded();
            world.harness.host.state().refuse_calls = false;
        }
        let log = world.harness.log();
        assert_eq!(log.matches("refresh_failed").count(), 2, "{log}");
        assert!(log.contains("check that a cluster with the configured name exists"), "{log}");
        world.clock.advance(Duration::from_secs(30));
        world.open(&mut browser, HOME).forwarded();
        assert!(browser.has_session());
        assert_eq!(world.harness.log().matches("session_refreshed").count(), 1);
    }

    /// The client disconnects before the call is made, or before it ends, or while the answer of
    /// the upstream waits for it. The refresh goes on, and the next request has its result.
    #[test]
    fn a_client_that_hangs_up_loses_no_refresh() {
        for (wait, early) in [(230, true), (230, false), (300, true), (300, false)] {
            let mut world = refreshing();
            let mut browser = world.signed_in();
            demote_ada(&world);
            world.clock.advance(Duration::from_secs(wait));
            let (context, request_state) = world.harness.host.request(&head(&browser));
            if early {
                world.harness.host.end(context);
            }
            assert!(matches!(request_state, RequestState::Beside(_) | RequestState::Awaits));
            let call = world.harness.host.tick().pop().unwrap();
            if !early {
                if wait == 230 {
                    world.harness.host.upstream_answers(context);
                }
                world.harness.host.end(context);
            }
            let answer = answer(&world.issuers, &call);
            assert!(world.harness.host.answer_root(&call, answer).is_empty());
            assert!(!world.harness.host.state().resumed());
            let before = world.issuer("acme", |issuer| issuer.calls);
            let seen = world.open(&mut browser, HOME).forwarded();
            assert_eq!(groups(&seen), "engineers", "{wait} {early}");
            assert_eq!(world.issuer("acme", |issuer| issuer.calls), before);
            assert!(!world.harness.host.refreshes(), "the ticks stay early");
        }
    }

    /// A world as that of [`refreshing`], with an issuer that revokes refresh tokens.
    fn revoking() -> World<ModuleHarness> {
        let world = World::with(revocation);
        world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
        world
    }

    fn revocation(configuration: &mut Value) {
        refresh(configuration);
        configuration["tenants"][0]["provider"]["revocation_endpoint"] = json!("https://login.acme.example/revoke");
    }

    /// The user signs out while a refresh is in progress, at the same worker or at another one.
    /// Whichever call the issuer answers first, no refresh token is left, and nobody gets the
    /// refreshed session.
    #[test]
    fn a_sign_out_during_a_refresh() {
        for (refresh_first, at_other) in [(true, false), (false, false), (true, true), (false, true)] {
            let mut world = revoking();
            let mut configuration = world.configuration();
            revocation(&mut configuration);
            let shared = world.harness.host.state().shared.clone();
            let mut other = ModuleHarness::beside(&configuration, world.issuers.clone(), shared);
            let browser = world.signed_in();
            let old = world.issuer("acme", |issuer| issuer.live_refresh_tokens());
            world.clock.advance(Duration::from_secs(230));
            let (context, request_state) = world.harness.host.request(&head(&browser));
            assert!(matches!(request_state, RequestState::Beside(_)));
            let refreshing = world.harness.host.tick().pop().unwrap();
            let logout = lines(&[(":path", b"/oauth2/logout"), (":method", b"POST")]);
            let rest = head(&browser).into_iter().filter(|(name, _)| name != ":path" && name != ":method");
            let logout = logout.into_iter().chain(rest).collect();
            let host = if at_other { &mut other.host } else { &mut world.harness.host };
            assert_eq!(replied(host.request(&logout).1).status, 302);
            let mut calls = vec![(false, refreshing), (at_other, host.tick().pop().unwrap())];
            if !refresh_first {
                calls.reverse();
            }
            // The calls that follow from one are made in its callback.
            while !calls.is_empty() {
                let (at_other, call) = calls.remove(0);
                let answer = answer(&world.issuers, &call);
                let host = if at_other { &mut other.host } else { &mut world.harness.host };
                calls.extend(host.answer_root(&call, answer).into_iter().map(|call| (at_other, call)));
            }
            assert!(world.issuer("acme", |issuer| issuer.live_refresh_tokens().is_empty()), "{refresh_first}");
            let revoked = world.issuer("acme", |issuer| issuer.revocation.1.clone());
            assert_eq!((revoked.len(), &revoked[..1]), (if refresh_first { 2 } else { 1 }, &old[..]));
            let log = [world.harness.log(), other.log()].concat();
            assert_eq!(log.matches("token_revoked").count(), revoked.len(), "{log}");
            // The answer to the request that began the refresh brings no session.
            world.harness.host.upstream_answers(context);
            let brought = world.harness.host.state().response.iter().filter(|(name, _)| name == "set-cookie").count();
            assert_eq!(brought, 1, "only the cookie of the upstream");
            world.clock.advance(Duration::from_secs(1));
            for host in [&mut world.harness.host, &mut other.host] {
                host.tick();
                assert_eq!(replied(host.request(&head(&browser)).1).status, 302);
            }
        }
    }

    /// The host refuses the call of a sign-out, or the signature for it: the log says so, and
    /// nothing else depends on it.
    #[test]
    fn a_revocation_that_the_host_refuses() {
        let key = Signer::rs256();
        let signing = |issuer: &mut Issuer| {
            *issuer = Issuer::with_client_key("https://login.acme.example", key, issuer.clock.clone());
        };
        for (mut world, reason) in [
            (revoking(), "check that a cluster"),
            (World::<ModuleHarness>::with_issuer(signing, revocation), "it could not sign the client assertion"),
        ] {
            world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
            let mut browser = world.signed_in();
            world.harness.host.state().refuse_calls = true;
            world.harness.host.state().cryptography = false;
            assert_eq!(world.open(&mut browser, "https://acme.example/oauth2/logout").reply().status, 302);
            let log = world.harness.log();
            assert!(log.lines().any(|line| line.contains("revocation_failed") && line.contains(reason)), "{log}");
            assert_eq!(world.harness.host.state().counters.get("tenantgate.events.revocation_failed"), Some(&1));
            assert!(!world.harness.host.refreshes(), "the ticks stay early");
        }
    }

    /// Of two workers one refreshes. A request at the other one waits if its session is overdue,
    /// and gets the result.
    #[test]
    fn workers_of_one_process_refresh_once() {
        for (wait, is_overdue) in [(230, false), (300, true)] {
            let mut world = refreshing();
            let mut other = another_worker(&mut world);
            let browser = world.signed_in();
            demote_ada(&world);
            world.clock.advance(Duration::from_secs(wait));
            world.harness.host.request(&head(&browser));
            let call = world.harness.host.tick().pop().unwrap();
            let (context, request_state) = other.host.request(&head(&browser));
            match request_state {
                RequestState::Forwarded(seen, reply) if !is_overdue => {
                    assert_eq!(groups(&seen), "engineers,admins");
                    assert!(!reply.all("set-cookie").any(|line| line.starts_with("__Host-tenantgate")));
                }
                RequestState::Awaits if is_overdue => {
                    assert!(other.host.tick().is_empty());
                    assert!(matches!(other.host.look(context), RequestState::Awaits));
                }
                _ => panic!("{wait}"),
            }
            let answer = answer(&world.issuers, &call);
            world.harness.host.answer_root(&call, answer);
            assert!(other.host.tick().is_empty());
            let (seen, reply) = if is_overdue {
                match other.host.look(context) {
                    RequestState::Forwarded(seen, reply) => (seen, reply),
                    _ => panic!("the request does not go on"),
                }
            } else {
                match other.host.request(&head(&browser)).1 {
                    RequestState::Forwarded(seen, reply) => (seen, reply),
                    _ => panic!("there is another refresh"),
                }
            };
            assert_eq!(groups(&seen), "engineers");
            assert!(reply.all("set-cookie").any(|line| line.starts_with("__Host-tenantgate-session=")));
            other.host.tick();
            assert!(!other.host.refreshes());
        }
    }

    /// The creation of a shared value is not atomic, so it happens before requests come.
    #[test]
    fn the_shared_values_are_there_before_the_first_request() {
        let values = |configure: fn(&mut Value)| {
            let mut world = World::<ModuleHarness>::with(configure);
            let mut configuration = world.configuration();
            configure(&mut configuration);
            // The second VM knows from the note of the first one.
            [0; 2].map(|_| {
                let values = world.harness.host.state().shared.clear("tenantgate/refresh/").len();
                let shared = world.harness.host.state().shared.clone();
                world.harness = ModuleHarness::beside(&configuration, world.issuers.clone(), shared);
                values
            })
        };
        assert_eq!(values(refresh), [128, 128]);
        assert_eq!(values(|_| {}), [0, 0]);
    }

    /// A new configuration is a new root context. It knows what the one before it has refreshed.
    #[test]
    fn a_new_configuration_knows_the_refreshes() {
        let mut world = refreshing();
        let browser = world.signed_in();
        demote_ada(&world);
        world.clock.advance(Duration::from_secs(300));
        world.open(&mut browser.clone(), HOME).forwarded();
        let mut configuration = world.configuration();
        refresh(&mut configuration);
        world.harness.reconfigure(&configuration);
        let before = world.issuer("acme", |issuer| issuer.calls);
        assert_eq!(groups(&world.open(&mut browser.clone(), HOME).forwarded()), "engineers");
        assert_eq!(world.issuer("acme", |issuer| issuer.calls), before);
    }

    /// The VM of the worker that refreshes ends. A request that waits goes on with the old identity
    /// when the wait is over, or ends if that is stale, and another request refreshes.
    #[test]
    fn a_worker_that_ends_during_a_refresh() {
        for (wait, status) in [(300, None), (1200, Some(302))] {
            let mut world = refreshing();
            let mut other = another_worker(&mut world);
            let browser = world.signed_in();
            world.clock.advance(Duration::from_secs(wait));
            world.harness.host.request(&head(&browser));
            assert_eq!(world.harness.host.tick().len(), 1);
            let (context, request_state) = other.host.request(&head(&browser));
            assert!(matches!(request_state, RequestState::Awaits));
            // The timeout of the call is 2 seconds, and a second is added.
            world.clock.advance(Duration::from_secs(2));
            assert!(other.host.tick().is_empty());
            assert!(matches!(other.host.look(context), RequestState::Awaits));
            world.clock.advance(Duration::from_secs(1));
            assert!(other.host.tick().is_empty());
            match (other.host.look(context), status) {
                (RequestState::Forwarded(seen, _), None) => assert_eq!(groups(&seen), "engineers,admins"),
                (RequestState::Replied(reply), Some(status)) => assert_eq!(reply.status, status),
                _ => panic!("{wait}"),
            }
            assert!(matches!(other.host.request(&head(&browser)).1, RequestState::Awaits));
            assert_eq!(other.host.tick().len(), 1);
        }
    }

    /// A refresh with a UserInfo call takes as long as both calls may take. If the host refuses the
    /// second call, the answer and the new refresh token are kept.
    #[test]
    fn the_second_call_of_a_refresh() {
        for upstream in [UpstreamAnswers::BeforeTick, UpstreamAnswers::BeforeCalls, UpstreamAnswers::AfterCalls] {
            let mut world = World::<ModuleHarness>::with(|configuration| {
                let acme = &mut configuration["tenants"][0];
                acme["provider"]["userinfo_endpoint"] = json!("https://login.acme.example/userinfo");
                (acme["login"]["userinfo"], acme["refresh"]) = (json!(true), json!({}));
            });
            world.issuer("acme", |issuer| {
                issuer.refresh = Refresh::Rotating;
                issuer.userinfo.1 = json!({ "sub": "ada" });
            });
            let mut browser = world.signed_in();
            world.clock.advance(Duration::from_secs(230));
            let (context, request_state) = world.harness.host.request(&head(&browser));
            assert!(matches!(request_state, RequestState::Beside(_)));
            let (issuers, refuse) = (world.issuers.clone(), world.harness.host.state().refuse_calls_after.clone());
            refuse.set(Some(1));
            let reply = world.harness.host.beside(context, |call| answer(&issuers, call), upstream);
            refuse.set(None);
            assert!(reply.all("set-cookie").any(|line| line.starts_with("__Host-tenantgate-session=")));
            assert!(world.harness.log().contains("check that a cluster with the configured name exists"));
            browser.take("acme.example", &reply);
            // The old refresh token would revoke the session.
            world.clock.advance(Duration::from_secs(30));
            world.open(&mut browser, HOME).forwarded();
            assert_eq!(world.harness.log().matches("session_refreshed").count(), 1);
        }
    }

    /// A login may begin on one worker or replica and end on another.
    #[test]
    fn a_login_may_change_vms() {
        let mut world = World::<ModuleHarness>::new();
        let configuration = world.configuration();
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
        world.harness = ModuleHarness::start(&configuration, world.issuers.clone());
        let reply = world.open(&mut browser, &callback).reply();
        assert_eq!(reply.header("location"), Some("https://acme.example/page"));
        world.harness = ModuleHarness::start(&configuration, world.issuers.clone());
        world.open(&mut browser, "https://acme.example/page").forwarded();
    }

    /// Sessions that end in one VM end in the others at their next tick, and in a new VM at once. A
    /// store that lost its data gets them back.
    #[test]
    fn vms_of_one_process_end_sessions_together() {
        let mut world = World::<ModuleHarness>::new();
        let mut browser = world.signed_in();
        let configuration = world.configuration();
        let shared = world.harness.host.state().shared.clone();
        let issuers = world.issuers.clone();
        let start = |shared: &SharedStore| ModuleHarness::beside(&configuration, issuers.clone(), shared.clone());
        let mut visit = visit();
        visit.push(("cookie".to_owned(), browser.cookie_line("acme.example").unwrap().into_bytes()));
        let is_over = |vm: &mut ModuleHarness| matches!(vm.host.request(&visit).1, RequestState::Replied(_));
        let mut other = start(&shared);
        other.tick();
        assert!(!is_over(&mut other));
        world.open(&mut browser, "https://acme.example/oauth2/logout").reply();
        assert!(is_over(&mut world.harness) && !is_over(&mut other));
        other.tick();
        assert!(is_over(&mut other));
        assert!(is_over(&mut start(&shared)));
        // The list was overwritten, as when two VMs create it at the same time.
        let written = shared.clear("tenantgate/revoked/");
        assert!(!is_over(&mut start(&shared)));
        shared.overwrite(&written);
        other.tick();
        assert!(is_over(&mut start(&shared)));
        // Without shared data, the running VM still has the list.
        let mut world = World::<ModuleHarness>::new();
        world.harness.host.state().shared.refuse();
        let browser = world.signed_in();
        let mut copy = browser.clone();
        assert_eq!(world.open(&mut browser.clone(), "https://acme.example/oauth2/logout").reply().status, 302);
        assert_eq!(world.open(&mut copy, "https://acme.example/").reply().status, 302);
    }

    fn taking_logout_tokens() -> Host {
        let mut tenant = tenant("acme", &issuer());
        tenant["login"]["backchannel_logout_path"] = json!("/logout-tokens");
        let (host, taken) = Host::start(configuration(&[tenant]).to_string().as_bytes(), &[], Clock::simulated());
        assert!(taken);
        host
    }

    fn logout_request() -> Lines {
        let form = b"application/x-www-form-urlencoded";
        lines(&[
            (":method", b"POST"),
            (":authority", b"acme.example"),
            (":path", b"/logout-tokens"),
            ("content-type", form),
        ])
    }

    /// A body may end with its last piece, with an empty piece, with trailers, or with the head.
    #[test]
    fn a_body_ends_in_many_ways() {
        let mut host = taking_logout_tokens();
        let (context, goes_on) = host.head(&logout_request(), true);
        assert!(!goes_on);
        assert_eq!(host.take_reply().unwrap().status, 400);
        host.end(context);
        for pieces in [&[][..], &["logout_", "token=x"]] {
            let (context, _) = host.head(&logout_request(), false);
            for piece in pieces {
                assert!(!host.piece(context, piece.as_bytes(), false));
                assert!(host.take_reply().is_none());
            }
            let reply = host.trailers(context).unwrap();
            assert_eq!(reply.status, 400);
            assert_eq!(reply.body.contains("logout_token_invalid"), !pieces.is_empty(), "{}", reply.body);
            host.end(context);
        }
        // A body that is too long gets its answer before it ends.
        let (context, _) = host.head(&logout_request(), false);
        assert!(!host.piece(context, &[b'x'; 64 * 1024], false));
        assert!(host.take_reply().is_none());
        assert!(!host.piece(context, b"x", false));
        assert_eq!(host.take_reply().unwrap().status, 413);
        host.end(context);
    }

    /// A host that delivers no body, and a client that sends none.
    #[test]
    fn a_missing_body_gets_an_answer() {
        let mut host = taking_logout_tokens();
        let (gone, _) = host.head(&logout_request(), false);
        host.end(gone);
        let (context, _) = host.head(&logout_request(), false);
        host.tick();
        assert!(host.take_reply().is_none());
        host.state().clock.advance(Duration::from_secs(2));
        host.tick();
        assert!(host.take_reply().is_none());
        host.state().clock.advance(Duration::from_secs(1));
        host.tick();
        let reply = host.take_reply().unwrap();
        assert_eq!((reply.status, reply.body.contains("received no body within 2 seconds")), (408, true));
        assert_eq!(host.state().counters.get("tenantgate.events.body_timeout"), Some(&1));
        assert_eq!(host.state().counters.get("tenantgate.tenant_events.acme.body_timeout"), Some(&1));
        host.tick();
        assert!(host.take_reply().is_none());
        host.end(context);
    }

    #[test]
    fn more_header_lines_than_a_host_hands_over_are_refused() {
        let mut host = started();
        let mut head = visit();
        head.extend((0..1000).map(|number| (format!("x-{number}"), b"x".to_vec())));
        assert_eq!(status(&mut host, &head), 431);
    }

    #[test]
    fn memory_stays_flat() {
        let mut world = World::<ModuleHarness>::with(|configuration| {
            configuration["tenants"][0]["login"]["backchannel_logout_path"] = json!("/logout-tokens");
        });
        let mut browser = world.signed_in();
        let mut round = || {
            world.open(&mut browser, "https://acme.example/").forwarded();
            world.begin(&mut world.browser(), "https://globex.example/");
            world.send(&mut world.browser(), "https://acme.example/", &[]).reply();
            world.post("https://acme.example/logout-tokens", &[], &[b'x'; 10_000]).reply();
            world.harness.host.state().log.clear();
            world.harness.host.memory()
        };
        for _ in 0..100 {
            round();
        }
        let before = round();
        for _ in 0..1000 {
            round();
        }
        assert_eq!(round(), before);
    }
}
