//! Bodies that are larger than Envoy's buffer, while a session is refreshed. Envoy keeps them back
//! and buffers no more than its limit.

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::envoy_harness::EnvoyHarness;
use crate::support::harness::{Harness as _, Outcome, Reply};
use crate::support::http::{exchange, exchange_part};
use crate::support::issuer::Refresh;
use crate::support::world::World;

const SMALL: usize = 32 * 1024;
const USUAL: usize = 1024 * 1024;

fn world(limit: usize, interval: &str) -> World<EnvoyHarness> {
    let mut world = World::<EnvoyHarness>::new();
    let mut configuration = world.configuration();
    configuration["tenants"][0]["refresh"] = json!({ "interval": interval });
    // The test holds the refresh back for as long as it looks.
    configuration["tenants"][0]["provider"]["timeout"] = json!("30s");
    world.harness = EnvoyHarness::with_buffer_limit(&configuration, world.issuers.clone(), limit);
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    world
}

fn request(browser: &Browser, method: &str, path: &str, body: usize) -> Vec<u8> {
    let cookie = browser.cookie_line("acme.example").unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: acme.example\r\nconnection: close\r\ncookie: {cookie}");
    format!("{head}\r\ncontent-length: {body}\r\n\r\n{}", "x".repeat(body)).into_bytes()
}

/// The bytes that Envoy has read from the upstream.
fn read_from_upstream(world: &World<EnvoyHarness>) -> usize {
    let stats = world.harness.admin("/stats?filter=cluster.upstream.upstream_cx_rx_bytes_total");
    stats
        .lines()
        .find_map(|line| line.strip_prefix("cluster.upstream.upstream_cx_rx_bytes_total: "))
        .map_or(0, |bytes| bytes.trim().parse().unwrap())
}

/// How many sessions were refreshed.
fn refreshes(world: &mut World<EnvoyHarness>) -> usize {
    world.harness.log().matches("session_refreshed").count()
}

/// Sends a request beside which the session is refreshed. The refresh ends after Envoy has read as
/// much of the answer as fits into its buffer, or `size` bytes.
fn answer_during_refresh(world: &mut World<EnvoyHarness>, path: &str, size: usize, limit: usize) -> Reply {
    loop {
        let browser = world.signed_in();
        let gate = world.issuer("acme", |issuer| issuer.gate.clone());
        // A refresh is due after 6 s and overdue after 8 s.
        let due = world.clock.now() + 6;
        while world.clock.now() < due {
            world.harness.advance();
        }
        gate.close();
        let (before, refreshed) = (read_from_upstream(world), refreshes(world));
        world.harness.take_received();
        let (gateway, request) = (world.harness.gateway(), request(&browser, "GET", path, 0));
        let reply = std::thread::scope(|scope| {
            let client = scope.spawn(move || exchange_part(gateway, &request, size));
            gate.wait_for_arrival();
            let is_beside = (0..100).any(|_| {
                let is_read = read_from_upstream(world) >= before + size.min(limit / 2);
                world.harness.advance();
                is_read
            });
            assert!(!is_beside || !client.is_finished(), "the answer goes on before its cookies are known");
            gate.open();
            is_beside.then(|| client.join().unwrap().expect("an answer"))
        });
        // On a slow machine the session was overdue, so the request waited itself.
        if let Some(reply) = reply {
            assert_eq!(refreshes(world), refreshed + 1);
            return reply;
        }
    }
}

fn answers_of_every_size(limit: usize) {
    for (path, size) in [("/large/100000", 100_000), ("/large/3000000", 3_000_000), ("/endless", 4_000_000)] {
        let mut world = world(limit, "8s");
        let reply = answer_during_refresh(&mut world, path, size, limit);
        assert_eq!(reply.status, 200, "{path} {limit}");
        assert!(if path == "/endless" { reply.body.len() >= size } else { reply.body.len() == size });
        assert!(reply.all("set-cookie").any(|line| line.starts_with("__Host-tenantgate-session=")));
    }
}

#[test]
fn an_answer_waits_for_a_refresh_with_a_small_buffer() {
    answers_of_every_size(SMALL);
}

#[test]
fn an_answer_waits_for_a_refresh_with_the_usual_buffer() {
    answers_of_every_size(USUAL);
}

/// The request waits for the refresh itself, and its body waits with it.
#[test]
fn a_body_of_any_size_waits_for_a_refresh() {
    for limit in [SMALL, USUAL] {
        let mut world = world(limit, "1s");
        for size in [100_000, 3_000_000] {
            let mut browser = world.signed_in();
            let due = world.clock.now() + 1;
            while world.clock.now() < due {
                world.harness.advance();
            }
            let gate = world.issuer("acme", |issuer| issuer.gate.clone());
            gate.close();
            world.harness.take_body_lengths();
            let (gateway, request) = (world.harness.gateway(), request(&browser, "POST", "/form", size));
            let reply = std::thread::scope(|scope| {
                let client = scope.spawn(move || exchange(gateway, &request));
                gate.wait_for_arrival();
                gate.open();
                client.join().unwrap().expect("an answer")
            });
            assert_eq!((reply.status, world.harness.take_body_lengths()), (200, vec![size]), "{limit}");
            browser.take("acme.example", &reply);
            assert!(matches!(world.open(&mut browser, "https://acme.example/"), Outcome::Forwarded(..)));
        }
    }
}
