//! Tier `tool`: the command-line tool as a process.
#![allow(clippy::restriction, clippy::disallowed_methods, unreachable_pub, reason = "tests")]

#[path = "tool/base.rs"]
mod base;
#[path = "tool/examples.rs"]
mod examples;
#[path = "tool/explain.rs"]
mod explain;
#[path = "tool/guides.rs"]
mod guides;
#[path = "tool/held_out.rs"]
mod held_out;
#[path = "tool/lints/mod.rs"]
mod lints;
#[path = "tool/mistakes.rs"]
mod mistakes;
#[path = "tool/onboard.rs"]
mod onboard;
#[path = "tool/probe.rs"]
mod probe;
#[path = "tool/remedies.rs"]
mod remedies;
#[path = "tool/render.rs"]
mod render;
#[path = "tool/sign_out.rs"]
mod sign_out;
mod support;
#[path = "tool/surroundings.rs"]
mod surroundings;
#[path = "tool/syntax.rs"]
mod syntax;
#[path = "tool/tenants/mod.rs"]
mod tenants;

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use support::{authority, web_server};

/// 32 random bytes that are not secret.
const KEY: &str = "EcgDYzYIjPohWwe0QskO+h1Ud6Mw3gVNvj2ACfSYJEc=";

const CONFIGURATION: &str = r#"
session: {keys: [{id: a, env: KEY}]}
tenants:
  - name: acme
    hosts: [acme.example, b.acme.example]
    issuer: https://issuer.example
    client_id: gate
    client_secret: {env: SECRET}
    keys: [{jwk: {kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}}]
    provider: {cluster: i, authorization_endpoint: "https://issuer.example/a", token_endpoint: "https://issuer.example/t"}
"#;

/// Runs the tool with `input` on standard input. Returns exit code, output and errors.
fn run(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantgate"));
    let command = command.args(arguments).env_remove("KEY").env_remove("SECRET");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The tool may exit before it reads its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The exit code of a check of `configuration` with its variables, and what it finds in JSON.
fn found(configuration: &str) -> (i32, Vec<Value>) {
    let key = format!("KEY={KEY}");
    let arguments = ["check", "-", "--env", &key, "--env", "SECRET=s", "--format", "json"];
    let (code, output, errors) = run(&arguments, configuration);
    let report: Value = serde_json::from_str(&output).unwrap_or_else(|_| panic!("{output}{errors}"));
    (code, report["diagnostics"].as_array().unwrap().clone())
}

/// A finding as `path: message; help`.
fn text(found: &Value) -> String {
    let [path, message] = ["path", "message"].map(|name| found[name].as_str().unwrap());
    let help = found["help"].as_str().map_or(String::new(), |help| format!("; {help}"));
    format!("{path}: {message}{help}")
}

#[test]
fn check_lists_tenants_and_hosts() {
    let good = ["check", "-", "--env", &format!("KEY={KEY}"), "--env", "SECRET=s"];
    let expected = "tenant \"acme\" serves acme.example, b.acme.example\n0 errors, 0 warnings\n";
    assert_eq!(run(&good, CONFIGURATION), (0, expected.to_owned(), String::new()));
}

#[test]
fn check_warns_of_unreachable_rules() {
    let rules = r#"    access:
      - {paths: [/oauth2/callback, /x], allow: public}
      - {paths: [/admin/*], allow: {groups: [admins], scopes: [admin]}}
      - {paths: [/admin/users], methods: [GET], allow: public}
      - {hosts: [globex.example, b.acme.example], allow: any_user}
      - {allow: any_user}
      - {deny: true}
"#;
    let (code, found) = found(&format!("{CONFIGURATION}{rules}"));
    assert_eq!(code, 0);
    let expected = [
        (
            "TG202",
            12,
            "access[0].paths: \"/oauth2/callback\" is answered by Tenantgate itself, before any rule; remove it, or give that another path in `login`",
        ),
        (
            "TG203",
            13,
            "access[1].allow: only bearer tokens have scopes, and without `bearer` this tenant takes none; add `bearer`, or name users, groups or roles",
        ),
        ("TG200", 14, "access[2]: can never match, because access[1] decides before; put it before that, or remove it"),
        (
            "TG201",
            15,
            "access[3].hosts: \"globex.example\" is not a host of this tenant, so the rule never matches there; write one of its `hosts`, or add it there",
        ),
        (
            "TG206",
            16,
            "access[4].allow: opens every path, except those of access[1]; name what is open instead, and let the rest be denied",
        ),
        (
            "TG200",
            17,
            "access[5]: can never match, because access[3] and access[4] decide before; put it before that, or remove it",
        ),
    ];
    let found: Vec<_> =
        found.iter().map(|one| (one["code"].as_str().unwrap(), one["line"].as_u64().unwrap(), text(one))).collect();
    assert_eq!(found, expected.map(|(code, line, text)| (code, line, text.to_owned())));
}

/// The warnings about a configuration with these lines for its tenant.
fn warnings(rest: &str) -> Vec<String> {
    let (code, found) = found(&format!("{CONFIGURATION}{rest}"));
    assert_eq!(code, 0, "{found:?}");
    found.iter().map(text).collect()
}

#[test]
fn check_warns_of_methods_that_no_rule_is_about() {
    let gap = |by: &str| {
        format!(
            "access[0].methods: other methods of \"/admin/*\" are left to {by}; \
             put a rule behind it, such as {{paths: [\"/admin/*\"], deny: true}}"
        )
    };
    let admin = "{paths: [/admin/*], methods: [GET, POST], allow: {groups: [admins]}}";
    for (rest, expected) in [
        (format!("access: [{admin}, {{allow: {{groups: [staff]}}}}]"), vec![gap("access[1]")]),
        (format!("access: [{admin}, {{paths: [/x/*], deny: true}}, {{paths: [/*], allow: {{groups: [staff]}}}}]"), vec![gap("access[2]")]),
        (format!("access: [{admin}]\n    access_default: any_user"), vec![
            gap("`access_default`"),
            "access_default: opens every path, except those of access[0]; name what is open instead, and let the rest be denied".to_owned(),
        ]),
        (format!("access: [{admin}]\n    access_default: deny"), vec![]),
        (format!("access: [{admin}, {{paths: [/admin/*], deny: true}}, {{allow: {{groups: [staff]}}}}]"), vec![]),
        (format!("access: [{admin}, {{paths: [/admin*], allow: {{groups: [owners]}}}}, {{allow: {{groups: [staff]}}}}]"), vec![]),
        ("access: [{methods: [GET], allow: {groups: [staff]}}, {allow: {groups: [admins]}}]".to_owned(), vec![]),
        ("access: [{paths: [/news], methods: [GET], allow: public}, {allow: {groups: [admins]}}]".to_owned(), vec![]),
    ] {
        assert_eq!(warnings(&format!("    {rest}\n")), expected, "{rest}");
    }
}

#[test]
fn check_warns_of_a_rule_that_opens_the_rest() {
    let open = "access[2].allow: opens every path, except those of access[0] and access[1]";
    let instead = "name what is open instead, and let the rest be denied";
    let narrow = "{paths: [/admin/*], allow: {groups: [admins]}}, {paths: [/secret/*], deny: true}";
    for (rest, expected) in [
        (format!("access: [{narrow}, {{allow: any_user}}]"), vec![format!("{open}; {instead}")]),
        (
            format!("access: [{narrow}, {{paths: [/*], allow: public}}]\n    path_matching: exact"),
            vec![format!("{open}, and also other spellings of those, because `path_matching` is exact; {instead}")],
        ),
        (format!("access: [{narrow}, {{allow: {{groups: [staff]}}}}]"), vec![]),
        ("access: [{paths: [/healthz], allow: public}, {allow: any_user}]".to_owned(), vec![]),
    ] {
        assert_eq!(warnings(&format!("    {rest}\n")), expected, "{rest}");
    }
}

#[test]
fn check_warns_of_addresses_that_are_never_verified() {
    let rules = "    access: [{allow: {emails: [a@b.example]}}, {paths: [/x], allow: {email_domains: [b.example]}}, \
                 {paths: [/y], allow: {groups: [staff]}}, {paths: [/z], deny: true}]\n";
    let expected = |rule: usize| {
        format!(
            "access[{rule}].allow: `email_verified` is about the claim `email` only, so no address of this tenant is \
             verified, and none counts; set `identity.email: email`, or `identity.require_email_verified: false`"
        )
    };
    let found = warnings(&format!("    identity: {{email: contact}}\n{rules}"));
    assert!(found.contains(&expected(0)) && found.contains(&expected(1)), "{found:?}");
    assert!(!found.contains(&expected(2)) && !found.contains(&expected(3)), "{found:?}");
    for quiet in ["identity: {}", "identity: {email: contact, require_email_verified: false}"] {
        let found = warnings(&format!("    {quiet}\n{rules}"));
        assert!(!found.contains(&expected(0)), "{found:?}");
    }
}

/// Who can get in by another spelling of a path, and which spellings are refused.
#[test]
fn check_shows_who_gets_in_by_a_path() {
    let rules = "    access: [{paths: [/admin/*], allow: {roles: [admin], all_of: {groups: [staff]}}}, {allow: any_user}]\n    roles: [{name: admin, groups: [admins]}]\n";
    let shown = |more: &str| {
        let configuration = format!("{CONFIGURATION}{rules}{more}").replace(", b.acme.example", "");
        let key = format!("KEY={KEY}");
        let arguments = ["check", "-", "--env", &key, "--env", "SECRET=s", "--path", "/admin", "--method", "PUT"];
        let (code, output, _) = run(&arguments, &configuration);
        assert_eq!(code, 0, "{output}");
        let lines = output.lines().filter(|line| line.starts_with("  /") || line.starts_with("PUT"));
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    let admins = "users with role \"admin\", and with group \"staff\" (access[0])";
    let like = "400: `:path` has a spelling like a path of access[0], which servers read in different ways";
    let lines = shown("");
    assert_eq!(lines.first().map(String::as_str), Some("PUT https://acme.example"));
    for (path, expected) in [
        ("/admin", admins),
        ("/admin/", admins),
        ("/%61dmin", admins),
        ("/admin/x", admins),
        ("/admin-x", "every user (access[1])"),
        ("/Admin", like),
        ("/admin.", like),
        ("/admin.json", like),
        ("/admin%20", like),
        ("/admin%3Fx", like),
        ("/index.php/admin", like),
        ("/admin;x", "400: `:path` has a semicolon, which servers read in different ways"),
    ] {
        assert!(lines.contains(&format!("{path} {expected}")), "{path} {expected}: {lines:#?}");
    }
    let lines = shown("    path_matching: exact\n");
    for path in ["/Admin", "/admin.json", "/index.php/admin"] {
        assert!(lines.contains(&format!("{path} every user (access[1])")), "{path}: {lines:#?}");
    }
    let bad = ["check", "-", "--env", &format!("KEY={KEY}"), "--env", "SECRET=s", "--path", "admin"];
    let (code, _, errors) = run(&bad, CONFIGURATION);
    assert_eq!(code, 2);
    assert!(errors.contains("\"admin\" is not the path of a request"), "{errors}");
}

#[test]
fn check_warns_of_tenants_that_accept_the_tokens_of_each_other() {
    let check = |acme: &str, globex: &str| {
        let tenant = CONFIGURATION.split_once("tenants:\n").unwrap().1;
        let other =
            tenant.replace("name: acme", "name: globex").replace("[acme.example, b.acme.example]", "[globex.example]");
        let configuration = format!("{CONFIGURATION}    bearer: {acme}\n{other}    bearer: {globex}\n");
        let (code, found) = found(&configuration);
        assert_eq!(code, 0, "{found:?}");
        let about_audiences = found.iter().filter(|one| one["code"] == "TG208");
        about_audiences.map(|one| format!("{}: {}", one["subject"].as_str().unwrap(), text(one))).collect::<Vec<_>>()
    };
    let expected = "tenant \"globex\": bearer.audiences: accepts every token of https://issuer.example for \"api\", and so \
                    does tenant \"acme\"; give each tenant an audience of its own, or name the claim that tells them apart \
                    in `bearer.claims`";
    assert_eq!(check("{audiences: [api]}", "{audiences: [x, api]}"), [expected]);
    assert_eq!(
        check("{audiences: [api], claims: {org: [a, b]}}", "{audiences: [api], claims: {org: [b, c]}}"),
        [expected]
    );
    assert_eq!(check("{audiences: [api], claims: {org: a}}", "{audiences: [api]}"), [expected]);
    for (acme, globex) in [
        ("{audiences: [api]}", "{audiences: [x]}"),
        ("{audiences: [api], claims: {org: a}}", "{audiences: [api], claims: {org: b}}"),
    ] {
        assert_eq!(check(acme, globex), <[String; 0]>::default(), "{acme} {globex}");
    }
}

/// A browser refuses cookies for a public suffix. The filter has no list of them.
#[test]
fn check_refuses_public_suffixes_as_cookie_domains() {
    let check = |hosts: &str, domain: &str| {
        let login = format!("    login: {{cookie_domain: {domain}}}\n");
        let configuration = format!("{}{login}", CONFIGURATION.replace("[acme.example, b.acme.example]", hosts));
        found(&configuration)
    };
    for (host, domain) in
        [("a.acme.co.uk", "co.uk"), ("a.acme.github.io", "github.io"), ("a.acme.b.kawasaki.jp", "b.kawasaki.jp")]
    {
        let (code, found) = check(&format!("[{host}]"), domain);
        let expected = format!(
            "login.cookie_domain: \"{domain}\" is a public suffix, so browsers would refuse its cookies; name a domain below it"
        );
        assert_eq!((code, found.iter().map(text).collect()), (1, vec![expected]));
    }
    for (host, domain) in
        [("a.acme.co.uk", "acme.co.uk"), ("a.acme.example", "acme.example"), ("a.corp.internal", "corp.internal")]
    {
        assert_eq!(check(&format!("[{host}]"), domain), (0, Vec::new()));
    }
}

#[test]
fn check_warns_of_a_refresh_without_offline_access() {
    let found = warnings("    refresh: {}\n");
    assert!(
        matches!(&found[..], [one] if one.starts_with("login.scopes: has no `offline_access`, and most")),
        "{found:?}"
    );
    for quiet in ["refresh: {without_token: keep}", "login: {scopes: [openid, offline_access]}\n    refresh: {}"] {
        assert_eq!(warnings(&format!("    {quiet}\n")), <[String; 0]>::default());
    }
}

/// For a provider that the issuer tells, the tool says which scopes to write.
#[test]
fn check_says_which_scopes_fit_a_provider() {
    let check = |issuer: &str, rest: &str| {
        let configuration = CONFIGURATION.replace("https://issuer.example\n", &format!("{issuer}\n"));
        let configuration = match rest.strip_prefix("discovery\n") {
            Some(rest) => {
                let provider = configuration.find("    provider:").unwrap();
                format!(
                    "{}    provider: {{cluster: i, discovery: true}}\n{rest}",
                    configuration.get(..provider).unwrap()
                )
            }
            None => format!("{configuration}{rest}"),
        };
        let warnings = found(&configuration).1.iter().map(text).collect::<Vec<_>>();
        warnings.iter().filter_map(|text| text.strip_prefix("login.scopes: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let keycloak = "https://login.acme.example/auth/realms/acme";
    let okta = "https://acme.okta.com/oauth2/default";
    let entra = "https://login.microsoftonline.com/8c6ac1f0-5d0e-4a2c-9a0e-3f4f0c5f7f11/v2.0";
    let google = "https://accounts.google.com";
    let refused = |name: &str, scopes: &str| {
        format!(
            "asks for `groups`, which {name} refuses unless it was added there; write `[{scopes}]`, or set \
             `provider.discovery: true`"
        )
    };
    let (three, four) = ("openid, profile, email", "openid, profile, email, offline_access");
    let refresh = "    refresh: {}\n";
    let own = |scopes: &str| format!("    login: {{scopes: [{scopes}]}}\n{refresh}");
    for (issuer, rest, expected) in [
        (keycloak, "", vec![refused("Keycloak", three)]),
        (keycloak, refresh, vec![refused("Keycloak", three)]),
        (keycloak, "discovery\n", vec![]),
        (keycloak, &own("openid, groups"), vec![]),
        (okta, "", vec![refused("Okta", three)]),
        ("https://acme.okta.com", "", vec![]),
        (entra, "", vec![refused("Entra ID", three)]),
        (entra, "discovery\n    refresh: {}\n", vec![]),
        (entra, &own(four), vec![]),
        (google, "", vec![refused("Google", three)]),
        (google, "    login: {scopes: [openid, email]}\n", vec![]),
        ("https://dex.acme.example", "", vec![]),
        ("https://dex.acme.example", "discovery\n    refresh: {}\n", vec![]),
    ] {
        assert_eq!(check(issuer, rest), expected, "{issuer} {rest}");
    }
    let lacks = |asked: &str| {
        format!(
            "has no `offline_access`, and most issuers send a refresh token only with this scope, so sessions end after \
             `refresh.interval`; write `[{asked}, offline_access]`, or `refresh.without_token: keep`"
        )
    };
    let outlives = "asks for `offline_access`, with which refresh tokens stay valid after a sign-out at Keycloak, and it \
                    sends them without; write `[openid, profile, email]`";
    let google_refreshes = "Google sends no refresh token for them; set `login.parameters: {access_type: offline}` and \
                            `login.prompt: consent`";
    let parameters =
        "    login: {scopes: [openid], prompt: consent, parameters: {access_type: offline}}\n    refresh: {}\n";
    for (issuer, rest, expected) in [
        (okta, refresh, vec![refused("Okta", four), lacks("openid, profile, email, groups")]),
        (
            entra,
            &own("openid, groups"),
            vec![
                format!("asks for `groups`, which Entra ID refuses unless it was added there; write `[{four}]`"),
                lacks("openid, groups"),
            ],
        ),
        (keycloak, "discovery\n    refresh: {}\n", vec![outlives.to_owned()]),
        (keycloak, &own(four), vec![outlives.to_owned()]),
        (google, &own(four), vec!["has `offline_access`, which Google refuses; leave it out".to_owned()]),
        (google, "discovery\n    refresh: {}\n", vec![google_refreshes.to_owned()]),
        (google, parameters, vec![]),
    ] {
        assert_eq!(check(issuer, rest), expected, "{issuer} {rest}");
    }
}

#[test]
fn check_fails_for_a_broken_tenant() {
    let (code, output, _) = run(&["check", "-", "--env", &format!("KEY={KEY}")], CONFIGURATION);
    assert_eq!(code, 1);
    assert_eq!(
        output,
        "<stdin>:8:26: error[TG008] tenant \"acme\": client_secret.env: environment variable \"SECRET\" is not set\n\
         \x208 |     client_secret: {env: SECRET}\n\
         \x20  |                          ^^^^^^\n\
         \x20  help: set it where Envoy runs, and hand it to the VM (`host_env_keys`); for this check give it with \
         `--env SECRET=…` or `--env-file`, or check without secrets: `--assume-env`\n\
         tenant \"acme\" answers 503 on acme.example, b.acme.example\n\
         1 error, 0 warnings\n"
    );
}

#[test]
fn check_fails_for_a_configuration_that_is_refused() {
    let (code, output, _) = run(&["check", "-"], CONFIGURATION);
    assert_eq!(code, 1);
    let expected = "error[TG008] session.keys[0].env: environment variable \"KEY\" is not set\n";
    assert!(output.contains(expected), "{output}");
    assert!(output.contains("refused: Envoy would reject this configuration\n"), "{output}");
    let (code, output, _) = run(&["check", "-"], r#"{"session": {}, "session": {}}"#);
    assert_eq!(code, 1);
    assert!(output.contains("<stdin>:1:25: error[TG001] is not JSON: member \"session\" occurs twice"), "{output}");
}

#[test]
fn unreadable_input_has_its_own_exit_code() {
    let (code, _, errors) = run(&["check", "/does/not/exist"], "");
    assert_eq!(code, 2);
    assert!(errors.contains("/does/not/exist: No such file"), "{errors}");
    let (code, _, errors) = run(&["check", "-", "--env", "KEY"], "");
    assert_eq!(code, 2);
    assert!(errors.contains("write it as NAME=VALUE"), "{errors}");
}

#[test]
fn session_keys_are_random_and_long_enough() {
    let (code, first, _) = run(&["session-key"], "");
    let (_, second, _) = run(&["session-key"], "");
    assert_eq!((code, STANDARD.decode(first.trim()).unwrap().len()), (0, 32));
    assert_ne!(first, second);
}

#[test]
fn the_schema_is_printed_whole() {
    let (code, output, _) = run(&["schema"], "");
    assert_eq!((code, output.as_str()), (0, include_str!("../src/config/schema.json")));
}

#[test]
fn shells_complete_the_commands() {
    for (shell, start) in [("bash", "_tenantgate()"), ("zsh", "#compdef tenantgate"), ("fish", "# Print an optspec")] {
        let (code, script, errors) = run(&["completions", shell], "");
        assert_eq!((code, errors.as_str()), (0, ""));
        assert!(script.starts_with(start), "{script}");
        assert!(script.contains("session-key") && script.contains("assume-env"), "{shell}");
    }
    assert_eq!(run(&["completions", "dos"], "").0, 2);
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = format!("tenantgate {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&["version"], ""), (0, version.clone(), String::new()));
    assert_eq!(run(&["--version"], "").1, version);
}

/// The names of the commands in the help of the tool or of a command.
fn commands(help: &str) -> Vec<String> {
    let Some((_, listed)) = help.split_once("Commands:\n") else { return Vec::new() };
    let lines = listed.lines().take_while(|line| line.starts_with("  "));
    // Deeper lines go on with a description.
    let names = lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

/// The reference has a section for each command, with every option that the command has.
#[test]
fn the_reference_has_every_command_and_option() {
    let reference = include_str!("../docs/tool.md");
    let all = commands(&run(&["--help"], "").1);
    assert!(all.len() > 7, "{all:?}");
    let sections: Vec<&str> =
        reference.split("\n## `").skip(1).map(|section| section.split('`').next().unwrap()).collect();
    assert_eq!(sections, all);
    for name in &all {
        let section = reference.split(&format!("\n## `{name}`\n")).nth(1).unwrap().split("\n## ").next().unwrap();
        assert!(reference.contains(&format!("| [`{name}`](#{name}) | ")), "{name}");
        let help = run(&[name, "--help"], "").1;
        let mut helps = vec![help.clone()];
        helps.extend(
            commands(&help).iter().filter(|inner| *inner != "help").map(|inner| run(&[name, inner, "--help"], "").1),
        );
        let options = helps.iter().flat_map(|help| help.lines()).filter_map(|line| {
            let line = line.trim_start().trim_start_matches("-h, ");
            line.strip_prefix("--")?.split([' ', '<']).next()
        });
        for option in options.filter(|option| *option != "help") {
            assert!(section.contains(&format!("--{option}")), "{name} --{option}");
        }
    }
}
