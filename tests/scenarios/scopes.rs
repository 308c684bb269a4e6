//! The scopes of the authorization request: configured ones, or those that fit the issuer.

use serde_json::{Value, json};
use url::Url;

use super::keys::{discover, discovered};
use crate::support::harness::{Harness, values};
use crate::support::issuer::Answer;
use crate::support::signer::Signer;
use crate::support::world::{World, ada};

const PAGE: &str = "https://acme.example/page";

/// The scope of the authorization request of a login, which then ends with a session.
fn asked<H: Harness>(world: &mut World<H>) -> String {
    let address = Url::parse(&world.begin(&mut world.browser(), PAGE)).unwrap();
    let scope = address.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
    let mut browser = world.browser();
    let (_, seen) = world.sign_in(&mut browser, "acme", PAGE, &ada());
    assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
    scope
}

/// With discovery, `groups` and `offline_access` are asked for if the issuer lists them. If it
/// lists no scopes, it is asked for those of OpenID Connect Core.
pub fn default_scopes_fit_the_issuer<H: Harness>() {
    let dex = json!(["openid", "email", "groups", "profile", "offline_access"]);
    let keycloak = json!(["openid", "acr", "address", "phone", "profile", "roles", "offline_access", "email", "basic"]);
    for (listed, plain, with_refresh) in [
        (Some(dex), "openid profile email groups", "openid profile email groups offline_access"),
        (Some(keycloak), "openid profile email", "openid profile email offline_access"),
        (Some(json!(["openid", "email", "profile"])), "openid profile email", "openid profile email"),
        (None, "openid profile email", "openid profile email offline_access"),
        (Some(json!(null)), "openid profile email", "openid profile email offline_access"),
        (Some(json!([])), "openid profile email", "openid profile email offline_access"),
        (Some(json!("openid groups")), "openid profile email", "openid profile email offline_access"),
        (Some(json!([1, "groups"])), "openid profile email groups", "openid profile email groups"),
    ] {
        for (refresh, expected) in [(None, plain), (Some(json!({})), with_refresh)] {
            let mut world = World::<H>::with_issuer(
                |issuer| {
                    issuer.rotate(Signer::es256(), "one");
                    if let Some(listed) = listed.clone() {
                        issuer.metadata["scopes_supported"] = listed;
                    }
                },
                |configuration| {
                    discover(&mut configuration["tenants"][0], |_| {});
                    if let Some(refresh) = refresh {
                        configuration["tenants"][0]["refresh"] = refresh;
                    }
                },
            );
            discovered(&mut world);
            assert_eq!(asked(&mut world), expected, "{listed:?}");
        }
    }
}

/// Configured scopes are asked for as they are. Without discovery nothing is known of the issuer.
pub fn configured_scopes_win<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| {
            issuer.rotate(Signer::es256(), "one");
            issuer.metadata["scopes_supported"] = json!(["openid", "groups", "offline_access"]);
        },
        |configuration| {
            discover(&mut configuration["tenants"][0], |_| {});
            configuration["tenants"][0]["refresh"] = json!({});
            configuration["tenants"][0]["login"]["scopes"] = json!(["custom", "openid"]);
        },
    );
    discovered(&mut world);
    assert_eq!(asked(&mut world), "custom openid");
    let mut world = World::<H>::with(|configuration| configuration["tenants"][0]["refresh"] = json!({}));
    assert_eq!(asked(&mut world), "openid profile email groups");
}

/// The default scopes depend on the metadata. A login without them would give a session without
/// groups, so it does not begin.
pub fn default_scopes_wait_for_the_metadata<H: Harness>() {
    for (scopes, status) in [(None, 503), (Some(json!(["openid"])), 302)] {
        let mut world = World::<H>::with_issuer(
            |issuer| issuer.document_answer = Answer::Raw(500, Vec::new()),
            |configuration| {
                let tenant: &mut Value = &mut configuration["tenants"][0];
                tenant["provider"]["discovery"] = json!(true);
                if let Some(scopes) = scopes {
                    tenant["login"]["scopes"] = scopes;
                }
            },
        );
        let reply = world.open(&mut world.browser(), PAGE).reply();
        assert_eq!((reply.status, reply.all("set-cookie").count()), (status, usize::from(status == 302)));
        assert_eq!(world.harness.log().contains("metadata_unavailable"), status == 503);
    }
}
