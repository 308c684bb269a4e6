//! Tenants that are found in a real etcd.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tenantgate::http::host::HostPattern;

use super::backchannel::{form, logout_token, take_logout_tokens};
use super::bearer::access_token;
use crate::support::documents::{Documents, somebody};
use crate::support::etcd::{Etcd, EtcdAccess, prefix, store};
use crate::support::harness::{Harness, Outcome, Reply, values};
use crate::support::issuer::{Answer, Issuer};
use crate::support::replicas::Replicas;
use crate::support::world::{NAVIGATION, World, ada};

const PAGE: &str = "https://acme.example/page";

/// A world where `acme` is a document in etcd, and `globex` is in the file.
pub struct Found<H: Harness> {
    pub world: World<H>,
    pub documents: Documents,
    pub acme: Value,
    pub configuration: Value,
}

pub fn found<H: Harness>(change: impl FnOnce(&mut Value)) -> Found<H> {
    let mut parts = None;
    let world = World::with_issuer(
        |issuer: &mut Issuer| issuer.etcd = Some(EtcdAccess::new(Etcd::shared().address)),
        |configuration| {
            change(configuration);
            let acme = Documents::take_first(configuration);
            let documents = Documents::new(configuration, &prefix());
            parts = Some((documents, acme, configuration.clone()));
        },
    );
    let (mut documents, acme, configuration) = parts.unwrap();
    documents.apply(&acme);
    Found { world, documents, acme, configuration }
}

/// How many lookups were made: each begins with one transaction.
fn lookups<H: Harness>(world: &World<H>) -> usize {
    world.issuer("acme", |issuer| issuer.etcd.as_ref().unwrap().transactions)
}

fn etcd_answers<H: Harness>(world: &World<H>, answer: Answer) {
    world.issuer("acme", |issuer| issuer.etcd.as_mut().unwrap().answer = answer);
}

fn get<H: Harness>(world: &mut World<H>, host: &str) -> Reply {
    let mut browser = world.browser();
    match world.send(&mut browser, &format!("https://{host}/page"), &NAVIGATION) {
        Outcome::Replied(reply) => reply,
        Outcome::Forwarded(..) => panic!("{host}: forwarded without a session"),
    }
}

fn status<H: Harness>(world: &mut World<H>, host: &str) -> u16 {
    get(world, host).status
}

pub fn a_tenant_of_a_document_signs_in<H: Harness>() {
    let Found { mut world, .. } = found::<H>(|_| {});
    let mut browser = world.browser();
    let (_, head) = world.sign_in(&mut browser, "acme", PAGE, &ada());
    assert_eq!(values(&head, "x-auth-request-tenant"), ["acme"]);
    assert_eq!(values(&head, "x-auth-request-user"), ["ada"]);
    // Another request of another browser: the tenant is known.
    assert_eq!(status(&mut world, "acme.example"), 302);
    assert!(world.harness.log().contains("the tenant was read from etcd"), "{}", world.harness.log());
    // The tenant of the file is as before.
    assert_eq!(status(&mut world, "globex.example"), 302);
}

/// A tenant that is known costs etcd nothing.
pub fn a_known_tenant_is_not_looked_up_again<H: Harness>() {
    let Found { mut world, .. } = found::<H>(|_| {});
    assert_eq!(status(&mut world, "acme.example"), 302);
    let before = lookups(&world);
    (0..20).for_each(|_| assert_eq!(status(&mut world, "acme.example"), 302));
    assert_eq!(lookups(&world), before);
}

pub fn a_tenant_comes_changes_and_goes<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|_| {});
    let browser = world.signed_in();
    let mut tenant = acme.clone();
    tenant["access"] = json!([{ "paths": ["/*"], "allow": { "groups": ["nobody-has-this"] } }]);
    documents.apply(&tenant);
    world.eventually(|world| match world.open(&mut browser.clone(), PAGE) {
        Outcome::Replied(reply) => reply.status == 403,
        Outcome::Forwarded(..) => false,
    });
    tenant["hosts"] = json!(["acme.example", "*.acme.example"]);
    tenant["login"]["redirect_uri"] = json!("https://acme.example/oauth2/callback");
    tenant["login"]["cookie_domain"] = json!("acme.example");
    assert_eq!(status(&mut world, "new.acme.example"), 404);
    documents.apply(&tenant);
    world.eventually(|world| status(world, "new.acme.example") == 302);
    documents.delete(&tenant);
    world.eventually(|world| status(world, "acme.example") == 404 && status(world, "new.acme.example") == 404);
    documents.apply(&acme);
    // What was sealed for the tenant is good again.
    world.eventually(|world| matches!(world.open(&mut browser.clone(), PAGE), Outcome::Forwarded(..)));
}

/// Each worker asks at most once in an interval, and follows at its next tick.
pub fn a_change_takes_two_intervals_at_most<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|_| {});
    assert_eq!(status(&mut world, "acme.example"), 302);
    for _ in 0..5 {
        world.harness.advance();
        documents.delete(&acme);
        (0..2).for_each(|_| world.harness.advance());
        assert_eq!(status(&mut world, "acme.example"), 404);
        documents.apply(&acme);
        (0..2).for_each(|_| world.harness.advance());
        assert_eq!(status(&mut world, "acme.example"), 302);
    }
}

/// A token that was verified under the old settings does not count under the new ones.
pub fn a_cached_token_is_judged_by_the_new_document<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|configuration| {
        configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
    });
    let token = access_token(&world, |_, _| {});
    let authorization = format!("Bearer {token}");
    let send = |world: &mut World<H>| {
        let mut browser = world.browser();
        world.send(&mut browser, PAGE, &[("authorization", &authorization)])
    };
    (0..4).for_each(|_| drop(send(&mut world).forwarded()));
    let mut tenant = acme;
    tenant["bearer"] = json!({ "audiences": ["api"], "scopes": ["admin"] });
    documents.apply(&tenant);
    world.eventually(|world| matches!(send(world), Outcome::Replied(reply) if reply.status == 403));
}

/// Whoever writes to etcd makes no tenant.
pub fn only_the_operator_makes_tenants<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|_| {});
    let evil = |name: &str, host: &str| {
        let mut tenant = acme.clone();
        (tenant["name"], tenant["hosts"]) = (json!(name), json!([host]));
        tenant
    };
    // Signed by somebody else, not at all, and the document of another tenant.
    let (forged, plain, moved) =
        (evil("forged", "forged.example"), evil("plain", "plain.example"), evil("moved", "moved.example"));
    let documents_of = [
        (&forged, documents.signed_with(&forged, &somebody())),
        (&plain, plain.to_string()),
        (&moved, documents.signed(&acme)),
    ];
    for (tenant, document) in documents_of {
        documents.put(tenant, &document);
    }
    for host in ["forged.example", "plain.example", "moved.example"] {
        let reply = get(&mut world, host);
        assert_eq!(reply.status, 503, "{host}: {}", reply.body);
    }
    // The index leads a foreign host to a tenant that does not have it.
    Etcd::shared().put(&format!("{}hosts/example.stolen", documents.prefix), "acme");
    assert_eq!(status(&mut world, "stolen.example"), 404);
    Etcd::shared().put(&format!("{}hosts/example.nothing", documents.prefix), "no such tenant");
    assert_eq!(status(&mut world, "nothing.example"), 404);
    let log = world.harness.log();
    for reason in [
        "its signature does not verify with `tenants_from.keys`",
        "it is not a signed tenant; write it with `tenantgate tenants apply`",
        "it is the document of another tenant",
        "it does not have the host stolen.example, which the index has for it",
    ] {
        assert!(log.contains(reason), "{reason}: {log}");
    }
    assert_eq!(status(&mut world, "acme.example"), 302);
}

/// A document with mistakes breaks its tenant alone, until it is replaced.
pub fn a_broken_document_breaks_one_tenant<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|_| {});
    for (change, mistake) in [
        (json!({ "issuer": "login.acme.example" }), "issuer: "),
        (json!({ "name": "globex" }), "name: is the name of a tenant of the configuration, which comes first"),
        (json!({ "headers": { "user": "x-acme-user" } }), "\"x-acme-user\" is not among `tenants_from.header_names`"),
        (
            json!({ "client_secret": { "sealed": "k1.AAAA" } }),
            "is not sealed for this tenant with one of `session.keys`",
        ),
        (json!({ "client_secret": { "env": "SESSION_KEY" } }), "a secret of a document cannot be a variable of Envoy"),
        (json!({ "issure": "https://login.acme.example" }), "did you mean \"issuer\"?"),
    ] {
        let mut tenant = acme.clone();
        let object = tenant.as_object_mut().unwrap();
        object.extend(change.as_object().unwrap().clone());
        documents.apply(&tenant);
        world.eventually(|world| status(world, "acme.example") == 503 && world.harness.log().contains(mistake));
        assert_eq!(status(&mut world, "globex.example"), 302);
    }
    documents.apply(&acme);
    world.eventually(|world| status(world, "acme.example") == 302);
    assert!(world.harness.counters()["tenant_config_error"] >= 6);
}

/// A document takes neither a host nor the name of a tenant of the file.
pub fn tenants_of_the_file_come_first<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|_| {});
    let mut taker = acme.clone();
    (taker["name"], taker["hosts"]) = (json!("taker"), json!(["globex.example", "taker.example"]));
    documents.apply(&taker);
    for (host, issuer) in [("globex.example", "globex"), ("taker.example", "acme"), ("acme.example", "acme")] {
        let location = get(&mut world, host).header("location").unwrap_or_default().to_owned();
        assert!(location.starts_with(&format!("https://login.{issuer}.example/")), "{host}: {location}");
    }
}

/// Browsers send the cookies of a tenant to every host of their domain.
pub fn cookies_reach_no_tenant_of_a_document<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|configuration| {
        let globex = &mut configuration["tenants"][1];
        globex["hosts"] = json!(["globex.example", "*.globex.example"]);
        globex["login"]["redirect_uri"] = json!("https://globex.example/oauth2/callback");
        globex["login"]["cookie_domain"] = json!("globex.example");
    });
    let mut inside = acme;
    (inside["name"], inside["hosts"]) = (json!("inside"), json!(["a.globex.example", "inside.example"]));
    documents.apply(&inside);
    assert_eq!(status(&mut world, "inside.example"), 503);
    let log = world.harness.log();
    assert!(log.contains("\"a.globex.example\" is in \"globex.example\""), "{log}");
    assert_eq!(status(&mut world, "a.globex.example"), 302);

    let Found { mut world, mut documents, acme, .. } = found::<H>(|configuration| {
        configuration["tenants"][1]["hosts"] = json!(["globex.shared.example"]);
    });
    let mut around = acme;
    (around["name"], around["hosts"]) = (json!("around"), json!(["around.shared.example"]));
    around["login"]["cookie_domain"] = json!("shared.example");
    around["login"]["redirect_uri"] = json!("https://around.shared.example/oauth2/callback");
    documents.apply(&around);
    assert_eq!(status(&mut world, "around.shared.example"), 503);
    let log = world.harness.log();
    assert!(log.contains("\"shared.example\" covers \"globex.shared.example\""), "{log}");
}

/// The issuer notifies a worker that has not seen the tenant yet.
pub fn a_logout_token_where_the_tenant_is_not_known<H: Harness>() {
    let Found { mut world, configuration, .. } = found::<Replicas<H>>(|configuration| {
        take_logout_tokens(&mut configuration["tenants"][0]);
    });
    world.harness.turn = 0;
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", PAGE, &ada());
    world.harness.turn = 0;
    assert_eq!(world.open(&mut browser, &callback).reply().status, 302);
    let token = logout_token(&world, &json!({ "sub": "ada" }));
    world.harness.restart(1, &configuration);
    world.harness.turn = 1;
    let reply = world.post("https://acme.example/oauth2/backchannel-logout", &[], &form(&token)).reply();
    assert_eq!(reply.status, 200, "{}", reply.body);
    world.eventually(|world| {
        world.harness.turn = 1;
        matches!(world.open(&mut browser.clone(), PAGE), Outcome::Replied(reply) if reply.status == 302)
    });
}

/// The body of a form for the upstream goes on after the wait.
pub fn a_form_for_the_upstream_waits_for_its_tenant<H: Harness>() {
    let Found { mut world, .. } = found::<H>(|configuration| {
        configuration["tenants"][0]["access"] = json!([{ "paths": ["/*"], "allow": "public" }]);
    });
    let head = world.post("https://acme.example/form", &[], b"a=1&b=2").forwarded();
    assert_eq!(values(&head, ":path"), ["/form"]);
}

/// Secrets in a document are sealed for the gates. The issuer gets the right one.
pub fn a_sealed_secret_is_used<H: Harness>() {
    let Found { mut world, mut documents, acme, configuration } = found::<H>(|_| {});
    let sealed = Documents::sealed(&configuration, &acme);
    assert!(sealed["client_secret"]["sealed"].is_string(), "{sealed}");
    documents.apply(&sealed);
    let mut browser = world.browser();
    let (_, head) = world.sign_in(&mut browser, "acme", PAGE, &ada());
    assert_eq!(values(&head, "x-auth-request-user"), ["ada"]);
}

/// A header that documents may use is one that no client of any tenant can send.
pub fn header_names_of_documents_are_protected<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|_| {});
    let mut configuration = world.configuration();
    Documents::take_first(&mut configuration);
    Documents::new(&mut configuration, &documents.prefix);
    configuration["tenants_from"]["header_names"] = json!(["x-acme-user"]);
    configuration["tenants"][0]["access"] = json!([{ "paths": ["/*"], "allow": "public" }]);
    world.harness.reconfigure(&configuration);
    let mut tenant = acme;
    tenant["headers"] = json!({ "user": "x-acme-user" });
    documents.apply(&tenant);
    world.eventually(|world| status(world, "acme.example") == 302);
    let mut browser = world.browser();
    let (_, head) = world.sign_in(&mut browser, "acme", PAGE, &ada());
    assert_eq!(values(&head, "x-acme-user"), ["ada"]);
    let outcome = world.send(&mut world.browser(), "https://globex.example/page", &[("x-acme-user", "ada")]);
    let head = outcome.forwarded();
    assert_eq!(values(&head, "x-acme-user"), [""; 0]);
}

/// A flood of hosts without a tenant costs etcd little in its first second, too, and tenants that
/// are known nothing.
pub fn unknown_hosts_cost_etcd_little<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|_| {});
    assert_eq!(status(&mut world, "acme.example"), 302);
    let before = lookups(&world);
    (0..50).for_each(|_| assert_eq!(status(&mut world, "no.example"), 404));
    assert_eq!(lookups(&world), before + 1);
    let statuses: Vec<u16> = (0..300).map(|number| status(&mut world, &format!("h{number}.example"))).collect();
    let made = lookups(&world) - before;
    assert!((20..=100).contains(&made), "{made}");
    assert!(statuses.iter().all(|status| [404, 503].contains(status)), "{statuses:?}");
    assert_eq!(status(&mut world, "acme.example"), 302);
    // A tenant that comes is found although its host was asked for before.
    let mut tenant = acme;
    (tenant["name"], tenant["hosts"]) = (json!("h1"), json!(["h1.example"]));
    documents.apply(&tenant);
    world.eventually(|world| status(world, "h1.example") == 302);
}

/// Asks for so many hosts below this domain that were never asked for. Returns the answers to them,
/// each once.
fn flood<H: Harness>(world: &mut World<H>, domain: &str, number: usize) -> Vec<u16> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let host = || format!("f{}.{domain}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut statuses: Vec<u16> = (0..number).map(|_| status(world, &host())).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

/// The tenant `acme` with this name and client, at these hosts.
fn renamed(acme: &Value, name: &str, hosts: &[&str]) -> Value {
    let mut tenant = acme.clone();
    (tenant["name"], tenant["client_id"], tenant["hosts"]) = (json!(name), json!(name), json!(hosts));
    if let Some(domain) = hosts.iter().find_map(|host| host.strip_prefix("*.")) {
        tenant["login"]["redirect_uri"] = json!(format!("https://{domain}.{domain}/oauth2/callback"));
        tenant["login"]["cookie_domain"] = json!(domain);
    }
    tenant
}

/// The client as which a browser is sent to the issuer.
fn client<H: Harness>(world: &mut World<H>, host: &str) -> Option<String> {
    let location = get(world, host).header("location")?.to_owned();
    let (_, client) = location.split_once("client_id=")?;
    client.split('&').next().map(str::to_owned)
}

/// Index entries `h<number>.other.example` without documents: more than fit into one answer.
fn many_hosts(documents: &Documents) {
    let pattern = |number| HostPattern::parse(&format!("h{number}.other.example")).unwrap();
    let entry = |number| (documents.keys().host(&pattern(number)).into_bytes(), format!("t{number}"));
    Etcd::shared().put_all(&(0..450).map(entry).collect::<Vec<_>>());
}

/// Whether a flood of hosts below this domain gets this answer, and no lookup is made.
fn costs_nothing<H: Harness>(world: &mut World<H>, domain: &str, answer: u16) -> bool {
    let before = lookups(world);
    flood(world, domain, 150) == [answer] && lookups(world) == before
}

/// After the first moments, the filter knows which hosts have a tenant. Those are found meanwhile,
/// whether they were met before or not, and whether they came before the flood or during it.
pub fn a_flood_of_unknown_hosts_costs_etcd_nothing<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|_| {});
    many_hosts(&documents);
    documents.apply(&renamed(&acme, "cold", &["cold.example"]));
    world.eventually(|world| costs_nothing(world, "flood.example", 404));
    assert!(world.harness.log().contains("the 452 hosts in etcd"), "{}", world.harness.log());
    assert_eq!(status(&mut world, "cold.example"), 302);
    // The document of this host is missing.
    assert_eq!(status(&mut world, "h449.other.example"), 404);
    let late = renamed(&acme, "late", &["late.flood.example"]);
    documents.apply(&late);
    world.eventually(|world| status(world, "late.flood.example") == 302);
    documents.delete(&late);
    world.eventually(|world| status(world, "late.flood.example") == 404);
    world.eventually(|world| costs_nothing(world, "flood.example", 404));
    // While etcd is away, nobody knows which hosts have come.
    etcd_answers(&world, Answer::Raw(503, Vec::new()));
    world.eventually(|world| flood(world, "flood.example", 1) == [503]);
    etcd_answers(&world, Answer::Normal);
    world.eventually(|world| costs_nothing(world, "flood.example", 404));
    // What was known of another etcd does not count.
    Etcd::shared().delete(&documents.prefix);
    documents.number = 0;
    documents.apply(&renamed(&acme, "new", &["f0.new.example"]));
    world.eventually(|world| status(world, "cold.example") == 404 && status(world, "f0.new.example") == 302);
}

/// Of several tenants with hosts below a domain, each has its own, also after they have changed.
pub fn a_flood_below_a_wildcard_costs_etcd_nothing<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|_| {});
    let wide = renamed(&acme, "wide", &["*.wide.example"]);
    let [exact, narrow] =
        [("exact", "b.wide.example"), ("narrow", "*.n.wide.example")].map(|(name, host)| renamed(&acme, name, &[host]));
    [&wide, &exact, &narrow].iter().for_each(|tenant| documents.apply(tenant));
    world.eventually(|world| costs_nothing(world, "flood.example", 404));
    let clients = |world: &mut World<H>| {
        ["a", "b", "x.n"].map(|name| client(world, &format!("{name}.wide.example")).unwrap_or_default())
    };
    world.eventually(|world| costs_nothing(world, "wide.example", 302));
    assert_eq!(clients(&mut world), ["wide", "exact", "narrow"]);
    // Its hosts are looked up until the index was read again.
    documents.delete(&wide);
    documents.apply(&renamed(&acme, "exact", &["b.wide.example", "*.wide.example"]));
    world.eventually(|world| clients(world) == ["exact", "exact", "narrow"]);
    world.eventually(|world| costs_nothing(world, "wide.example", 302));
    assert_eq!(clients(&mut world), ["exact", "exact", "narrow"]);
    documents.delete(&renamed(&acme, "exact", &["b.wide.example", "*.wide.example"]));
    world.eventually(|world| clients(world) == ["", "", "narrow"]);
    world.eventually(|world| costs_nothing(world, "wide.example", 404));
    assert_eq!(clients(&mut world), ["", "", "narrow"]);
}

/// Whoever asks for hosts that the index has, and that have no document, keeps nobody from looking
/// up what is below a wildcard.
pub fn lookups_are_counted_by_what_the_index_says<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|_| {});
    many_hosts(&documents);
    documents.apply(&renamed(&acme, "wide", &["*.wide.example"]));
    world.eventually(|world| costs_nothing(world, "flood.example", 404));
    world.harness.advance();
    let before = lookups(&world);
    let statuses: Vec<u16> = (0..150).map(|number| status(&mut world, &format!("h{number}.other.example"))).collect();
    assert_eq!((lookups(&world) - before, statuses[99], statuses[100]), (100, 404, 503));
    assert_eq!(status(&mut world, "a.wide.example"), 302);
}

pub fn etcd_does_not_answer<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|_| {});
    let browser = world.signed_in();
    etcd_answers(&world, Answer::Silence);
    for _ in 0..3 {
        world.harness.advance();
        world.open(&mut browser.clone(), PAGE).forwarded();
    }
    assert_eq!(status(&mut world, "other.example"), 503);
    assert_eq!(world.harness.counters()["tenant_unavailable"], 1);
    let mut tenant = acme;
    (tenant["name"], tenant["hosts"]) = (json!("other"), json!(["other.example"]));
    documents.apply(&tenant);
    etcd_answers(&world, Answer::Normal);
    world.eventually(|world| status(world, "other.example") == 302);
    world.open(&mut browser.clone(), PAGE).forwarded();
}

/// etcd is set up again, or loses a part of the log: what was found is looked up again.
pub fn a_gap_in_the_log_forgets_everything<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|_| {});
    assert_eq!(status(&mut world, "acme.example"), 302);
    world.harness.advance();
    world.harness.advance();
    // Somebody deletes the tenant, and the log with it.
    Etcd::shared().delete(&documents.prefix);
    world.eventually(|world| status(world, "acme.example") == 404);
    documents.number = 0;
    documents.apply(&acme);
    world.eventually(|world| status(world, "acme.example") == 302);
    // An entry is deleted before the gates have read it, and another one follows.
    documents.delete(&acme);
    let deleted = documents.keys().change(documents.number);
    let mut other = acme.clone();
    (other["name"], other["hosts"]) = (json!("other"), json!(["other.example"]));
    documents.apply(&other);
    Etcd::shared().delete_key(&deleted);
    world.eventually(|world| status(world, "acme.example") == 404);
    documents.apply(&acme);
    world.eventually(|world| status(world, "acme.example") == 302);
    // Changes of any length and form.
    for value in ["x".repeat(100_000), "{}".to_owned()] {
        documents.number += 1;
        Etcd::shared().put(&documents.keys().change(documents.number), &value);
        (0..3).for_each(|_| world.harness.advance());
        documents.delete(&acme);
        world.eventually(|world| status(world, "acme.example") == 404);
        documents.apply(&acme);
        world.eventually(|world| status(world, "acme.example") == 302);
    }
}

/// A sign-out at one replica is known at another one, though its polls may be made by a worker that
/// does not know the tenant.
pub fn sign_outs_of_found_tenants_are_known_everywhere<H: Harness>() {
    let Found { mut world, .. } = found::<Replicas<H>>(|configuration| {
        store(configuration, &prefix());
        take_logout_tokens(&mut configuration["tenants"][0]);
    });
    let mut browser = world.signed_in();
    let (copy, other) = (browser.clone(), world.signed_in());
    for _ in 0..4 {
        world.open(&mut copy.clone(), PAGE).forwarded();
        world.open(&mut other.clone(), PAGE).forwarded();
    }
    assert_eq!(world.open(&mut browser, "https://acme.example/oauth2/logout").reply().status, 302);
    world.eventually(|world| {
        let mut outcomes = (0..4).map(|_| world.open(&mut copy.clone(), PAGE));
        outcomes.all(|outcome| matches!(outcome, Outcome::Replied(reply) if reply.status == 302))
    });
    for _ in 0..4 {
        world.open(&mut other.clone(), PAGE).forwarded();
    }
}

/// A session ends at one replica while the other one has forgotten the tenant, whose sign-outs it
/// had read before.
pub fn a_sign_out_while_the_tenant_is_forgotten<H: Harness>() {
    let store_prefix = prefix();
    let Found { mut world, mut documents, acme, mut configuration } = found::<Replicas<H>>(|configuration| {
        store(configuration, &store_prefix);
    });
    configuration["tenants_from"]["cache"] = json!(10);
    world.harness.reconfigure(&configuration);
    let mut browser = world.signed_in();
    let copy = browser.clone();
    let open_at_second = |world: &mut World<Replicas<H>>| {
        world.harness.turn = 1;
        world.open(&mut copy.clone(), PAGE)
    };
    open_at_second(&mut world).forwarded();
    let mut tenant = acme;
    for number in 0..12 {
        let host = format!("t{number}.example");
        (tenant["name"], tenant["hosts"]) = (json!(format!("t{number}")), json!([host]));
        documents.apply(&tenant);
        world.harness.turn = 1;
        assert_eq!(status(&mut world, &host), 302);
    }
    world.harness.advance();
    world.harness.turn = 0;
    assert_eq!(world.open(&mut browser, "https://acme.example/oauth2/logout").reply().status, 302);
    (0..3).for_each(|_| world.harness.advance());
    assert_eq!(open_at_second(&mut world).reply().status, 302);
}

/// More tenants than are kept: each is found again, and the session of one goes on.
pub fn more_tenants_than_are_kept<H: Harness>() {
    let Found { mut world, mut documents, acme, .. } = found::<H>(|_| {});
    let mut configuration = world.configuration();
    Documents::take_first(&mut configuration);
    Documents::new(&mut configuration, &documents.prefix);
    configuration["tenants_from"]["cache"] = json!(10);
    world.harness.reconfigure(&configuration);
    let browser = world.signed_in();
    let mut tenant = acme;
    for number in 0..25 {
        (tenant["name"], tenant["hosts"]) = (json!(format!("t{number}")), json!([format!("t{number}.example")]));
        documents.apply(&tenant);
    }
    for _ in 0..2 {
        let before = lookups(&world);
        for number in 0..25 {
            assert_eq!(status(&mut world, &format!("t{number}.example")), 302, "{number}");
        }
        assert!(lookups(&world) > before);
        world.open(&mut browser.clone(), PAGE).forwarded();
    }
}
