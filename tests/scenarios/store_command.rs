//! Sessions that an operator ends with the tool, through a real etcd.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::store::{goes_on_everywhere, is_over_everywhere, world};
use crate::support::browser::Browser;
use crate::support::etcd::{Etcd, EtcdAccess, store};
use crate::support::harness::Harness;
use crate::support::replicas::Replicas;
use crate::support::world::World;

const PAGE: &str = "https://acme.example/page";

/// A person with a session at the issuer of acme.
fn person(sub: &str, sid: &str) -> Value {
    json!({ "sub": sub, "email": format!("{sub}@acme.example"), "email_verified": true, "sid": sid })
}

fn names_users_by_address(configuration: &mut Value) {
    configuration["tenants"][0]["identity"] = json!({ "user": "email" });
}

/// Signs in at acme.
fn signed_in<H: Harness>(world: &mut World<H>, person: &Value) -> Browser {
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", PAGE, person);
    browser.cookies.retain(|cookie| !cookie.name.ends_with("redirect-loop"));
    browser
}

/// Runs `sign-out` for the tenant with this configuration. Returns exit code, output and errors.
fn sign_out(configuration: &Value, etcd: &Etcd, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantgate"));
    command.args(["sign-out", "-", "--tenant", "acme", "--etcd", &format!("http://{}", etcd.address)]).args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(configuration.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Each way to name sessions ends these at both replicas, and no others. A replica that starts
/// later knows of it, too, and a person can sign in again.
pub fn an_operator_ends_sessions_everywhere<H: Harness>() {
    for (arguments, words, ends_phone, ends_bob) in [
        (
            ["--user", "ada@acme.example"].as_slice(),
            "all sessions of user \"ada@acme.example\" that began",
            true,
            false,
        ),
        (&["--subject", "ada"], "all sessions of subject \"ada\" that began", true, false),
        (&["--session", "s1"], "the session \"s1\" of the issuer ends", false, false),
        (&["--all"], "all sessions that began", true, true),
    ] {
        let (mut world, prefix) = world::<H>(names_users_by_address);
        world.clock.set_to_machine();
        let laptop = signed_in(&mut world, &person("ada", "s1"));
        let phone = signed_in(&mut world, &person("ada", "s2"));
        let bob = signed_in(&mut world, &person("bob", "s3"));
        let mut elsewhere = world.browser();
        world.sign_in(&mut elsewhere, "globex", "https://globex.example/page", &person("ada", "s1"));
        for browser in [&laptop, &phone, &bob] {
            goes_on_everywhere(&mut world, browser);
        }
        let mut configuration = world.configuration();
        names_users_by_address(&mut configuration);
        store(&mut configuration, &prefix);
        let (code, output, errors) = sign_out(&configuration, Etcd::shared(), arguments);
        assert_eq!((code, errors.as_str()), (0, ""), "{output}");
        assert!(output.starts_with(&format!("acme: {words}")), "{output}");
        assert!(output.contains(" at every replica within about 2s; written to http://127.0.0.1:"), "{output}");
        world.eventually(|world| is_over_everywhere(world, &laptop));
        for restarts in [false, true] {
            if restarts {
                (0..2).for_each(|replica| world.harness.restart(replica, &configuration));
                assert!(is_over_everywhere(&mut world, &laptop), "{arguments:?}");
            }
            for (browser, ends) in [(&phone, ends_phone), (&bob, ends_bob)] {
                if ends {
                    assert!(is_over_everywhere(&mut world, browser), "{arguments:?}");
                } else {
                    goes_on_everywhere(&mut world, browser);
                }
            }
            // The other tenant has a subject, a session and an address of the same name.
            for _ in 0..2 {
                world.open(&mut elsewhere, "https://globex.example/page").forwarded();
            }
        }
        world.clock.advance(Duration::from_secs(60));
        let again = signed_in(&mut world, &person("ada", "s4"));
        goes_on_everywhere(&mut world, &again);
    }
}

/// The command signs in at etcd as the replicas do, and its entry is one of theirs.
pub fn an_operator_is_a_user_of_etcd<H: Harness>() {
    let etcd = Etcd::with_users(&[], &[("gate", "gate-password", "READWRITE")]);
    let mut configuration = json!(null);
    let mut world = World::<Replicas<H>>::with_issuer(
        |issuer| {
            issuer.etcd = Some(EtcdAccess::new(etcd.address));
            issuer.secrets.push("gate-password".to_owned());
        },
        |of_replicas| {
            store(of_replicas, "/tenantgate/");
            of_replicas["store"]["etcd"]["username"] = json!("gate");
            of_replicas["store"]["etcd"]["password"] = json!("gate-password");
            configuration = of_replicas.clone();
        },
    );
    world.clock.set_to_machine();
    let laptop = signed_in(&mut world, &person("ada", "s1"));
    for (password, code, says) in [
        ("wrong-password", 2, "etcd did not confirm it; http://127.0.0.1:"),
        ("wrong-password", 2, ": status 400: etcdserver: authentication failed, invalid user ID or password\n"),
        ("gate-password", 0, "acme: all sessions of subject \"ada\" that began until "),
    ] {
        goes_on_everywhere(&mut world, &laptop);
        configuration["store"]["etcd"]["password"] = json!({ "env": "ETCD_PASSWORD" });
        let variable = format!("ETCD_PASSWORD={password}");
        let result = sign_out(&configuration, &etcd, &["--subject", "ada", "--env", &variable]);
        assert_eq!(result.0, code, "{result:?}");
        let printed = [result.1, result.2].concat();
        assert!(printed.contains(says) && !printed.contains(password), "{printed}");
    }
    world.eventually(|world| is_over_everywhere(world, &laptop));
}
