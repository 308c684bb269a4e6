//! Roles, access rules, and hostile request paths.

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::harness::{Harness, Lines, Outcome, values};
use crate::support::world::{World, ada};

/// A world whose tenant acme has the members of `section`, too.
fn world<H: Harness>(section: &Value) -> World<H> {
    World::with(|configuration| merge(&mut configuration["tenants"][0], section))
}

fn merge(tenant: &mut Value, section: &Value) {
    tenant.as_object_mut().unwrap().extend(section.as_object().unwrap().clone());
}

/// Public pages, pages for a role, pages that are denied, and the rest for engineers.
fn rules() -> Value {
    json!({
        "roles": [{ "name": "admin", "groups": ["admins"], "users": ["root"] }, { "name": "owner", "emails": ["eve@acme.example"] }],
        "access": [
            { "paths": ["/healthz", "/static/*", "/users/*/avatar"], "allow": "public" },
            { "paths": ["/admin/*"], "methods": ["GET", "POST"], "allow": { "roles": ["admin", "owner"] } },
            { "paths": ["/admin/*", "/secret"], "deny": true },
            { "paths": ["/open/*"], "allow": "any_user" },
            { "allow": { "groups": ["engineers"] } },
        ],
    })
}

fn bob() -> Value {
    json!({ "sub": "bob", "email": "bob@acme.example", "groups": ["engineers"] })
}

/// A browser in which `person` signed in, at a page for any user.
fn browser_of<H: Harness>(world: &mut World<H>, person: &Value) -> Browser {
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", "https://acme.example/open/", person);
    browser
}

fn status<H: Harness>(world: &mut World<H>, browser: &mut Browser, path: &str) -> u16 {
    match world.open(browser, &format!("https://acme.example{path}")) {
        Outcome::Forwarded(..) => 200,
        Outcome::Replied(reply) => reply.status,
    }
}

/// Asserts that no header in `seen` identifies anybody.
#[track_caller]
fn anonymous(seen: &Lines) {
    for (name, value) in seen {
        let folded: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        assert!(!folded.starts_with("x-auth-request-") && folded != "authorization", "{name}");
        assert!(!value.windows(4).any(|window| window == b"evil"), "{name}");
    }
}

/// A tenant with a pattern that is too long is down, one with the longest pattern is not, and each
/// can be replaced.
pub fn path_patterns_of_any_length<H: Harness>() {
    let paths = |segments: usize| json!([{ "paths": [format!("{}/*", "/a".repeat(segments)), "/x/*/y"], "allow": "public" }, { "deny": true }]);
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["access"] = paths(8_000);
        configuration["tenants"][1]["access"] = paths(64);
    });
    assert_eq!(world.open(&mut world.browser(), "https://acme.example/").reply().status, 503);
    assert!(world.harness.log().contains("it has more than 64 segments or 2048 bytes"));
    let long = format!("https://globex.example{}/b/c", "/a".repeat(64));
    world.open(&mut world.browser(), &long).forwarded();
    let shorter = format!("https://globex.example{}/b", "/a".repeat(63));
    assert_eq!(world.open(&mut world.browser(), &shorter).reply().status, 403);
    let configuration = world.configuration();
    world.harness.reconfigure(&configuration);
    assert_eq!(world.open(&mut world.browser(), "https://acme.example/").reply().status, 302);
}

pub fn the_first_matching_rule_decides<H: Harness>() {
    let mut world = world::<H>(&rules());
    let mut nobody = world.browser();
    let mut ada = browser_of(&mut world, &ada());
    let mut bob = browser_of(&mut world, &bob());
    let mut carl = browser_of(&mut world, &json!({ "sub": "carl" }));
    let mut root = browser_of(&mut world, &json!({ "sub": "root" }));
    for (path, expected) in [
        ("/healthz", [200, 200, 200, 200, 200]),
        ("/healthz/", [400; 5]),
        ("/healthz/x", [302, 200, 200, 403, 403]),
        ("/static/a/b.js?x=/admin", [200, 200, 200, 200, 200]),
        ("/users/7/avatar", [200, 200, 200, 200, 200]),
        ("/users/7/8/avatar", [302, 200, 200, 403, 403]),
        ("/staticx", [302, 200, 200, 403, 403]),
        ("/admin", [302, 200, 403, 403, 200]),
        ("/admin/", [302, 200, 403, 403, 200]),
        ("/admin/users?x=1", [302, 200, 403, 403, 200]),
        ("/%61dmin/users", [302, 200, 403, 403, 200]),
        ("/administrator", [302, 200, 200, 403, 403]),
        ("/secret", [403, 403, 403, 403, 403]),
        ("/open/x", [302, 200, 200, 200, 200]),
        ("/", [302, 200, 200, 403, 403]),
    ] {
        let browsers = [&mut nobody, &mut ada, &mut bob, &mut carl, &mut root];
        assert_eq!(browsers.map(|browser| status(&mut world, browser, path)), expected, "{path}");
    }
    let reply = world.open(&mut bob, "https://acme.example/admin/").reply();
    assert!(reply.body.contains("Your account may not open this page"), "{}", reply.body);
    assert!(reply.body.contains("action=\"/oauth2/logout?target_link_uri="), "{}", reply.body);
    let reply = world.send(&mut bob, "https://acme.example/admin/", &[]).reply();
    assert!(reply.body.contains("\"error\":\"access_denied\""), "{}", reply.body);
    let reply = world.send(&mut world.browser(), "https://acme.example/admin/", &[]).reply();
    assert_eq!(reply.status, 401);
}

pub fn the_default_decides_without_a_matching_rule<H: Harness>() {
    let rule = json!({ "paths": ["/open/*"], "allow": "any_user" });
    let mut world = world::<H>(&json!({ "access": [rule] }));
    let mut ada = browser_of(&mut world, &ada());
    assert_eq!(status(&mut world, &mut ada, "/"), 403);
    let mut nobody = world.browser();
    assert_eq!(status(&mut world, &mut nobody, "/"), 403);
    // No rule changes the filter's own paths.
    assert_eq!(status(&mut world, &mut nobody, "/oauth2/callback"), 400);
    assert_eq!(status(&mut world, &mut nobody, "/oauth2/logout"), 302);

    let mut configuration = world.configuration();
    merge(&mut configuration["tenants"][0], &json!({ "access": [rule], "access_default": "any_user" }));
    world.harness.reconfigure(&configuration);
    assert_eq!(status(&mut world, &mut ada, "/"), 200);
    assert_eq!(status(&mut world, &mut nobody, "/"), 302);

    // A tenant without rules lets its users in, unless it says otherwise.
    for (section, expected) in [(json!({}), [200, 302]), (json!({ "access_default": "deny" }), [403, 403])] {
        let mut configuration = world.configuration();
        merge(&mut configuration["tenants"][0], &section);
        world.harness.reconfigure(&configuration);
        assert_eq!([&mut ada, &mut nobody].map(|browser| status(&mut world, browser, "/")), expected, "{section}");
    }
}

/// A public page gets the identity of a session, and never an identity header of the client.
pub fn public_pages_know_who_is_signed_in<H: Harness>() {
    let mut section = rules();
    merge(&mut section, &json!({ "bearer": { "audiences": ["api"] }, "cors_preflight": true }));
    let mut world = world::<H>(&section);
    let mut ada = browser_of(&mut world, &ada());
    let session = ada.cookie_line("acme.example").unwrap();
    let page = "https://acme.example/static/logo.png";
    let spoofed = [
        ("x-auth-request-user", "evil"),
        ("X-Auth-Request-User", "evil"),
        ("x_auth_request_email", "evil"),
        ("x-auth-request-groups", "evil"),
        ("x.auth.request.tenant", "evil"),
        ("x-auth-request-tenant", "evil"),
        ("connection", "x-auth-request-user"),
    ];
    for more in [
        &[][..],
        &[("authorization", "Basic evil")],
        &[("authorization", "Bearer evil")],
        &[("authorization", "Bearer evil"), ("authorization", "Bearer evil")],
        &[("cookie", "__Host-tenantgate-session=evil")],
        &[("cookie", session.as_str()), ("authorization", "Bearer evil")],
        &[(":method", "POST")],
    ] {
        let seen = world.send(&mut world.browser(), page, &[&spoofed[..], more].concat()).forwarded();
        anonymous(&seen);
        assert_eq!(values(&seen, "cookie"), <[String; 0]>::default());
    }
    let seen = world.send(&mut ada, page, &spoofed).forwarded();
    assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
    assert_eq!(values(&seen, "x-auth-request-groups"), ["engineers,admins"]);
    assert_eq!(values(&seen, "x-auth-request-tenant"), ["acme"]);

    // Preflight requests, and the paths that the filter answers itself.
    let preflight =
        [(":method", "OPTIONS"), ("origin", "https://app.example"), ("access-control-request-method", "PUT")];
    let seen =
        world.send(&mut world.browser(), "https://acme.example/", &[&spoofed[..], &preflight].concat()).forwarded();
    anonymous(&seen);
    for path in ["/oauth2/callback", "/oauth2/logout", "/admin/"] {
        world.send(&mut world.browser(), &format!("https://acme.example{path}"), &spoofed).reply();
    }
}

/// No spelling of a path gets past a rule. A path that servers read in different ways gets 400.
pub fn hostile_paths_reach_nothing<H: Harness>() {
    let mut section = rules();
    section["access"][0]["paths"] = json!(["/public/*", "/x/public", "/a/*/public"]);
    let mut world = world::<H>(&section);
    let mut bob = browser_of(&mut world, &bob());
    for path in HOSTILE_PATHS {
        let url = format!("https://acme.example{path}");
        let reply = world.send(&mut world.browser(), &url, &[]).reply();
        assert!(matches!(reply.status, 301..=308 | 400 | 401 | 403), "{path}: {}", reply.status);
        let reply = world.send(&mut bob, &url, &[]).reply();
        assert!(matches!(reply.status, 301..=308 | 400 | 403), "{path}: {}", reply.status);
    }
    // An encoded delimiter delimits nothing: this path is neither `/admin` nor public. A server
    // that decodes first could read the others so.
    for path in ["/admin%3F/public/", "/admin%23/public/", "/public%3F/x", "/public%23"] {
        let url = format!("https://acme.example{path}");
        assert_eq!(world.send(&mut bob, &url, &[]).reply().status, 400, "{path}");
    }
    let url = "https://acme.example/%3F/public/";
    assert_eq!(world.send(&mut world.browser(), url, &[]).reply().status, 401);
    world.send(&mut bob, url, &[]).forwarded();
    for path in ["/public/", "/public/a%20b?/../../admin", "/x/public?%2f", "/a/b/public", "/%70ublic/x"] {
        let seen = world.send(&mut world.browser(), &format!("https://acme.example{path}"), &[]).forwarded();
        assert_eq!(values(&seen, ":path"), [path]);
    }
}

/// Paths that some server reads as `/admin`, or that two servers read differently.
const HOSTILE_PATHS: [&str; 47] = [
    "/admin?/public",
    "/admin?x=/public/",
    "/admin/?/public/../public",
    "/%61dmin/x?/public/",
    "/admin;/public",
    "/admin;x=/public",
    "/admin%3b/public",
    "/public/../admin",
    "/public/./../admin/",
    "/public/%2e%2e/admin",
    "/public/%2E%2E/admin",
    "/public/.%2e/admin",
    "/public/%2e./admin",
    "/public/..",
    "/public/.",
    "/public/..%2fadmin",
    "/public/..%2Fadmin",
    "/public%2f..%2fadmin",
    "/public/%2e%2e%2fadmin",
    "/public/..\\admin",
    "/public\\..\\admin",
    "/public/..%5cadmin",
    "/public/%5c..%5cadmin",
    "/public/..;/admin",
    "/public/..;x/admin",
    "/public;/../admin",
    "/public/%00/../admin",
    "/public/%00",
    "/public%00/",
    "/public/%",
    "/public/%zz",
    "/public/%2",
    "/public/%u002e%u002e/admin",
    "/public/%ff",
    "/public/%c0%ae%c0%ae/admin",
    "/public/%252e%252e/admin",
    "/public/%252e%252e%252fadmin",
    "/public/%25%32%65",
    "/public//../admin",
    "/public/..//admin",
    "/public/%0d%0a",
    "/public/%09",
    "/public/..%3F",
    "/public/..%23/x",
    "/public/%2e%2e%3fx/y",
    "/public/.%3F",
    "/public/..%20%3Fx",
];

/// Rules for administrators, and a catch-all behind them.
fn restricted(paths: &Value, matching: &Value) -> Value {
    json!({
        "path_matching": matching,
        "access": [{ "paths": ["/open/*"], "allow": "any_user" }, { "paths": paths, "allow": { "groups": ["admins"] } }, { "allow": "any_user" }],
    })
}

/// A server may read another spelling of `/admin` as `/admin`: Express and ASP.NET ignore case,
/// Windows drops dots and spaces at the end, Rails takes a suffix for the format, PHP takes what
/// follows a script for `PATH_INFO`. By default such a path gets 400.
pub fn other_spellings_reach_nothing<H: Harness>() {
    let mut world = world::<H>(&restricted(&json!(["/admin/*"]), &json!("strict")));
    let mut bob = browser_of(&mut world, &bob());
    let mut ada = browser_of(&mut world, &ada());
    for path in [
        "/Admin",
        "/ADMIN/x",
        "/%41dmin",
        "/admin.",
        "/admin./x",
        "/admin%2e",
        "/admin%20",
        "/admin%20/x",
        "/admin%3F",
        "/admin%3Fx=1",
        "/admin%23",
        "/admin%25",
        "/admin.json",
        "/admin.JSON/x",
        "/Admin.json",
        "/admin.php/x",
        "/admin:x",
        "/admin::$DATA",
        "/admin%C2%A0",
        "/admin%E2%80%8B",
        "/%20admin",
        "/adm%C4%B1n",
        "/%20/admin",
        "/index.php/admin",
        "/x/Index.PHP/admin/y",
    ] {
        let url = format!("https://acme.example{path}");
        for browser in [&mut bob, &mut ada] {
            let reply = world.send(browser, &url, &[]).reply();
            assert_eq!(reply.status, 400, "{path}");
            assert!(reply.body.contains("\"error\":\"path_ambiguous\""), "{path}: {}", reply.body);
        }
        assert_eq!(world.send(&mut world.browser(), &url, &[]).reply().status, 400, "{path}");
    }
    for path in ["/admin", "/admin/", "/admin/Users.json", "/%61dmin"] {
        let url = format!("https://acme.example{path}");
        assert_eq!(world.send(&mut bob, &url, &[]).reply().status, 403, "{path}");
        world.send(&mut ada, &url, &[]).forwarded();
    }
    for path in [
        "/administrator",
        "/admin-x",
        "/admin_",
        "/xadmin",
        "/",
        "/x/Admin",
        "/x.json",
        "/open/Admin",
        "/open/admin.json",
    ] {
        let seen = world.send(&mut bob, &format!("https://acme.example{path}"), &[]).forwarded();
        assert_eq!(values(&seen, ":path"), [path]);
    }
    world.eventually(|world| world.harness.log().contains("`:path` has a spelling like a path of access[1]"));
}

/// A `*` spells nothing out: a rule behind, for what only begins like a path of an earlier rule,
/// names none of its other spellings.
pub fn a_beginning_names_no_other_spelling<H: Harness>() {
    let mut world = world::<H>(&json!({ "access": [
        { "paths": ["/open/*"], "allow": "any_user" },
        { "paths": ["/admin/*", "/api/v1/users/*", "/page.aspx", "/report"], "allow": { "groups": ["admins"] } },
        { "paths": ["/a*", "/api/v*", "/page*", "/report/*/*"], "allow": "any_user" },
        { "paths": ["/b/", "/c/x", "/D/x", "/staff*"], "allow": { "groups": ["admins"] } },
        { "paths": ["/b", "/c/*", "/c/X", "/*/x", "/Staff/open"], "allow": "any_user" },
        { "paths": ["/d/*", "/STAFF/*", "/staf*"], "allow": "any_user" },
    ] }));
    let mut bob = browser_of(&mut world, &bob());
    for (path, status) in [
        ("/admin", 403),
        ("/aDMIN", 400),
        ("/admin.json", 400),
        ("/admin%20/x", 400),
        ("/admin%3Fx", 400),
        ("/apple.json", 200),
        ("/administrator", 200),
        ("/api/v1/users", 403),
        ("/api/v1%20/users/7", 400),
        ("/api/V1/users/7", 400),
        ("/api/v1./users/7", 400),
        ("/api/v1.0/orders", 200),
        ("/report/", 400),
        ("/report/x", 200),
        ("/stafF", 400),
        // These are spelled out, as far as the path of the earlier rule goes.
        ("/page", 200),
        ("/b", 200),
        ("/c/X", 200),
        ("/Staff/open", 200),
        ("/STAFF/y", 200),
        // Here only a pattern of a later rule spells out the first segment.
        ("/d/x", 400),
        ("/d/y", 200),
    ] {
        assert_eq!(self::status(&mut world, &mut bob, path), status, "{path}");
    }
}

/// A server may run a script and take what follows it for the path of a page, seen from the
/// directory of the script or from the root. A rule for the script alone does not name that page.
pub fn a_script_hides_no_path<H: Harness>() {
    let mut world = world::<H>(&json!({ "access": [
        { "paths": ["/open/*"], "allow": "any_user" },
        { "paths": ["/"], "allow": "public" },
        { "paths": ["/admin/*", "/blog/admin/*", "/a/*/secret", "/staff*", "/run.php"], "allow": { "groups": ["admins"] } },
        { "paths": ["/index.php/admin/help", "/run.php/y.php/*"], "allow": "any_user" },
        { "paths": ["/index.php/*", "/blog/*"], "allow": "any_user" },
        { "paths": ["/*/favicon.ico", "/x.php/favicon.ico", "/pub.php"], "allow": "public" },
        { "allow": { "groups": ["engineers"] } },
    ] }));
    let mut bob = browser_of(&mut world, &bob());
    for (path, status) in [
        ("/index.php/admin", 400),
        ("/index.php/Admin/x", 400),
        ("/index.php/admin/help", 200),
        ("/index.php/x", 200),
        ("/index.php/staff", 400),
        ("/run.php/x.php/z", 400),
        ("/run.php/y.php/z", 200),
        ("/blog/index.php/admin", 400),
        ("/blog/Index.PHP/Admin/x", 400),
        ("/blog/x/index.php/admin", 400),
        ("/blog/index.php/x", 200),
        ("/a/b/index.php/secret", 400),
        ("/a/index.php/b/secret", 400),
        ("/index.cfm/admin", 400),
        ("/index.phtml/admin", 400),
        ("/index.php7/admin", 400),
        ("/service.svc/admin", 400),
        ("/index.jsp/admin", 400),
        // A script alone is no other page.
        ("/login.php", 200),
        ("/login.php/", 400),
        // The rule about the script decides otherwise than the one about what follows it.
        ("/img/favicon.ico", 200),
        ("/tool.php/favicon.ico", 400),
        ("/x.php/favicon.ico", 200),
        ("/pub.php/favicon.ico", 200),
        ("/blog/tool.php/favicon.ico", 200),
    ] {
        assert_eq!(self::status(&mut world, &mut bob, path), status, "{path}");
    }
    world.eventually(|world| world.harness.log().contains("`:path` has a part for which another rule decides"));
}

/// A server that decodes a path before it looks for the query takes `/a%3F/b` for `/a`.
pub fn an_encoded_delimiter_hides_no_path<H: Harness>() {
    let mut world = world::<H>(&json!({ "access": [
        { "paths": ["/open/*"], "allow": "any_user" },
        { "paths": ["/users/*/avatar"], "allow": "public" },
        { "paths": ["/users/*", "/report", "/q/"], "allow": { "groups": ["admins"] } },
        { "allow": "any_user" },
    ] }));
    let mut bob = browser_of(&mut world, &bob());
    for (path, status) in [
        ("/users/7/avatar", 200),
        ("/users/7%3F/avatar", 400),
        ("/users/7%23x/avatar", 400),
        ("/users/%3F/avatar", 400),
        ("/report%3Fx/y", 400),
        ("/report%23/y", 400),
        ("/Report%3Fx/y", 400),
        ("/q%3F/y", 400),
        ("/tags/c%23/posts", 200),
        ("/wiki/who%3F", 200),
        ("/%3F/x", 200),
    ] {
        assert_eq!(self::status(&mut world, &mut bob, path), status, "{path}");
    }
}

/// The end of a path, where a rule is about one path alone.
pub fn other_spellings_of_one_path<H: Harness>() {
    let paths = json!(["/report", "/a/", "/tool.php", "/Page.aspx", "/*/secret"]);
    let mut world = world::<H>(&restricted(&paths, &json!("strict")));
    let mut bob = browser_of(&mut world, &bob());
    for (path, status) in [
        ("/report", 403),
        ("/report/", 400),
        ("/report.", 400),
        ("/report%20", 400),
        ("/Report/", 400),
        ("/report.csv", 400),
        ("/report/x", 200),
        ("/a/", 403),
        ("/a", 400),
        ("/A", 400),
        ("/A/", 400),
        ("/a/x", 200),
        ("/tool.php", 403),
        ("/tool.php/x/y", 400),
        ("/tool.PHP/x", 400),
        ("/tool", 400),
        ("/tool.html", 200),
        ("/page", 400),
        ("/Page", 400),
        ("/page.aspx/x", 400),
        ("/x/secret", 403),
        ("/x/Secret", 400),
        ("/x/secret/", 400),
        ("/X/secret", 403),
        ("/secret", 200),
        ("/x/y/secret", 200),
        ("/a.php/b.php/c.php/d.php/x", 200),
        ("/a.php/b.php/c.php/d.php/e.php", 400),
    ] {
        let got = match world.send(&mut bob, &format!("https://acme.example{path}"), &[]) {
            Outcome::Forwarded(..) => 200,
            Outcome::Replied(reply) => reply.status,
        };
        assert_eq!(got, status, "{path}");
    }
}

/// A path that a rule spells exactly so belongs to that rule.
pub fn a_spelling_with_a_rule_of_its_own<H: Harness>() {
    let mut world = world::<H>(&json!({ "access": [
        { "paths": ["/admin/*"], "allow": { "groups": ["admins"] } },
        { "paths": ["/admin.json", "/v1.1/*"], "allow": "any_user" },
        { "paths": ["/v1.0/*"], "deny": true },
        { "paths": ["/Admin/logo.png", "/open/*"], "allow": "any_user" },
        { "paths": ["/ADMIN/*"], "methods": ["PUT"], "allow": "any_user" },
        { "allow": { "groups": ["engineers"] } },
    ] }));
    let mut bob = browser_of(&mut world, &bob());
    for (method, path, status) in [
        ("GET", "/admin.json", 200),
        ("GET", "/v1.1/x", 200),
        ("GET", "/v1.0/x", 403),
        ("GET", "/v1/x", 200),
        ("GET", "/admin.xml", 400),
        ("GET", "/Admin/logo.png", 200),
        ("GET", "/Admin/users", 400),
        ("GET", "/ADMIN/logo.png", 400),
        ("GET", "/ADMIN/x", 400),
        ("PUT", "/ADMIN/x", 200),
        ("GET", "/admin/logo.png", 403),
    ] {
        let got = match world.send(&mut bob, &format!("https://acme.example{path}"), &[(":method", method)]) {
            Outcome::Forwarded(..) => 200,
            Outcome::Replied(reply) => reply.status,
        };
        assert_eq!(got, status, "{method} {path}");
    }
}

/// The other ways to compare paths.
pub fn path_matching_is_configured<H: Harness>() {
    for (matching, expected) in [
        ("strict", [403, 400, 400, 400, 400, 403, 400]),
        ("exact", [403, 200, 200, 200, 200, 403, 200]),
        ("ignore_case", [403, 403, 400, 400, 400, 403, 403]),
    ] {
        let mut world = world::<H>(&restricted(&json!(["/admin/*", "/Caf\u{e9}"]), &json!(matching)));
        let mut bob = browser_of(&mut world, &bob());
        let paths = ["/admin", "/Admin/x", "/admin.json", "/ADMIN%20", "/admin%3Fx", "/Caf%C3%A9", "/caf%C3%89"];
        let got = paths.map(|path| match world.send(&mut bob, &format!("https://acme.example{path}"), &[]) {
            Outcome::Forwarded(..) => 200,
            Outcome::Replied(reply) => reply.status,
        });
        assert_eq!(got, expected, "{matching}");
    }
}

/// A `*` at the end of a segment stands for the rest of the segment, and at the end of a pattern
/// also for everything below.
pub fn a_pattern_for_a_beginning<H: Harness>() {
    let mut world = world::<H>(&restricted(&json!(["/admin*", "/api/v*/users"]), &json!("strict")));
    let mut bob = browser_of(&mut world, &bob());
    for (path, status) in [
        ("/admin", 403),
        ("/admin/", 403),
        ("/admin/x", 403),
        ("/admin.json", 403),
        ("/administrator/x", 403),
        ("/admin%20", 403),
        ("/Admin", 400),
        ("/Administrator/x", 400),
        ("/%20admin", 400),
        ("/adm", 200),
        ("/x/admin", 200),
        ("/api/v1/users", 403),
        ("/api/v/users", 403),
        ("/api/v1/users/", 400),
        ("/api/V1/users", 400),
        ("/api/v1/users.json", 400),
        ("/api/v1/users/7", 200),
        ("/api/1/users", 200),
    ] {
        let got = match world.send(&mut bob, &format!("https://acme.example{path}"), &[]) {
            Outcome::Forwarded(..) => 200,
            Outcome::Replied(reply) => reply.status,
        };
        assert_eq!(got, status, "{path}");
    }
}

/// The rules of the README, word for word, and what it says about them.
pub fn the_example_of_the_readme<H: Harness>() {
    let readme = include_str!("../../README.md");
    let block = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let block: Value = serde_saphyr::from_str(block).unwrap();
    let example = &block["tenants"][0];
    let known = ["name", "hosts", "issuer", "client_id", "client_secret", "keys", "provider", "roles", "access"];
    assert!(example.as_object().unwrap().keys().all(|field| known.contains(&field.as_str())), "{example}");
    let mut world = world::<H>(&json!({ "roles": example["roles"], "access": example["access"] }));
    let person = |group: &str| json!({ "sub": group, "groups": [group] });
    let mut browsers = ["platform-admins", "engineers"].map(|group| {
        let mut browser = world.browser();
        world.sign_in(&mut browser, "acme", "https://acme.example/", &person(group));
        browser
    });
    let mut guest = world.browser();
    let callback = world.callback(&mut guest, "acme", "https://acme.example/", &person("guests"));
    assert_eq!(world.open(&mut guest, &callback).reply().status, 302);
    let mut nobody = world.browser();
    let mut statuses = |method: &str, path: &str| {
        let [admin, engineer] = &mut browsers;
        [admin, engineer, &mut guest, &mut nobody].map(|browser| {
            match world.send(browser, &format!("https://acme.example{path}"), &[(":method", method)]) {
                Outcome::Forwarded(..) => 200,
                Outcome::Replied(reply) => reply.status,
            }
        })
    };
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        assert_eq!(statuses(method, "/healthz"), [200, 200, 200, 200], "{method}");
        for path in ["/admin", "/admin/", "/admin/users", "/%61dmin/users?x=/healthz"] {
            assert_eq!(statuses(method, path), [200, 403, 403, 401], "{method} {path}");
        }
        for path in ["/", "/orders/7", "/administrator", "/healthz/x", "/api/admin"] {
            assert_eq!(statuses(method, path), [200, 200, 403, 401], "{method} {path}");
        }
        for path in [
            "/Admin",
            "/%41dmin",
            "/ADMIN/users",
            "/admin.json",
            "/admin.",
            "/admin%20",
            "/admin%3F",
            "/admin%2e/x",
            "/admin;x",
            "/x/../admin",
            "/x/%2e%2e/admin",
            "//admin%2fx",
            "/admin%2fx",
            "/admin%5cx",
            "/index.php/admin",
            "/Healthz",
            "/healthz/",
        ] {
            let got = statuses(method, path);
            let redirected = path.contains("..") || path.starts_with("//");
            assert!(
                got.iter().all(|status| *status == 400 || redirected && matches!(status, 301..=308 | 401 | 403)),
                "{method} {path}: {got:?}"
            );
        }
    }
}

/// Empty segments and fragments. Envoy may normalize them, so only what is forwarded counts.
pub fn paths_that_envoy_may_normalize<H: Harness>() {
    let mut section = rules();
    section["access"][0]["paths"] = json!(["/public/*"]);
    let mut world = world::<H>(&section);
    for path in [
        "//public/",
        "/public//x",
        "/public//",
        "//admin",
        "///public",
        "/public/#/../admin",
        "/admin#/public/",
        "/public/?#",
    ] {
        let lines = [("x-other", "1")];
        if let Outcome::Forwarded(seen, _) =
            world.send(&mut world.browser(), &format!("https://acme.example{path}"), &lines)
        {
            let path = values(&seen, ":path").concat();
            assert!(path.starts_with("/public/") && !path.contains("//") && !path.contains('#'), "{path}");
        }
    }
}

/// Without rules about paths, the filter does not judge the path.
pub fn odd_paths_pass_without_path_rules<H: Harness>() {
    let mut world = world::<H>(&json!({ "access": [{ "methods": ["GET"], "allow": { "groups": ["engineers"] } }] }));
    let mut bob = world.browser();
    world.sign_in(&mut bob, "acme", "https://acme.example/", &self::bob());
    for path in ["/a;b", "/a%3Bb", "/a%25zz"] {
        let seen = world.send(&mut bob, &format!("https://acme.example{path}"), &[]).forwarded();
        assert_eq!(values(&seen, ":path"), [path]);
        assert_eq!(world.send(&mut world.browser(), &format!("https://acme.example{path}"), &[]).reply().status, 401);
    }
}

/// Only `:path` and `:method` decide. Other headers about path, method or client change nothing.
pub fn no_header_changes_the_decision<H: Harness>() {
    let mut world = world::<H>(&rules());
    let mut bob = browser_of(&mut world, &bob());
    for line in [
        ("x-forwarded-uri", "/static/x"),
        ("x-forwarded-path", "/static/x"),
        ("x-forwarded-prefix", "/static"),
        ("x-original-url", "/static/x"),
        ("x-original-uri", "/static/x"),
        ("x-rewrite-url", "/static/x"),
        ("x-envoy-original-path", "/static/x"),
        ("x-envoy-decorator-operation", "/static/x"),
        ("x-forwarded-method", "OPTIONS"),
        ("x-http-method-override", "PUT"),
        ("x-http-method", "PUT"),
        ("x-method-override", "PUT"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("user-agent", "GoogleHC/1.0"),
        ("user-agent", "kube-probe/1.29"),
        ("user-agent", "ELB-HealthChecker/2.0"),
        ("authorization", "Basic cm9vdDo="),
        ("x-auth-request-user", "root"),
        ("x-auth-request-groups", "admins"),
    ] {
        assert_eq!(world.send(&mut bob, "https://acme.example/admin/", &[line]).reply().status, 403, "{line:?}");
        assert_eq!(
            world.send(&mut world.browser(), "https://acme.example/admin/", &[line]).reply().status,
            401,
            "{line:?}"
        );
    }
}

pub fn methods_are_compared_exactly<H: Harness>() {
    let rules = json!([
        { "paths": ["/orders/*"], "methods": ["GET"], "allow": "public" },
        { "paths": ["/orders/*"], "methods": ["PUT"], "allow": { "groups": ["admins"] } },
        { "paths": ["/orders/*"], "deny": true },
    ]);
    let mut world = world::<H>(&json!({ "access": rules, "access_default": "any_user" }));
    let mut ada = world.signed_in();
    let url = "https://acme.example/orders/1";
    for method in ["HEAD", "OPTIONS", "POST", "PATCH", "DELETE", "PUT", "TRACE", "get", "Get", "GETX"] {
        for lines in [
            &[(":method", method)][..],
            &[(":method", method), ("x-http-method-override", "GET"), ("x-http-method", "GET")],
            &[(":method", method), ("origin", "https://app.example"), ("access-control-request-method", "GET")],
        ] {
            let reply = world.send(&mut world.browser(), url, lines).reply();
            assert!((400..500).contains(&reply.status), "{method}: {}", reply.status);
        }
    }
    for (method, with_session) in [("GET", true), ("PUT", true), ("POST", false), ("put", false)] {
        let outcome = world.send(&mut ada, url, &[(":method", method)]);
        assert_eq!(matches!(outcome, Outcome::Forwarded(..)), with_session, "{method}");
    }
    anonymous(&world.send(&mut world.browser(), url, &[(":method", "GET")]).forwarded());
}

/// CORS preflight requests pass where the tenant allows it; requests that resemble one do not.
pub fn preflight_requests_are_a_choice<H: Harness>() {
    let access =
        json!([{ "paths": ["/closed/*"], "deny": true }, { "paths": ["/admin/*"], "allow": { "groups": ["admins"] } }]);
    let mut on = world::<H>(&json!({ "access": access, "access_default": "any_user", "cors_preflight": true }));
    let mut off = world::<H>(&json!({ "access": access, "access_default": "any_user" }));
    let preflight =
        [(":method", "OPTIONS"), ("origin", "https://app.example"), ("access-control-request-method", "PUT")];
    for path in ["/", "/admin/x"] {
        let url = format!("https://acme.example{path}");
        anonymous(&on.send(&mut on.browser(), &url, &preflight).forwarded());
        assert_eq!(off.send(&mut off.browser(), &url, &preflight).reply().status, 401);
        for lines in [
            &preflight[..1],
            &preflight[..2],
            &[preflight[0], preflight[2]],
            &[(":method", "GET"), preflight[1], preflight[2]],
            &[preflight[0], ("origin", ""), preflight[2]],
            &[preflight[0], preflight[1], ("access-control-request-headers", "x")],
            &[preflight[0], preflight[1], preflight[2], preflight[2]],
        ] {
            // Envoy joins repeated lines into one value, which is not a method.
            let outcome = on.send(&mut on.browser(), &url, lines);
            assert!(matches!(outcome, Outcome::Replied(reply) if reply.status == 401), "{lines:?}");
        }
    }
    // A preflight has no body and no second method.
    for more in [
        ("x-http-method-override", "DELETE"),
        ("X-HTTP-Method", "DELETE"),
        ("x-method-override", "DELETE"),
        ("x_http_method_override", "DELETE"),
        ("x-original-method", "DELETE"),
    ] {
        let lines = [&preflight[..], &[more]].concat();
        let outcome = on.send(&mut on.browser(), "https://acme.example/admin/delete", &lines);
        assert!(matches!(&outcome, Outcome::Replied(reply) if reply.status == 401), "{more:?} {outcome:?}");
    }
    // Some servers take `;` for a separator, and some names of parameters for others.
    for query in [
        "_method=DELETE",
        "a=1&%5Fmethod=DELETE",
        "_METHOD=PUT",
        "X-HTTP-Method-Override=PUT",
        "a=1;_method=DELETE",
        "+_method=DELETE",
        ".method=DELETE",
        "_method[]=DELETE",
    ] {
        let url = format!("https://acme.example/admin/delete?{query}");
        assert_eq!(on.send(&mut on.browser(), &url, &preflight).reply().status, 401, "{query}");
    }
    assert_eq!(on.post("https://acme.example/admin/delete", &preflight, b"a=1").reply().status, 401);
    on.send(&mut on.browser(), "https://acme.example/pay?payment_method=card", &preflight).forwarded();
    assert_eq!(on.send(&mut on.browser(), "https://acme.example/closed/x", &preflight).reply().status, 403);
    assert_eq!(on.send(&mut on.browser(), "https://acme.example/a/..;/b", &preflight).reply().status, 400);
}

/// A changed rule applies to the sessions that exist already.
pub fn a_changed_rule_applies_to_existing_sessions<H: Harness>() {
    let mut world = world::<H>(&rules());
    let mut ada = browser_of(&mut world, &ada());
    assert_eq!(status(&mut world, &mut ada, "/admin/"), 200);
    for (change, expected) in [
        (json!([{ "name": "admin", "groups": ["others"] }, { "name": "owner", "groups": ["others"] }]), 403),
        (
            json!([{ "name": "admin", "users": ["Ada", "аda", "ada ", "ad"] }, { "name": "owner", "groups": ["Admins", "admin"] }]),
            403,
        ),
        (json!([{ "name": "admin", "users": ["ada"] }, { "name": "owner", "groups": ["others"] }]), 200),
        (json!([{ "name": "admin", "groups": ["others"] }, { "name": "owner", "groups": ["admins"] }]), 200),
    ] {
        let mut configuration = world.configuration();
        let mut section = rules();
        section["roles"] = change;
        merge(&mut configuration["tenants"][0], &section);
        world.harness.reconfigure(&configuration);
        assert_eq!(status(&mut world, &mut ada, "/admin/"), expected, "{}", section["roles"]);
    }
}

/// An e-mail address counts only if the issuer says that it is verified.
pub fn an_unverified_address_grants_nothing<H: Harness>() {
    let mut world = world::<H>(&rules());
    for (verified, expected) in
        [(json!(true), 200), (json!(false), 403), (json!("true"), 403), (json!(1), 403), (json!(null), 403)]
    {
        let person = json!({ "sub": "eve", "email": "eve@acme.example", "email_verified": verified });
        let mut eve = browser_of(&mut world, &person);
        assert_eq!(status(&mut world, &mut eve, "/admin/"), expected, "{verified}");
    }
    for email in ["Eve@acme.example", "eve@acme.example@evil.example", "eve@evil@acme.example", "eve@acme.example ", ""]
    {
        let mut other = browser_of(&mut world, &json!({ "sub": "x", "email": email, "email_verified": true }));
        assert_eq!(status(&mut world, &mut other, "/admin/"), 403, "{email}");
    }
    // A user name that looks like an address is not an address, and an address is not a user name.
    let mut other =
        browser_of(&mut world, &json!({ "sub": "eve@acme.example", "email": "root", "email_verified": true }));
    assert_eq!(status(&mut world, &mut other, "/admin/"), 403);

    let mut section = rules();
    section["identity"] = json!({ "require_email_verified": false });
    let mut lenient = self::world::<H>(&section);
    let mut eve = browser_of(&mut lenient, &json!({ "sub": "eve", "email": "eve@acme.example" }));
    assert_eq!(status(&mut lenient, &mut eve, "/admin/"), 200);
    let mut configuration = lenient.configuration();
    merge(&mut configuration["tenants"][0], &rules());
    lenient.harness.reconfigure(&configuration);
    assert_eq!(status(&mut lenient, &mut eve, "/admin/"), 403);
}

/// `email_verified` is about the claim `email` alone (OpenID Connect Core section 5.1).
pub fn another_claim_is_not_verified<H: Harness>() {
    let mut section = rules();
    section["identity"] = json!({ "email": "contact" });
    let mut world = world::<H>(&section);
    let person = json!({
        "sub": "eve", "email": "me@evil.example", "email_verified": true, "contact": "eve@acme.example",
    });
    let mut eve = browser_of(&mut world, &person);
    assert_eq!(status(&mut world, &mut eve, "/admin/"), 403);
    // The claim counts again for new sessions only.
    let mut configuration = world.configuration();
    merge(&mut configuration["tenants"][0], &rules());
    world.harness.reconfigure(&configuration);
    assert_eq!(status(&mut world, &mut eve, "/admin/"), 403);
}

/// Only a bearer token that lacks a scope gets `insufficient_scope`.
pub fn scopes_are_for_bearer_tokens<H: Harness>() {
    let mut world = world::<H>(&json!({
        "bearer": { "audiences": ["api"] },
        "access_default": "any_user",
        "access": [
            { "paths": ["/orders"], "methods": ["GET"], "allow": { "scopes": ["orders:read", "orders:write"] } },
            { "paths": ["/orders"], "allow": { "groups": ["machines"], "all_of": { "scopes": ["orders:write", "fast"] } } },
        ],
    }));
    let token = |world: &World<H>, scope: &str, group: &str| {
        let now = world.clock.now();
        let claims = json!({
            "iss": "https://login.acme.example", "aud": "api", "sub": "robot", "iat": now, "exp": now + 300, "scope": scope, "groups": [group],
        });
        world.issuer("acme", |issuer| {
            let token = issuer.signer.jws(&json!({ "alg": "ES256", "typ": "at+jwt" }), &claims);
            issuer.secrets.push(token.clone());
            format!("Bearer {token}")
        })
    };
    let challenge = |scopes: &str| {
        format!(
            "Bearer realm=\"acme\", error=\"insufficient_scope\", error_description=\"a required scope is missing\", scope=\"{scopes}\""
        )
    };
    for (method, scope, group, expected) in [
        ("GET", "x orders:read", "", Ok(())),
        ("GET", "orders:write", "", Ok(())),
        ("GET", "x", "machines", Err(Some(challenge("orders:read orders:write")))),
        ("GET", "orders", "", Err(Some(challenge("orders:read orders:write")))),
        ("GET", "fast", "machines", Err(Some(challenge("orders:read orders:write")))),
        ("PUT", "orders:write fast", "machines", Ok(())),
        ("PUT", "orders:write", "machines", Err(Some(challenge("fast orders:write")))),
        ("PUT", "orders:write fast", "people", Err(None)),
        ("PUT", "", "people", Err(None)),
    ] {
        let token = token(&world, scope, group);
        let lines = [(":method", method), ("authorization", token.as_str())];
        // Once with verification, and once from the cache.
        for _ in 0..2 {
            let got = match world.send(&mut world.browser(), "https://acme.example/orders", &lines) {
                Outcome::Forwarded(..) => Ok(()),
                Outcome::Replied(reply) => {
                    assert_eq!(reply.status, 403);
                    Err(reply.header("www-authenticate").map(str::to_owned))
                }
            };
            assert_eq!(got, expected, "{method} {scope} {group}");
        }
    }
    // A session has no scopes, whatever the ID token says.
    let mut browser = world.browser();
    world.sign_in(
        &mut browser,
        "acme",
        "https://acme.example/",
        &json!({ "sub": "ada", "scope": "orders:read", "scp": ["orders:read"] }),
    );
    let reply = world.open(&mut browser, "https://acme.example/orders").reply();
    assert_eq!((reply.status, reply.header("www-authenticate")), (403, None));
}

/// Every criterion of `all_of` has to fit.
pub fn all_criteria_have_to_fit<H: Harness>() {
    let mut world = world::<H>(&json!({
        "access_default": "any_user",
        "roles": [{ "name": "lead", "groups": ["leads"] }],
        "access": [{ "paths": ["/all"], "allow": { "all_of": {
            "groups": ["staff", "hr"], "roles": ["lead"], "claims": [{ "claim": "acr", "values": ["2"] }],
        } } }],
    }));
    for (groups, acr, expected) in [
        (json!(["staff", "hr", "leads"]), "2", 200),
        (json!(["staff", "hr", "leads"]), "1", 403),
        (json!(["staff", "leads"]), "2", 403),
        (json!(["staff", "hr"]), "2", 403),
        (json!(["staff", "hr"]), "1", 403),
        (json!(["leads"]), "1", 403),
        (json!([]), "2", 403),
    ] {
        let mut browser = browser_of(&mut world, &json!({ "sub": "eve", "groups": groups, "acr": acr }));
        assert_eq!(status(&mut world, &mut browser, "/all"), expected, "{groups} {acr}");
    }
}

/// The line about a denial says if an address would count that is not verified.
pub fn a_denial_says_that_an_address_is_not_verified<H: Harness>() {
    const HINT: &str = " and no verified e-mail address";
    for (allow, is_about_addresses) in [
        (json!({ "emails": ["bob@acme.example"] }), true),
        (json!({ "email_domains": ["partner.example"] }), true),
        (json!({ "groups": ["admins"] }), false),
    ] {
        let open = json!({ "paths": ["/open/*"], "allow": "any_user" });
        let mut world = world::<H>(&json!({ "access": [open, { "allow": allow }] }));
        for (verified, hint) in [(false, is_about_addresses), (true, false)] {
            let person = json!({ "sub": "eve", "email": "eve@acme.example", "email_verified": verified });
            let mut browser = browser_of(&mut world, &person);
            assert_eq!(status(&mut world, &mut browser, "/"), 403);
            world.eventually(|world| {
                let log = world.harness.log();
                let line = log.lines().rfind(|line| line.contains("access[1] does not allow this user"));
                line.is_some_and(|line| line.contains(HINT) == hint)
            });
        }
    }
}

/// The session keeps the claims that the rules use.
pub fn claims_in_rules<H: Harness>() {
    let mut world = world::<H>(&json!({
        "access_default": "any_user",
        "access": [
            { "paths": ["/strong"], "allow": { "claims": [{ "claim": "acr", "values": ["2", "3"] }] } },
            { "paths": ["/hr"], "allow": { "all_of": { "groups": ["staff"], "claims": [
                { "claim": "https://acme.example/departments", "values": ["hr"] }, { "claim": ["realm", "active"], "values": [true] },
            ] } } },
        ],
    }));
    for (claims, strong, hr) in [
        (json!({ "acr": "2" }), 200, 403),
        (json!({ "acr": 2 }), 403, 403),
        (json!({ "acr": ["1", "3"] }), 200, 403),
        (json!({ "acr": "23" }), 403, 403),
        (
            json!({ "groups": "staff", "https://acme.example/departments": ["it", "hr"], "realm": { "active": true } }),
            403,
            200,
        ),
        (
            json!({ "groups": "staff", "https://acme.example/departments": "hr", "realm": { "active": "true" } }),
            403,
            403,
        ),
        (
            json!({ "groups": "guests", "https://acme.example/departments": "hr", "realm": { "active": true } }),
            403,
            403,
        ),
        (json!({ "groups": "staff", "https://acme.example/departments": "hr", "realm.active": true }), 403, 403),
    ] {
        let mut person = json!({ "sub": "ada" });
        merge(&mut person, &claims);
        let mut browser = browser_of(&mut world, &person);
        let got = (status(&mut world, &mut browser, "/strong"), status(&mut world, &mut browser, "/hr"));
        assert_eq!(got, (strong, hr), "{claims}");
    }
}

/// A rule may be for some hosts. Exact hosts and wildcards have no precedence: the first rule wins.
pub fn rules_for_some_hosts<H: Harness>() {
    let mut world = world::<H>(&json!({
        "hosts": ["acme.example", "*.acme.example"],
        "login": { "redirect_uri": "https://acme.example/oauth2/callback", "cookie_domain": "acme.example" },
        "access_default": "any_user",
        "access": [
            { "hosts": ["api.eu.acme.example"], "paths": ["/health"], "allow": "public" },
            { "hosts": ["*.eu.acme.example"], "allow": { "groups": ["europe"] } },
            { "hosts": ["api.eu.acme.example"], "allow": "public" },
            { "hosts": ["*.acme.example"], "paths": ["/status"], "allow": "public" },
        ],
    }));
    let mut nobody = world.browser();
    for (host, path, expected) in [
        ("api.eu.acme.example", "/health", 200),
        ("API.EU.acme.example:443", "/health", 200),
        ("www.eu.acme.example", "/health", 302),
        ("api.eu.acme.example", "/x", 302),
        ("eu.acme.example", "/status", 200),
        ("www.eu.acme.example", "/status", 302),
        ("acme.example", "/status", 302),
    ] {
        let outcome = world.open(&mut nobody, &format!("https://{host}{path}"));
        let got = if let Outcome::Replied(reply) = outcome { reply.status } else { 200 };
        assert_eq!(got, expected, "{host}{path}");
    }
    world.send(&mut nobody, "https://api.eu.acme.example.:443/health", &[]).forwarded();
}

/// A rule may be for some networks. The address is the one that the host determined.
pub fn rules_for_some_networks<H: Harness>() {
    let mut world = world::<H>(&json!({ "access": [
        { "client_ips": ["203.0.113.0/24", "2001:db8:bad::/48"], "deny": true },
        { "paths": ["/admin/*"], "client_ips": ["10.0.0.0/8", "2001:db8:1::/48", "192.0.2.7"], "allow": { "groups": ["admins"] } },
        { "paths": ["/status"], "client_ips": ["10.1.0.0/16"], "allow": "public" },
        { "paths": ["/admin/*"], "deny": true },
        { "allow": "any_user" },
    ] }));
    let mut ada = world.signed_in();
    let mut bob = browser_of(&mut world, &bob());
    for (client, expected) in [
        ("10.1.2.3", [200, 403, 200, 200]),
        ("10.2.2.3", [200, 403, 401, 200]),
        ("192.0.2.7", [200, 403, 401, 200]),
        ("192.0.2.8", [403, 403, 401, 200]),
        ("2001:db8:1::7", [200, 403, 401, 200]),
        ("2001:db8:2::7", [403, 403, 401, 200]),
        ("203.0.113.9", [403, 403, 403, 403]),
        ("::ffff:10.1.2.3", [200, 403, 200, 200]),
        ("::ffff:203.0.113.9", [403, 403, 403, 403]),
        ("::10.1.2.3", [403, 403, 401, 200]),
        ("2001:db8:bad::1", [403, 403, 403, 403]),
        // Only what the proxy added counts, not what the client sent.
        ("10.1.2.3, 198.51.100.1", [403, 403, 401, 200]),
    ] {
        let lines = [("x-forwarded-for", client)];
        let status = |outcome| if let Outcome::Replied(reply) = outcome { reply.status } else { 200 };
        let got = [
            status(world.send(&mut ada, "https://acme.example/admin/", &lines)),
            status(world.send(&mut bob, "https://acme.example/admin/", &lines)),
            status(world.send(&mut world.browser(), "https://acme.example/status", &lines)),
            status(world.send(&mut bob, "https://acme.example/", &lines)),
        ];
        assert_eq!(got, expected, "{client}");
    }
    for name in
        ["x-real-ip", "forwarded", "true-client-ip", "cf-connecting-ip", "x-client-ip", "x-envoy-external-address"]
    {
        let lines = [(name, "10.1.2.3"), ("x-forwarded-for", "198.51.100.1")];
        assert_eq!(world.send(&mut ada, "https://acme.example/admin/", &lines).reply().status, 403, "{name}");
    }
}

/// A rule may be for the users of a domain, as far as the issuer has verified their addresses.
pub fn rules_for_some_email_domains<H: Harness>() {
    let mut world = world::<H>(&json!({ "access": [
        { "paths": ["/open/*"], "allow": "any_user" },
        { "allow": { "email_domains": ["Partner.example", "*.acme.example"] } },
    ] }));
    for (email, verified, expected) in [
        ("a@partner.example", true, 200),
        ("a@PARTNER.Example", true, 200),
        ("a@eu.acme.example", true, 200),
        ("a@b.eu.acme.example", true, 200),
        ("a@partner.example", false, 403),
        ("a@acme.example", true, 403),
        ("a@x.partner.example", true, 403),
        ("a@notpartner.example", true, 403),
        ("a@partner.example.evil.example", true, 403),
        ("partner.example", true, 403),
        ("@partner.example", true, 403),
        ("a@evil.example@partner.example", true, 403),
        ("a@partner.example@evil.example", true, 403),
        ("a@partner.example ", true, 403),
        ("a@partner.example.", true, 403),
        ("\"a@x\"@partner.example", true, 403),
        ("a@[partner.example]", true, 403),
        ("a@partner.example>", true, 403),
        ("a@\u{ff50}artner.example", true, 403),
        ("a@partner.example\r\n", true, 403),
    ] {
        let person = json!({ "sub": "a", "email": email, "email_verified": verified });
        let mut browser = browser_of(&mut world, &person);
        assert_eq!(status(&mut world, &mut browser, "/"), expected, "{email} {verified}");
    }
}

/// A dry run forwards the requests of users and logs what the rules would have done. Anonymous
/// requests are still refused.
pub fn a_dry_run_refuses_no_user<H: Harness>() {
    let mut section = rules();
    section["access_dry_run"] = json!(true);
    let mut world = world::<H>(&section);
    let mut bob = browser_of(&mut world, &bob());
    let mut nobody = world.browser();
    for (path, reason) in [
        ("/admin/", "access[1] does not allow this user"),
        ("/secret", "access[2] denies the request to everyone"),
        ("/a;b", "`:path` has a semicolon"),
    ] {
        let seen = world.open(&mut bob, &format!("https://acme.example{path}")).forwarded();
        assert_eq!(values(&seen, "x-auth-request-user"), ["bob"]);
        world.eventually(|world| {
            world.harness.log().lines().any(|line| line.contains("access_dry_run tenant=acme") && line.contains(reason))
        });
        assert!(matches!(status(&mut world, &mut nobody, path), 302 | 400), "{path}");
        let reply = world.send(&mut nobody, &format!("https://acme.example{path}"), &[]).reply();
        assert!(matches!(reply.status, 400 | 401), "{path}");
    }
    let lines = world.harness.log().lines().filter(|line| line.contains("access_dry_run")).count();
    world.open(&mut bob, "https://acme.example/open/").forwarded();
    assert_eq!(world.harness.log().lines().filter(|line| line.contains("access_dry_run")).count(), lines);
}
