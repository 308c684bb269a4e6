//! Discovery, JWKS, and key rotation.

use serde_json::{Value, json};

use super::callback::with_parameter;
use crate::support::harness::{Harness, Outcome, values};
use crate::support::issuer::{Answer, Issuer};
use crate::support::replicas::Replicas;
use crate::support::signer::Signer;
use crate::support::world::{World, ada};

const PAGE: &str = "https://acme.example/page";

/// A world in which acme discovers everything, after `change` to its `provider`. Its issuer signs
/// with a key that it publishes as `one`.
fn world<H: Harness>(change: impl FnOnce(&mut Value)) -> World<H> {
    World::with_issuer(
        |issuer| issuer.rotate(Signer::es256(), "one"),
        |configuration| discover(&mut configuration["tenants"][0], change),
    )
}

/// Removes what can be discovered from the configuration of a tenant.
pub fn discover(tenant: &mut Value, change: impl FnOnce(&mut Value)) {
    tenant.as_object_mut().unwrap().remove("keys");
    tenant["bearer"] = json!({ "audiences": ["api"] });
    let provider = tenant["provider"].as_object_mut().unwrap();
    provider.retain(|name, _| !name.ends_with("_endpoint"));
    provider.insert("discovery".to_owned(), json!(true));
    change(&mut tenant["provider"]);
}

/// Checks that every worker can begin logins at acme. Any worker may answer, so it asks several
/// times. A worker that has no metadata yet makes the request wait.
#[track_caller]
pub fn discovered<H: Harness>(world: &mut World<H>) {
    for _ in 0..20 {
        assert_eq!(world.open(&mut world.browser(), PAGE).reply().status, 302, "{}", world.harness.log());
    }
}

/// An access token of acme's issuer, signed with its current key.
fn access_token<H: Harness>(world: &World<H>) -> String {
    let now = world.clock.now();
    world.issuer("acme", |issuer| {
        let claims = json!({
            "iss": issuer.url, "aud": "api", "sub": "robot", "client_id": "shop", "iat": now, "exp": now + 3000, "jti": "1",
        });
        let token = issuer.signer.jws(&issuer.header("at+jwt"), &claims);
        issuer.secrets.push(token.clone());
        token
    })
}

fn send<H: Harness>(world: &mut World<H>, token: &str) -> Outcome {
    world.send(&mut world.browser(), PAGE, &[("authorization", &format!("Bearer {token}"))])
}

fn is_forwarded<H: Harness>(world: &mut World<H>, token: &str) -> bool {
    matches!(send(world, token), Outcome::Forwarded(..))
}

fn signs_in<H: Harness>(world: &mut World<H>) {
    let mut browser = world.browser();
    let (page, seen) = world.sign_in(&mut browser, "acme", PAGE, &ada());
    assert_eq!(page, PAGE);
    assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
}

/// The first requests after a start need no second attempt, whatever they need from the issuer: it
/// is asked once for all of them.
/// A login begins at one replica and ends at another one, which has no documents of the issuer yet:
/// the exchange of the code begins after a wait.
pub fn a_login_ends_where_no_documents_are<H: Harness>() {
    let mut configuration = Value::Null;
    let mut world = World::<Replicas<H>>::with_issuer(
        |issuer| issuer.rotate(Signer::es256(), "one"),
        |own| {
            discover(&mut own["tenants"][0], |_| {});
            configuration = own.clone();
        },
    );
    let mut browser = world.browser();
    world.harness.turn = 0;
    let callback = world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
    world.harness.restart(1, &configuration);
    world.harness.turn = 1;
    let reply = world.open(&mut browser, &callback).reply();
    assert_eq!((reply.status, reply.header("location")), (302, Some("https://acme.example/page")), "{}", reply.body);
    let head = world.open(&mut browser, "https://acme.example/page").forwarded();
    assert_eq!(values(&head, "x-auth-request-user"), ["ada"]);
}

pub fn the_first_request_waits_for_the_documents<H: Harness>() {
    let backchannel = |configuration: &mut Value| {
        discover(&mut configuration["tenants"][0], |_| {});
        configuration["tenants"][0]["login"]["backchannel_logout_path"] = json!("/oauth2/backchannel-logout");
    };
    let world = || World::<H>::with_issuer(|issuer| issuer.rotate(Signer::es256(), "one"), backchannel);
    let mut login = world();
    signs_in(&mut login);

    let mut bearer = world();
    let token = access_token(&bearer);
    send(&mut bearer, &token).forwarded();
    assert_eq!(
        bearer
            .send(
                &mut bearer.browser(),
                "https://acme.example/oauth2/userinfo",
                &[("authorization", &format!("Bearer {token}"))]
            )
            .reply()
            .status,
        200
    );

    let mut logout = world();
    let reply = logout.open(&mut logout.browser(), "https://acme.example/oauth2/logout").reply();
    assert!(reply.header("location").unwrap().starts_with("https://login.acme.example/logout?"), "{reply:?}");

    let mut notified = world();
    let now = notified.clock.now();
    let token = notified.issuer("acme", |issuer| {
        let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
        let claims = json!({
            "iss": issuer.url, "aud": "gate", "sub": "ada", "iat": now, "exp": now + 60, "jti": "1", "events": event,
        });
        issuer.signer.jws(&issuer.header("logout+jwt"), &claims)
    });
    let body = format!("logout_token={token}");
    let reply = notified.post("https://acme.example/oauth2/backchannel-logout", &[], body.as_bytes()).reply();
    assert_eq!(reply.status, 200, "{} {}", reply.body, notified.harness.log());

    for world in [login, bearer, logout, notified] {
        assert_eq!(world.issuer("acme", |issuer| issuer.documents), 2, "the metadata and the JWK Set");
    }
}

/// While the issuer is away, a request waits only if there is a fetch to wait for, and clients do
/// not cause one fetch after the other. The first request after its return is served.
pub fn an_issuer_that_is_away_at_the_start<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| {
            issuer.rotate(Signer::es256(), "one");
            issuer.document_answer = Answer::Raw(503, Vec::new());
        },
        |configuration| discover(&mut configuration["tenants"][0], |_| {}),
    );
    let token = access_token(&world);
    for _ in 0..60 {
        for _ in 0..5 {
            assert_eq!(world.open(&mut world.browser(), PAGE).reply().status, 503);
        }
        world.harness.advance();
    }
    assert_eq!(send(&mut world, &token).reply().status, 401);
    let documents = world.issuer("acme", |issuer| issuer.documents);
    assert!((3..=9).contains(&documents), "{documents} fetches in a minute");
    world.issuer("acme", |issuer| issuer.document_answer = Answer::Normal);
    for _ in 0..10 {
        world.harness.advance();
    }
    world.issuer("acme", |issuer| issuer.documents = 0);
    signs_in(&mut world);
    send(&mut world, &token).forwarded();
}

pub fn everything_is_discovered<H: Harness>() {
    let mut world = world::<H>(|_| {});
    discovered(&mut world);
    signs_in(&mut world);
    let token = access_token(&world);
    world.eventually(|world| is_forwarded(world, &token));
    // `end_session_endpoint` is discovered, too, and the session has its ID token for it.
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", PAGE, &ada());
    let reply = world.open(&mut browser, "https://acme.example/oauth2/logout").reply();
    let start = "https://login.acme.example/logout?client_id=gate&id_token_hint=";
    assert!(reply.header("location").unwrap().starts_with(start));
}

/// If the metadata promise `iss` in every answer (RFC 9207 section 3), an answer without it is
/// refused.
pub fn iss_promised_by_the_metadata<H: Harness>() {
    for promised in [false, true] {
        let mut world = World::<H>::with_issuer(
            |issuer| {
                issuer.rotate(Signer::es256(), "one");
                issuer.metadata["authorization_response_iss_parameter_supported"] = json!(promised);
            },
            |configuration| discover(&mut configuration["tenants"][0], |_| {}),
        );
        discovered(&mut world);
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", PAGE, &ada());
        let reply = world.open(&mut browser, &with_parameter(&callback, "iss", None)).reply();
        assert_eq!(reply.status, if promised { 400 } else { 302 });
        assert_eq!(browser.has_session(), !promised);
        signs_in(&mut world);
    }
}

/// A discovered UserInfo endpoint is called after the ID token was verified with a fetched key.
pub fn userinfo_after_a_new_key<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| {
            issuer.rotate(Signer::es256(), "one");
            issuer.userinfo.1 = json!({ "sub": "ada", "groups": ["discovered"] });
        },
        |configuration| {
            configuration["tenants"][0]["login"]["userinfo"] = json!(true);
            discover(&mut configuration["tenants"][0], |_| {});
        },
    );
    discovered(&mut world);
    world.issuer("acme", |issuer| issuer.rotate(Signer::eddsa(), "two"));
    let mut browser = world.browser();
    let (_, seen) = world.sign_in(&mut browser, "acme", PAGE, &json!({ "sub": "ada" }));
    assert_eq!(values(&seen, "x-auth-request-groups"), ["discovered"]);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 2);
    // Without an endpoint in the metadata, there is no call.
    world.issuer("acme", |issuer| {
        issuer.metadata.as_object_mut().unwrap().remove("userinfo_endpoint");
        issuer.rotate(Signer::other_es256(), "three");
    });
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", PAGE, &ada());
    assert_eq!(world.open(&mut browser, &callback).reply().status, 503);
    assert!(!browser.has_session());
    assert!(world.harness.log().contains("UserInfo endpoint: its address is not known"), "{}", world.harness.log());
}

/// A login right after a key rotation works.
pub fn a_new_key_is_fetched_during_the_login<H: Harness>() {
    let mut world = world::<H>(|_| {});
    discovered(&mut world);
    signs_in(&mut world);
    let mut kept = world.browser();
    world.sign_in(&mut kept, "acme", PAGE, &ada());
    world.issuer("acme", |issuer| issuer.rotate(Signer::eddsa(), "two"));
    signs_in(&mut world);
    // The old key is gone. The session that was verified with it goes on.
    world.issuer("acme", |issuer| drop(issuer.published.remove(0)));
    world.issuer("acme", |issuer| issuer.rotate(Signer::es256(), "three"));
    signs_in(&mut world);
    world.open(&mut kept, PAGE).forwarded();
}

/// While the JWKS cannot be fetched, the login fails with 503.
pub fn a_new_key_that_cannot_be_fetched<H: Harness>() {
    let mut world = world::<H>(|_| {});
    discovered(&mut world);
    for answer in [
        Answer::Silence,
        Answer::Raw(500, b"{}".to_vec()),
        Answer::Raw(200, b"<html>".to_vec()),
        Answer::Raw(200, br#"{"keys":[]}"#.to_vec()),
    ] {
        world.issuer("acme", |issuer| {
            issuer.rotate(Signer::eddsa(), "new");
            issuer.document_answer = answer;
        });
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", PAGE, &ada());
        assert_eq!(world.open(&mut browser, &callback).reply().status, 503);
        assert!(!browser.has_session());
        // The known keys are still valid.
        world.issuer("acme", |issuer| {
            (issuer.document_answer, issuer.kid) = (Answer::Normal, Some("one"));
            (issuer.signer, issuer.published) = (Signer::es256(), issuer.published[..1].to_vec());
        });
        signs_in(&mut world);
    }
}

/// A request of an API client does not wait for a fetch: the first is refused, the next one
/// succeeds.
pub fn a_new_key_is_fetched_for_api_clients<H: Harness>() {
    let mut world = world::<H>(|_| {});
    discovered(&mut world);
    let old = access_token(&world);
    world.eventually(|world| is_forwarded(world, &old));
    world.issuer("acme", |issuer| issuer.rotate(Signer::eddsa(), "two"));
    let new = access_token(&world);
    world.eventually(|world| is_forwarded(world, &new));
    send(&mut world, &old).forwarded();
}

/// Key sets of Entra ID (no `alg`), Keycloak (an encryption key), Auth0 (`x5c`) and unknown key
/// types.
pub fn one_odd_key_does_not_spoil_a_set<H: Harness>() {
    let n = "3waLTkxx9rOiLQw_xj1LzOSbW7e8knQ__E2f1tEjLI4wQpcSzwCDDNBZwlVSMauztfQEussi951O1KhwdjiBk9al96Ga6TSke3ruoH5uj3Cwz5Z6z3apk-9jopWlSqrHqLLxZIBqht8m8c9M_P3aBvNHQiZ71oGzfWGisNHOqSBh604eO_vqC0zurTeghXkcrDXi8veBhJq2bJkRF-E_8diqH2Cv3ZUeHukiPoa5GDcO0p61EMzD_y_L-le4LPwVydHkVDgHge3oHXRWTLTFXA14f7zuJV1l0P_7vn94SJh8ibyrdByu_Uae-ZraOu6B5kVYKUXLQOkGd0SmDdIKGw";
    let publish = |issuer: &mut Issuer| {
        issuer.rotate(Signer::es256(), "one");
        issuer.published[0]["alg"] = json!(null);
        let odd = [
            json!({ "kty": "RSA", "use": "sig", "kid": "entra", "x5t": "x", "n": n, "e": "AQAB", "x5c": ["MIIC"], "issuer": "x" }),
            json!({ "kty": "RSA", "use": "enc", "kid": "keycloak", "alg": "RSA-OAEP", "n": n, "e": "AQAB" }),
            json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" }),
            json!({ "kty": "RSA", "kid": "weak", "n": "AQAB", "e": "AQAB" }),
            json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "off the curve" }),
            json!({ "kty": "oct", "k": "AA" }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": issuer.signer.jwk()["x"], "d": "private" }),
            json!({ "kid": "one" }),
            json!(1),
        ];
        issuer.published.splice(0..0, odd);
    };
    let mut world =
        World::<H>::with_issuer(publish, |configuration| discover(&mut configuration["tenants"][0], |_| {}));
    discovered(&mut world);
    signs_in(&mut world);
    world.eventually(|world| world.harness.log().contains("8 of no use here were left out"));
}

/// Issuer Identifiers with a path, without and with a final slash: the metadata are below the path
/// (OpenID Connect Discovery 1.0 section 4.1), and `iss` is compared byte by byte.
pub fn issuers_with_a_path<H: Harness>() {
    for (url, other) in [
        ("https://login.acme.example/realms/acme", "https://login.acme.example/realms/acme/"),
        ("https://login.acme.example/realms/acme/", "https://login.acme.example/realms/acme"),
        ("https://login.acme.example/", "https://login.acme.example"),
    ] {
        let mut issuer = Issuer::new(url, "client_secret_basic", Signer::es256(), H::clock());
        issuer.rotate(Signer::es256(), "one");
        let change = |configuration: &mut Value| discover(&mut configuration["tenants"][0], |_| {});
        let mut world = World::<H>::of([("acme", issuer)], change);
        discovered(&mut world);
        signs_in(&mut world);
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", PAGE, &ada());
        let reply = world.open(&mut browser, &with_parameter(&callback, "iss", Some(other))).reply();
        assert_eq!(reply.status, 400, "{url}");
        world.issuer("acme", |issuer| issuer.url = other.to_owned());
        let callback = world.callback(&mut browser, "acme", PAGE, &ada());
        let reply = world.open(&mut browser, &with_parameter(&callback, "iss", Some(url))).reply();
        assert_eq!(reply.status, 403, "{url}");
        assert!(world.harness.log().contains("ID token: claim `iss` does not have the expected value"));
        assert!(!browser.has_session());
    }
}

/// An address in the metadata may have parameters (RFC 6749 section 3.1). Those of Tenantgate
/// replace them, so that none is there twice.
pub fn parameters_in_the_discovered_address<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| {
            issuer.rotate(Signer::es256(), "one");
            let query =
                "client_id=other&scope=openid&client%5Fid=a&prompt=none&state=x&nonce=y&max_age=1&login_hint=eve";
            issuer.metadata["authorization_endpoint"] = json!(format!("{}/auth?{query}", issuer.url));
            issuer.parameters = vec![
                ("prompt".to_owned(), "login".to_owned()),
                ("max_age".to_owned(), "600".to_owned()),
                ("login_hint".to_owned(), "ada".to_owned()),
            ];
        },
        |configuration| {
            discover(&mut configuration["tenants"][0], |_| {});
            let login = &mut configuration["tenants"][0]["login"];
            (login["prompt"], login["max_age"], login["login_hint"]) = (json!("login"), json!("10m"), json!("ada"));
        },
    );
    discovered(&mut world);
    let mut browser = world.browser();
    let mut person = ada();
    person["auth_time"] = json!(world.clock.now());
    let (_, seen) = world.sign_in(&mut browser, "acme", PAGE, &person);
    assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
    // Other parameters stay as they are.
    let mut world = World::<H>::with_issuer(
        |issuer| {
            issuer.rotate(Signer::es256(), "one");
            let address = format!("{}/auth?p=b2c%20one&state=x&&flag", issuer.url);
            issuer.metadata["authorization_endpoint"] = json!(address);
        },
        |configuration| discover(&mut configuration["tenants"][0], |_| {}),
    );
    discovered(&mut world);
    let address = world.begin(&mut world.browser(), PAGE);
    let start = "https://login.acme.example/auth?p=b2c%20one&flag&response_type=code&client_id=gate&";
    assert!(address.starts_with(start), "{address}");
    assert_eq!(address.matches("state=").count(), 1, "{address}");
}

/// OpenID Connect Discovery 1.0 section 4.3, and other invalid documents.
pub fn hostile_documents<H: Harness>() {
    let base = "https://login.acme.example";
    let with = |name: &str, value: Value| {
        let mut document = json!({ "issuer": base, "authorization_endpoint": format!("{base}/auth"), "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/keys") });
        document[name] = value;
        Answer::Raw(200, document.to_string().into_bytes())
    };
    let mut world = world::<H>(|_| {});
    let documents = [
        (with("issuer", json!("https://login.acme.example/")), "another `issuer`"),
        (with("issuer", json!(["https://login.acme.example"])), "another `issuer`"),
        (with("jwks_uri", json!("http://login.acme.example/keys")), "no usable `jwks_uri`"),
        (with("jwks_uri", json!("file:///etc/passwd")), "no usable `jwks_uri`"),
        (with("jwks_uri", json!(null)), "no usable `jwks_uri`"),
        (with("authorization_endpoint", json!("javascript:alert(1)")), "no usable `authorization_endpoint`"),
        (with("token_endpoint", json!("https://user:password@login.acme.example/")), "no usable `token_endpoint`"),
        (Answer::Raw(200, br#"{"issuer":"a","issuer":"a"}"#.to_vec()), "no JSON object came"),
        (Answer::Raw(200, b"[]".to_vec()), "no JSON object came"),
        (Answer::Raw(200, vec![b' '; 70_000]), "longer than 65536 bytes"),
        (Answer::Raw(200, "[".repeat(60_000).into_bytes()), "no JSON object came"),
        (Answer::Raw(302, b"".to_vec()), "status 302"),
        (Answer::Silence, "cluster \"acme\": "),
    ];
    for (answer, expected) in documents {
        let already = world.harness.log().matches(expected).count();
        world.issuer("acme", |issuer| issuer.document_answer = answer);
        world.eventually(|world| world.harness.log().matches(expected).count() > already);
        assert_eq!(world.open(&mut world.browser(), PAGE).reply().status, 503, "{expected}");
    }
    world.issuer("acme", |issuer| issuer.document_answer = Answer::Normal);
    for _ in 0..10 {
        world.harness.advance();
    }
    discovered(&mut world);
    signs_in(&mut world);
}

/// A configured key takes precedence over a published key of the same `kid`.
pub fn configured_keys_win<H: Harness>() {
    // The issuer publishes another key as `one`.
    let publish = |issuer: &mut Issuer| {
        issuer.rotate(Signer::eddsa(), "one");
        issuer.rotate(Signer::es256(), "one");
    };
    let mut world = World::<H>::with_issuer(publish, |configuration| {
        let tenant = &mut configuration["tenants"][0];
        discover(tenant, |_| {});
        tenant["keys"] = json!([{ "pem": Signer::es256().configured()["pem"], "kid": "one" }]);
    });
    discovered(&mut world);
    signs_in(&mut world);
    world.issuer("acme", |issuer| (issuer.signer, issuer.kid) = (Signer::eddsa(), Some("one")));
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", PAGE, &ada());
    assert_eq!(world.open(&mut browser, &callback).reply().status, 403);
    world.issuer("acme", |issuer| issuer.rotate(Signer::eddsa(), "two"));
    signs_in(&mut world);
}

/// A configured key without `kid` can match every token of its algorithm. A new key is fetched all
/// the same.
pub fn a_configured_key_without_a_kid_does_not_hide_a_new_one<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| issuer.rotate(Signer::es256(), "one"),
        |configuration| {
            let tenant = &mut configuration["tenants"][0];
            discover(tenant, |_| {});
            tenant["keys"] = json!([{ "pem": Signer::es256().configured()["pem"] }]);
        },
    );
    discovered(&mut world);
    signs_in(&mut world);
    world.issuer("acme", |issuer| issuer.rotate(Signer::other_es256(), "two"));
    signs_in(&mut world);
}

/// With `jwks_uri`, only the keys are fetched; the endpoints are configured.
pub fn keys_without_discovery<H: Harness>() {
    let publish = |issuer: &mut Issuer| {
        issuer.rotate(Signer::es256(), "one");
        issuer.metadata = json!({});
    };
    let mut world = World::<H>::with_issuer(publish, |configuration| {
        let tenant = &mut configuration["tenants"][0];
        tenant.as_object_mut().unwrap().remove("keys");
        tenant["provider"]["jwks_uri"] = json!("https://login.acme.example/keys");
    });
    signs_in(&mut world);
    world.issuer("acme", |issuer| issuer.rotate(Signer::eddsa(), "two"));
    signs_in(&mut world);
}

/// A tenant with configured keys fetches nothing, whatever `kid` a token names.
pub fn a_tenant_with_keys_fetches_nothing<H: Harness>() {
    let mut world =
        World::<H>::with(|configuration| configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] }));
    for _ in 0..20 {
        signs_in(&mut world);
        world.issuer("acme", |issuer| issuer.kid = Some("unknown"));
        let token = access_token(&world);
        send(&mut world, &token).forwarded();
        let token = token.replacen("eyJ", "eyI", 1);
        assert_eq!(send(&mut world, &token).reply().status, 401);
        world.harness.advance();
    }
    assert_eq!(world.issuer("acme", |issuer| issuer.documents), 0);
}

/// Tokens with unknown keys cause a fetch at intervals, not one each.
pub fn a_flood_of_unknown_keys<H: Harness>() {
    let mut world = world::<H>(|_| {});
    discovered(&mut world);
    world.issuer("acme", |issuer| (issuer.documents, issuer.kid) = (0, Some("nobody's")));
    let token = access_token(&world);
    for _ in 0..60 {
        for _ in 0..5 {
            assert_eq!(send(&mut world, &token).reply().status, 401);
        }
        world.harness.advance();
    }
    // A fetch gets two documents, and fetches are ten seconds apart.
    let documents = world.issuer("acme", |issuer| issuer.documents);
    assert!((2..=14).contains(&documents), "{documents}");
}

/// The last good key set stays in use while the issuer is unavailable, up to a limit. The log says
/// so before, and once.
pub fn keys_of_an_issuer_that_is_away<H: Harness>() {
    for bounded in [false, true] {
        let mut world = world::<H>(|provider| {
            if bounded {
                (provider["jwks_interval"], provider["jwks_max_age"]) = (json!("1m"), json!("10m"));
            }
        });
        discovered(&mut world);
        let token = access_token(&world);
        send(&mut world, &token).forwarded();
        world.issuer("acme", |issuer| issuer.document_answer = Answer::Silence);
        let warnings = |world: &mut World<H>| {
            let log = world.harness.log();
            ["half of `jwks_max_age` is over", "`jwks_max_age` is over, so"].map(|text| log.matches(text).count())
        };
        for _ in 0..290 {
            world.harness.advance();
        }
        assert_eq!(warnings(&mut world), [0, 0]);
        for _ in 0..300 {
            world.harness.advance();
        }
        send(&mut world, &token).forwarded();
        assert_eq!(warnings(&mut world), [usize::from(bounded), 0]);
        for _ in 0..100 {
            world.harness.advance();
        }
        assert_eq!(is_forwarded(&mut world, &token), !bounded);
        assert_eq!(warnings(&mut world), [usize::from(bounded); 2]);
        assert_eq!(world.harness.counter("jwks_stale"), if bounded { 2 } else { 0 });
        // The issuer is available again.
        world.issuer("acme", |issuer| issuer.document_answer = Answer::Normal);
        world.eventually(|world| is_forwarded(world, &token));
    }
}

/// Without a configured limit, fetched keys count for a day.
pub fn keys_of_an_issuer_that_does_not_come_back<H: Harness>() {
    let mut world = world::<H>(|provider| provider["jwks_interval"] = json!("10m"));
    discovered(&mut world);
    let token = |world: &World<H>| access_token(world);
    world.issuer("acme", |issuer| issuer.document_answer = Answer::Silence);
    world.harness.advance();
    world.clock.advance(std::time::Duration::from_secs(24 * 3600 - 100));
    let last = token(&world);
    send(&mut world, &last).forwarded();
    assert!(world.open(&mut world.browser(), PAGE).reply().status == 302);
    world.clock.advance(std::time::Duration::from_secs(200));
    let late = token(&world);
    assert_eq!(send(&mut world, &late).reply().status, 401);
    assert_eq!(send(&mut world, &last).reply().status, 401);
    world.issuer("acme", |issuer| issuer.document_answer = Answer::Normal);
    world.eventually(|world| is_forwarded(world, &late));
}

/// When a key leaves the set, cached tokens that it verified are refused. Sessions go on.
pub fn a_key_that_leaves_the_set<H: Harness>() {
    let mut world = world::<H>(|_| {});
    discovered(&mut world);
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", PAGE, &ada());
    let token = access_token(&world);
    send(&mut world, &token).forwarded();
    send(&mut world, &token).forwarded();
    world.issuer("acme", |issuer| {
        issuer.rotate(Signer::eddsa(), "two");
        issuer.published.remove(0);
    });
    world.eventually(|world| !is_forwarded(world, &token));
    world.open(&mut browser, PAGE).forwarded();
}

/// A new configuration starts with the keys that are already known.
pub fn a_new_configuration_keeps_the_keys<H: Harness>() {
    let mut world = world::<H>(|_| {});
    discovered(&mut world);
    let token = access_token(&world);
    send(&mut world, &token).forwarded();
    let mut configuration = world.configuration();
    discover(&mut configuration["tenants"][0], |_| {});
    world.issuer("acme", |issuer| issuer.document_answer = Answer::Silence);
    world.harness.reconfigure(&configuration);
    send(&mut world, &token).forwarded();
}

/// An address at another origin gets no call, and no browser, unless the configuration names the
/// origin.
pub fn addresses_at_other_origins<H: Harness>() {
    for (member, path) in [("authorization_endpoint", "auth"), ("token_endpoint", "token"), ("jwks_uri", "keys")] {
        let world = |origins: Option<&str>| {
            World::<H>::with_issuer(
                |issuer| {
                    issuer.rotate(Signer::es256(), "one");
                    issuer.metadata[member] = json!(format!("https://169.254.169.254/{path}"));
                },
                |configuration| {
                    discover(&mut configuration["tenants"][0], |provider| {
                        if let Some(origin) = origins {
                            provider["trusted_origins"] = json!(["https://other.example", origin]);
                        }
                    });
                },
            )
        };
        for origins in [None, Some("https://169.254.169.254:8443"), Some("https://169.254.169.25")] {
            let mut world = world(origins);
            assert_eq!(world.open(&mut world.browser(), PAGE).reply().status, 503);
            let expected = format!("`{member}` is at https://169.254.169.254, which is not the origin of the issuer");
            assert!(world.harness.log().contains(&expected), "{}", world.harness.log());
            // The metadata, and no JWK Set.
            assert_eq!(world.issuer("acme", |issuer| (issuer.documents, issuer.calls)), (1, 0), "{member}");
        }
        let mut world = world(Some("https://169.254.169.254"));
        let address = world.begin(&mut world.browser(), PAGE);
        assert_eq!(address.starts_with("https://169.254.169.254/auth?"), member == "authorization_endpoint");
        if member != "authorization_endpoint" {
            signs_in(&mut world);
        }
    }
}

/// An optional address that is of no use is left out, and said once for each change. The rest
/// serves.
pub fn odd_optional_addresses<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| {
            issuer.rotate(Signer::es256(), "one");
            issuer.metadata["end_session_endpoint"] = json!("");
            issuer.metadata["userinfo_endpoint"] = json!("http://login.acme.example/userinfo");
            issuer.metadata["revocation_endpoint"] = json!("https://other.example/revoke");
        },
        |configuration| discover(&mut configuration["tenants"][0], |provider| provider["jwks_interval"] = json!("30s")),
    );
    let line = "metadata_incomplete tenant=acme: left out of the metadata: \
                the document has no usable `userinfo_endpoint`; the document has no usable `end_session_endpoint`; \
                `revocation_endpoint` is at https://other.example, ";
    let said = |world: &mut World<H>, line: &str| world.harness.log().matches(line).count();
    for _ in 0..100 {
        world.harness.advance();
    }
    signs_in(&mut world);
    assert!(world.issuer("acme", |issuer| issuer.documents) >= 6);
    assert_eq!(said(&mut world, line), 1, "{}", world.harness.log());
    // A sign-out is one here alone.
    let mut browser = world.signed_in();
    let reply = world.open(&mut browser, "https://acme.example/oauth2/logout").reply();
    assert_eq!((reply.status, reply.header("location")), (200, None));
    // A change is said, and none at all is not.
    world.issuer("acme", |issuer| issuer.metadata["userinfo_endpoint"] = json!("https://login.acme.example/userinfo"));
    for _ in 0..100 {
        world.harness.advance();
    }
    assert_eq!((said(&mut world, "metadata_incomplete"), said(&mut world, line)), (2, 1));
    for (name, path) in [("end_session_endpoint", "logout"), ("revocation_endpoint", "revoke")] {
        world.issuer("acme", |issuer| issuer.metadata[name] = json!(format!("https://login.acme.example/{path}")));
    }
    for _ in 0..100 {
        world.harness.advance();
    }
    assert_eq!(said(&mut world, "metadata_incomplete"), 2);
    assert_eq!(world.harness.counter("tenant.acme.metadata_incomplete"), 2);
    let reply = world.open(&mut browser, "https://acme.example/oauth2/logout").reply();
    assert!(reply.header("location").unwrap().starts_with("https://login.acme.example/logout?"));
}

/// Signs in, and expects a refusal for `reason`.
#[track_caller]
fn is_refused<H: Harness>(world: &mut World<H>, reason: &str) {
    let already = world.harness.log().matches(reason).count();
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", PAGE, &ada());
    assert_eq!(world.open(&mut browser, &callback).reply().status, 403, "{}", world.harness.log());
    assert!(!browser.has_session());
    assert!(world.harness.log().matches(reason).count() > already, "{reason}");
}

/// Another published key, of an algorithm that the issuer does not use for ID tokens, signs none.
/// It may sign access tokens.
pub fn the_algorithm_of_id_tokens<H: Harness>() {
    let world = |published: Value, configured: Value| {
        World::<H>::with_issuer(
            |issuer| {
                issuer.rotate(Signer::eddsa(), "other");
                issuer.rotate(Signer::es256(), "one");
                issuer.metadata["id_token_signing_alg_values_supported"] = published;
            },
            |configuration| {
                discover(&mut configuration["tenants"][0], |_| {});
                if !configured.is_null() {
                    configuration["tenants"][0]["id_token_signed_response_alg"] = configured;
                }
            },
        )
    };
    let use_other = |issuer: &mut Issuer| (issuer.signer, issuer.kid) = (Signer::eddsa(), Some("other"));
    let reason = "the algorithm is not one of `id_token_signed_response_alg`";
    for (published, configured) in [
        (json!(["ES256"]), json!(null)),
        (json!(["none", "HS256", "ES256"]), json!(null)),
        (json!(["ES256", "EdDSA"]), json!(["ES256"])),
        (json!(null), json!(["ES256", "RS256"])),
    ] {
        let mut world = world(published, configured);
        discovered(&mut world);
        signs_in(&mut world);
        world.issuer("acme", use_other);
        is_refused(&mut world, reason);
        let token = access_token(&world);
        send(&mut world, &token).forwarded();
    }
    // Without a list, every published key signs. The configuration counts more than a list.
    for (published, configured) in [
        (json!(null), json!(null)),
        (json!("ES256"), json!(null)),
        (json!(["HS256"]), json!(null)),
        (json!(["ES256", "Ed25519"]), json!(null)),
        (json!(["RS256"]), json!(["ES256", "EdDSA"])),
    ] {
        let mut world = world(published, configured);
        discovered(&mut world);
        signs_in(&mut world);
        world.issuer("acme", use_other);
        signs_in(&mut world);
    }
}

/// Entra ID publishes RSA keys without `alg`. They verify what the metadata, or the configuration,
/// name.
pub fn rsa_keys_without_an_algorithm<H: Harness>() {
    for (published, configured, signed, is_good) in [
        (json!(["RS256"]), json!(null), "RS256", true),
        (json!(["RS256"]), json!(null), "PS256", false),
        (json!(["PS256"]), json!(null), "PS256", true),
        (json!(["PS256"]), json!(null), "RS256", false),
        (json!(["ES256", "RS256", "PS384"]), json!(null), "PS384", true),
        (json!(null), json!(null), "RS256", true),
        (json!(["ES256"]), json!(["PS512"]), "PS512", true),
        (json!(["RS256"]), json!(["PS512"]), "RS256", false),
    ] {
        let mut world = World::<H>::with_issuer(
            |issuer| {
                issuer.rotate(Signer::rsa(signed), "one");
                issuer.metadata["id_token_signing_alg_values_supported"] = published.clone();
            },
            |configuration| {
                discover(&mut configuration["tenants"][0], |_| {});
                if !configured.is_null() {
                    configuration["tenants"][0]["id_token_signed_response_alg"] = configured.clone();
                }
            },
        );
        discovered(&mut world);
        if is_good {
            signs_in(&mut world);
            let token = access_token(&world);
            send(&mut world, &token).forwarded();
        } else {
            is_refused(&mut world, "the key with the `kid` of the token is for another algorithm");
        }
    }
    // A configured key without `alg`, too.
    let mut world = World::<H>::with_issuer(
        |issuer| issuer.signer = Signer::rsa("PS256"),
        |configuration| {
            let tenant = &mut configuration["tenants"][0];
            tenant["keys"] = json!([{ "jwk": Signer::rsa("PS256").jwk() }]);
            tenant["id_token_signed_response_alg"] = json!(["PS256"]);
        },
    );
    signs_in(&mut world);
    world.issuer("acme", |issuer| issuer.signer = Signer::rs256());
    is_refused(&mut world, "no key of the tenant with the algorithm and `kid` of the token verifies it");
}

/// Sets that name their keys badly. A key that is found by its name is the only one that counts,
/// and without names the first two do.
pub fn keys_without_names_and_with_the_same<H: Harness>() {
    let world = |published: Vec<Value>| {
        let mut world = World::<H>::with_issuer(
            |issuer| issuer.published = published,
            |configuration| discover(&mut configuration["tenants"][0], |_| {}),
        );
        discovered(&mut world);
        world
    };
    let named = |signer: &Signer, kid: &str| {
        let mut key = signer.jwk();
        key["kid"] = json!(kid);
        key
    };
    let (one, two) = (Signer::es256(), Signer::other_es256());
    // No names at all, in the set and in the tokens or in the set alone.
    for kid in [None, Some("of the token")] {
        let mut world = world(vec![one.jwk(), Signer::eddsa().jwk(), two.jwk()]);
        for signer in [&one, &two, &Signer::eddsa()] {
            world.issuer("acme", |issuer| (issuer.signer, issuer.kid) = (signer.clone(), kid));
            signs_in(&mut world);
        }
    }
    // Eight other keys come first. A token that names its key is found, and one that does not is
    // not tried with all of them.
    let mut many: Vec<Value> = (0..8).map(|number| named(&Signer::rs256(), &number.to_string())).collect();
    for (number, key) in many.iter_mut().enumerate() {
        let n = key["n"].as_str().unwrap().to_owned();
        key["n"] = json!(format!("{}{number}{}", &n[..10], &n[11..]));
    }
    many.push(named(&Signer::rs256(), "ninth"));
    let mut last = world(many);
    last.issuer("acme", |issuer| (issuer.signer, issuer.kid) = (Signer::rs256(), Some("ninth")));
    signs_in(&mut last);
    let token = access_token(&last);
    send(&mut last, &token).forwarded();
    last.issuer("acme", |issuer| issuer.kid = None);
    is_refused(&mut last, "no key of the tenant with the algorithm and `kid` of the token verifies it");
    // Of two keys with one name and one algorithm the first one counts, and of two algorithms both.
    let mut twice = world(vec![named(&one, "a"), named(&two, "a"), named(&Signer::eddsa(), "a")]);
    for signer in [&one, &Signer::eddsa()] {
        twice.issuer("acme", |issuer| (issuer.signer, issuer.kid) = (signer.clone(), Some("a")));
        signs_in(&mut twice);
    }
    twice.issuer("acme", |issuer| issuer.signer = two.clone());
    is_refused(&mut twice, "the signature does not verify");
    // A token by another published key than the one that it names.
    let mut other = world(vec![named(&one, "a"), named(&two, "b")]);
    other.issuer("acme", |issuer| (issuer.signer, issuer.kid) = (two.clone(), Some("a")));
    is_refused(&mut other, "the signature does not verify");
    other.issuer("acme", |issuer| issuer.kid = Some("b"));
    signs_in(&mut other);
}
