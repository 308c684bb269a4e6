//! The tenant of a request, and the separation of tenants.

use serde_json::{Value, json};

use crate::support::harness::{Harness, values};
use crate::support::issuer::Refresh;
use crate::support::world::{NAVIGATION, World, ada};

pub fn spellings_of_a_host<H: Harness>() {
    let mut world = World::<H>::new();
    let browser = world.signed_in();
    let cookie = browser.cookie_line("acme.example").unwrap();
    for authority in ["acme.example", "ACME.Example", "acme.example:443", "acme.example.", "acme.example.:8443"] {
        let lines = [(":authority", authority), ("cookie", &cookie)];
        let seen = world.send(&mut world.browser(), "https://acme.example/", &lines).forwarded();
        assert_eq!(values(&seen, "x-auth-request-tenant"), ["acme"], "{authority}");
    }
    // No other header about hosts matters.
    for name in ["x-forwarded-host", "forwarded", "x-original-host", "x-host"] {
        let lines = [(name, "globex.example"), ("cookie", &cookie), NAVIGATION[0]];
        let seen = world.send(&mut world.browser(), "https://acme.example/", &lines).forwarded();
        assert_eq!(values(&seen, "x-auth-request-tenant"), ["acme"], "{name}");
    }
}

/// Browsers keep the cookies of `acme.example.` and of `acme.example` apart, so a login that began
/// at the one could not end at the other.
pub fn a_browser_leaves_the_host_with_a_final_dot<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["access"] = json!([{ "paths": ["/public"], "allow": "public" }]);
        configuration["tenants"][0]["access_default"] = json!("any_user");
    });
    let mut browser = world.browser();
    for (from, to) in [
        ("https://acme.example./page?x=1&y=//z", "https://acme.example/page?x=1&y=//z"),
        ("https://ACME.Example.:8443/public", "https://acme.example/public"),
        ("https://acme.example./oauth2/logout", "https://acme.example/oauth2/logout"),
        ("https://acme.example.//evil.example/", "https://acme.example//evil.example/"),
    ] {
        let reply = world.open(&mut browser, from).reply();
        assert_eq!((reply.status, reply.header("location")), (302, Some(to)), "{from}");
        assert_eq!(reply.all("set-cookie").count(), 0, "{from}");
    }
    assert!(world.harness.log().contains("host_redirected tenant=acme"));
    let reply = world.open(&mut browser, "https://acme.example./page").reply();
    let (page, seen) = world.sign_in(&mut browser, "acme", reply.header("location").unwrap(), &ada());
    assert_eq!(
        (page.as_str(), values(&seen, "x-auth-request-user")),
        ("https://acme.example/page", vec!["ada".into()])
    );
    // Programs keep no cookies, so they are served.
    world.send(&mut world.browser(), "https://acme.example./public", &[]).forwarded();
    assert_eq!(world.send(&mut world.browser(), "https://acme.example./page", &[]).reply().status, 401);
    assert_eq!(world.open(&mut browser, "https://evil.example./").reply().status, 404);
    // Scheme and port are those of the redirect URI.
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["login"]["redirect_uri"] = json!("https://acme.example:8443/oauth2/callback");
    });
    let reply = world.open(&mut world.browser(), "https://acme.example.:8443/page").reply();
    assert_eq!(reply.header("location"), Some("https://acme.example:8443/page"));
}

pub fn unknown_hosts<H: Harness>() {
    let mut world = World::<H>::new();
    for host in [
        "initech.example",
        "example",
        "xacme.example",
        "acme.example.evil.example",
        "login.acme.example",
        "acmeXexample",
        "127.0.0.1:8080",
    ] {
        let reply =
            world.send(&mut world.browser(), "https://acme.example/", &[(":authority", host), NAVIGATION[0]]).reply();
        assert_eq!(reply.status, 404, "{host}");
        assert_eq!(reply.all("set-cookie").count(), 0);
    }
    for host in
        ["acme.example@evil.example", "acme.example:0", "acme.example:99999", "acme%2eexample", "[::1]", "acme example"]
    {
        let reply =
            world.send(&mut world.browser(), "https://acme.example/", &[(":authority", host), NAVIGATION[0]]).reply();
        assert_eq!(reply.status, 400, "{host}");
    }
}

pub fn a_broken_tenant_alone_is_down<H: Harness>() {
    let mut world = World::<H>::with(|configuration| configuration["tenants"][1]["issuer"] = json!("globex"));
    let reply = world.open(&mut world.browser(), "https://globex.example/").reply();
    assert_eq!(reply.status, 503);
    assert!(reply.header("retry-after").is_some());
    assert!(
        world.harness.log().contains("tenant \"globex\": issuer: is not an absolute URL"),
        "{}",
        world.harness.log()
    );
    world.signed_in();
}

/// With the host of globex unread, the wildcard of acme would take its requests.
pub fn a_wildcard_takes_no_host_of_a_broken_tenant<H: Harness>() {
    let shared = |configuration: &mut Value, host: &str| {
        let acme = &mut configuration["tenants"][0];
        acme["hosts"] = json!(["*.saas.example"]);
        acme["login"] =
            json!({ "redirect_uri": "https://acme.saas.example/oauth2/callback", "cookie_domain": "saas.example" });
        acme["access"] = json!([{ "allow": "public" }]);
        configuration["tenants"][1]["hosts"] = json!(["globex.example", host]);
        configuration["tenants"][1]["login"] = json!({});
    };
    let mut world = World::<H>::with(|configuration| shared(configuration, "globex.other.example:443"));
    // No wildcard takes this one, so the mistake is one of globex alone.
    assert_eq!(world.open(&mut world.browser(), "https://globex.example/").reply().status, 503);
    world.open(&mut world.browser(), "https://any.saas.example/").forwarded();
    assert!(world.harness.log().contains(r#"write "globex.other.example", without scheme, port and path"#));

    let mut configuration = world.configuration();
    shared(&mut configuration, "globex.saas.example:443");
    let log = H::refusal(&configuration, world.issuers.clone());
    let expected =
        r#"tenant \"globex\": hosts[1]: cannot be read, and \"*.saas.example\" of tenant \"acme\" would take"#;
    assert!(log.replace('\\', "").contains(&expected.replace('\\', "")), "{log}");
}

/// Both tenants have the same client id and key; only name and issuer differ.
pub fn nothing_of_one_tenant_opens_another<H: Harness>() {
    let mut world = World::<H>::new();
    for (own, other) in [("acme", "globex"), ("globex", "acme")] {
        let (own_url, other_url) = (format!("https://{own}.example/"), format!("https://{other}.example/"));
        let mut browser = world.browser();

        world.sign_in(&mut browser, own, &own_url, &ada());
        let session = browser.cookie_line(&format!("{own}.example")).unwrap();
        let reply = world.send(&mut world.browser(), &other_url, &[("cookie", &session), NAVIGATION[0]]).reply();
        assert_eq!(reply.status, 302, "a session of {own} at {other}");

        // A login: cookie, state and code.
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, own, &own_url, &ada());
        let cookie = browser.cookie_line(&format!("{own}.example")).unwrap();
        let calls = world.issuer(other, |issuer| issuer.calls);
        let moved = callback.replacen(&format!("{own}.example"), &format!("{other}.example"), 1);
        let reply = world.send(&mut world.browser(), &moved, &[("cookie", &cookie), NAVIGATION[0]]).reply();
        assert_eq!(reply.status, 400, "a login of {own} at {other}");
        assert_eq!(world.issuer(other, |issuer| issuer.calls), calls);

        // A code of one issuer, in a login of the other.
        let own_login = world.begin(&mut browser, &other_url);
        let callback = world.callback(&mut world.browser(), own, &own_url, &ada());
        let code = callback.split(['?', '&']).find_map(|part| part.strip_prefix("code=")).unwrap();
        let state = own_login.split(['?', '&']).find_map(|part| part.strip_prefix("state=")).unwrap();
        let mixed = format!("{other_url}oauth2/callback?code={code}&state={state}");
        let reply = world.open(&mut browser, &mixed).reply();
        assert_eq!(reply.status, 400, "a code of {own} at {other}");
        assert!(!browser.has_session());
    }

    // An ID token of one issuer, from the token endpoint of the other.
    world.issuer("globex", |issuer| issuer.forge = |_, claims| claims["iss"] = json!("https://login.acme.example"));
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "globex", "https://globex.example/", &ada());
    assert_eq!(world.open(&mut browser, &callback).reply().status, 403);
    assert!(!browser.has_session());
}

pub fn wildcard_hosts_share_a_login<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        let acme = &mut configuration["tenants"][0];
        acme["hosts"] = json!(["acme.example", "*.acme.example"]);
        acme["login"] =
            json!({ "redirect_uri": "https://acme.example/oauth2/callback", "cookie_domain": "acme.example" });
    });
    let mut browser = world.browser();
    let (page, _) = world.sign_in(&mut browser, "acme", "https://wiki.eu.acme.example/start?x=1", &ada());
    assert_eq!(page, "https://wiki.eu.acme.example/start?x=1");
    let session = &browser.cookies[0];
    assert_eq!((session.name.as_str(), session.domain.as_str()), ("__Secure-tenantgate-acme~session", "acme.example"));
    let seen = world.open(&mut browser, "https://mail.acme.example/").forwarded();
    assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
    assert_eq!(values(&seen, "cookie"), <[String; 0]>::default());
    let reply = world.open(&mut world.browser(), "https://xacme.example/").reply();
    assert_eq!(reply.status, 404);
}

/// Two tenants that differ only in name and host: issuer, client, key and cluster are the same.
pub fn similar_tenants_do_not_mix<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        let tenants = configuration["tenants"].as_array_mut().unwrap();
        tenants[0]["bearer"] = json!({ "audiences": ["acme"] });
        tenants[0]["refresh"] = json!({});
        tenants[0]["login"]["keep_id_token"] = json!(true);
        let mut twin = tenants[0].clone();
        (twin["name"], twin["hosts"]) = (json!("globex"), json!(["globex.example"]));
        twin["bearer"] = json!({ "audiences": ["globex"] });
        tenants[1] = twin;
    });
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let many: Vec<String> = (0..300).map(|number| format!("a group with a long name, number {number}")).collect();
    let people = [ada(), json!({ "sub": "ada", "groups": many })];
    for (own, other) in [("acme", "globex"), ("globex", "acme")] {
        let host = format!("{own}.example");
        let (own_url, other_url) = (format!("https://{own}.example/"), format!("https://{other}.example/"));
        for person in &people {
            // A session, in one cookie or in several, with tokens.
            let mut browser = world.browser();
            world.sign_in(&mut browser, "acme", &own_url, person);
            let session = browser.cookie_line(&host).unwrap();
            let calls = world.issuer("acme", |issuer| issuer.calls);
            let reply = world.send(&mut world.browser(), &other_url, &[("cookie", &session)]).reply();
            assert_eq!(reply.status, 401);
            // The other tenant does not end it, either.
            let logout = format!("{other_url}oauth2/logout");
            world.send(&mut world.browser(), &logout, &[("cookie", &session)]).reply();
            world.open(&mut browser, &own_url).forwarded();
            assert_eq!(world.issuer("acme", |issuer| issuer.calls), calls);
        }

        // A login: cookie, state and code.
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", &own_url, &ada());
        let cookie = browser.cookie_line(&host).unwrap();
        let calls = world.issuer("acme", |issuer| issuer.calls);
        let moved = callback.replacen(&host, &format!("{other}.example"), 1);
        let reply = world.send(&mut world.browser(), &moved, &[("cookie", &cookie), NAVIGATION[0]]).reply();
        assert_eq!(reply.status, 400);
        assert_eq!(world.issuer("acme", |issuer| issuer.calls), calls);

        // A bearer token, verified and from the cache.
        let now = world.clock.now();
        let token = world.issuer("acme", |issuer| {
            let claims = json!({ "iss": issuer.url, "aud": own, "sub": "robot", "iat": now, "exp": now + 300 });
            let token = issuer.signer.jws(&issuer.header("at+jwt"), &claims);
            issuer.secrets.push(token.clone());
            token
        });
        let lines = [("authorization", &*format!("Bearer {token}"))];
        assert_eq!(world.send(&mut world.browser(), &other_url, &lines).reply().status, 401);
        world.send(&mut world.browser(), &own_url, &lines).forwarded();
        assert_eq!(world.send(&mut world.browser(), &other_url, &lines).reply().status, 401);
    }
}

/// Two gateways can have tenants under one domain, and a browser visits both. A sign-in at one does
/// not replace the session at the other, because the names of the cookies have the tenant in them.
pub fn two_gateways_share_a_domain<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["login"] = json!({ "cookie_domain": "acme.example" });
    });
    let mut production = world.configuration();
    production["tenants"][0]["login"] = json!({ "cookie_domain": "acme.example" });
    let mut staging = world.configuration();
    staging["tenants"].as_array_mut().unwrap().remove(0);
    staging["tenants"][0]["hosts"] = json!(["staging.acme.example"]);
    staging["tenants"][0]["login"] = json!({ "cookie_domain": "acme.example" });

    let mut browser = world.signed_in();
    world.harness.reconfigure(&staging);
    world.sign_in(&mut browser, "globex", "https://staging.acme.example/", &json!({ "sub": "bob" }));
    world.harness.reconfigure(&production);
    let seen = world.open(&mut browser, "https://acme.example/").forwarded();
    assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
    // A sign-out deletes the cookies of its own tenant only.
    assert_eq!(world.open(&mut browser, "https://acme.example/oauth2/logout").reply().status, 302);
    world.harness.reconfigure(&staging);
    let seen = world.open(&mut browser, "https://staging.acme.example/").forwarded();
    assert_eq!(values(&seen, "x-auth-request-user"), ["bob"]);
}

/// A tenant whose cookies would be sent to the hosts of another tenant is not served. The other one
/// is.
pub fn cookies_do_not_reach_hosts_of_another_tenant<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["hosts"] = json!(["acme.site.example"]);
        configuration["tenants"][0]["login"] = json!({ "cookie_domain": "site.example" });
        configuration["tenants"][1]["hosts"] = json!(["globex.site.example"]);
        configuration["tenants"][1]["login"] = json!({ "cookie_domain": "globex.site.example" });
    });
    let reply = world.open(&mut world.browser(), "https://acme.site.example/").reply();
    assert_eq!((reply.status, reply.all("set-cookie").count()), (503, 0));
    assert!(world.harness.log().contains("\"site.example\" covers \"globex.site.example\" of tenant \"globex\""));
    world.sign_in(&mut world.browser(), "globex", "https://globex.site.example/", &json!({ "sub": "bob" }));
}

/// A login ends if its host leaves the tenant.
pub fn a_login_ends_when_its_host_moves<H: Harness>() {
    let shared = |tenant: &mut Value| {
        tenant["hosts"] = json!(["acme.example", "*.acme.example"]);
        tenant["login"] =
            json!({ "redirect_uri": "https://acme.example/oauth2/callback", "cookie_domain": "acme.example" });
    };
    let mut world = World::<H>::with(|configuration| shared(&mut configuration["tenants"][0]));
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", "https://wiki.acme.example/", &ada());
    let mut configuration = world.configuration();
    shared(&mut configuration["tenants"][0]);
    configuration["tenants"][0]["hosts"] = json!(["acme.example", "mail.acme.example"]);
    world.harness.reconfigure(&configuration);
    assert_eq!(world.open(&mut browser, &callback).reply().status, 400);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 0);
}
