//! The guide: its files, its commands in their order, and what they print.

use super::fixture::Gates;
use crate::{KEY, run};

const GUIDE: &str = include_str!("../../../docs/guides/tenants-in-etcd.md");

fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    GUIDE.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// The commands with what they print.
fn commands() -> Vec<(&'static str, String)> {
    let mut commands: Vec<(&str, String)> = Vec::new();
    for line in blocks("console").into_iter().flat_map(str::lines) {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command, String::new())),
            None => commands.last_mut().unwrap().1 += &format!("{line}\n"),
        }
    }
    commands
}

#[test]
fn the_commands_print_what_the_guide_says() {
    let gates = Gates::new();
    let [configuration, tenant] = blocks("yaml").try_into().unwrap();
    let configuration = configuration.replace("prefix: /tenants/", &format!("prefix: {}", gates.prefix));
    gates.file("gate.yaml", &configuration);
    gates.file("acme.yaml", tenant);
    gates.file("documents.pem", crate::support::signer::Signer::eddsa().private_pem());
    gates.file("secrets.env", &format!("TENANTGATE_SESSION_KEY={KEY}\nACME_SECRET=correct-horse-battery\n"));
    let etcd = format!("http://{}", gates.etcd.address);
    let commands = commands();
    let kinds: Vec<&str> = commands.iter().map(|(command, _)| command.split(' ').nth(2).unwrap()).collect();
    assert_eq!(kinds, ["apply", "diff", "apply", "status", "list", "delete"]);
    for (number, (command, expected)) in commands.into_iter().enumerate() {
        if number == 1 {
            gates.file("acme.yaml", &tenant.replace("[engineers]", "[engineers, admins]"));
        }
        let words = command.split(' ').skip(1).map(|word| match word {
            "gate.yaml" | "acme.yaml" | "documents.pem" | "secrets.env" => gates.path(word),
            "http://127.0.0.1:2379" => etcd.clone(),
            word => word.to_owned(),
        });
        let words: Vec<String> = words.collect();
        let (code, output, errors) = run(&words.iter().map(String::as_str).collect::<Vec<_>>(), "");
        assert_eq!((code, errors.as_str()), (i32::from(number == 1), ""), "{command}: {output}");
        let mut shown = output.replace(&etcd, "http://127.0.0.1:2379");
        if let Some(time) = shown.split_whitespace().find(|word| humantime::parse_rfc3339(word).is_ok()) {
            shown = shown.replace(time, "2026-11-26T19:00:00Z");
        }
        assert_eq!(shown, expected, "{command}");
    }
    assert!(gates.keys().iter().all(|(key, _)| key.starts_with("changes/")));
}
