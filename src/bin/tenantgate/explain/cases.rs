//! A table of requests with what is expected of each: the tests of an operator's rules.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Explainer, Identity, Person, Verdict};
use crate::browser::{NAVIGATION, Request};
use crate::source::{Source, SourceError};
use crate::yaml::{Node, documents};

/// Runs the cases of the file. The output has a line for each that fails, and the numbers.
pub(crate) fn run_cases(explainer: &Explainer, file: &Path) -> Result<(String, bool), String> {
    let source = Source::read(file).map_err(|error| match error {
        SourceError::Unreadable(problem) => problem,
        SourceError::Encoding(problem) => format!("{}: {problem}", file.display()),
    })?;
    let mut out = String::new();
    let (mut passed, mut failed) = (0_usize, 0_usize);
    for document in documents(&source.text) {
        let document = document.map_err(|error| {
            let at = source.position(error.span.start);
            format!("{}:{}:{}: is not YAML: {}", source.name, at.line, at.column, error.message)
        })?;
        for case in document.elements() {
            let at = source.position(case.span.start);
            let place = format!("{}:{}:{}", source.name, at.line, at.column);
            let (request, identity, expected) = read(case).map_err(|problem| format!("{place}: {problem}"))?;
            let explanation = explainer.explain(&request, &identity)?;
            match differences(&explanation.verdict, explanation.decision(), &expected) {
                problems if problems.is_empty() => passed = passed.saturating_add(1),
                problems => {
                    failed = failed.saturating_add(1);
                    let head = format!("{place}: failed: {} https://{}{}", request.method, request.host, request.path);
                    out.push_str(&format!("{head}: {}\n", problems.join("; ")));
                    for line in explanation.text().lines() {
                        out.push_str(&format!("    {line}\n"));
                    }
                }
            }
        }
    }
    if passed.saturating_add(failed) == 0 {
        return Err(format!("{}: has no cases; it is a list of {{host, path, expect}}", source.name));
    }
    out.push_str(&format!("{passed} passed, {failed} failed\n"));
    Ok((out, failed == 0))
}

/// What a case expects.
struct Expected {
    /// `allow`, `deny`, `login` or a status code.
    decision: String,
    /// Headers that the upstream gets. `null` stands for none of this name.
    headers: Map<String, Value>,
}

fn read(case: &Node) -> Result<(Request, Identity, Expected), String> {
    let unknown = case.members().iter().filter_map(|member| member.key.text()).find(|name| !FIELDS.contains(name));
    if let Some(name) = unknown {
        return Err(format!("unknown field {name:?}; the fields of a case are {}", FIELDS.join(", ")));
    }
    let text = |name: &str| case.get(name).and_then(Node::text).map(str::to_owned);
    let list =
        |name: &str| case.get(name).into_iter().flat_map(Node::elements).filter_map(Node::text).map(str::to_owned);
    let object = |name: &str| case.get(name).and_then(|node| node.value().as_object().cloned()).unwrap_or_default();
    let required = |name: &str| text(name).ok_or_else(|| format!("`{name}` is missing"));
    let mut headers: Vec<(String, String)> = NAVIGATION.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    for (name, value) in object("request_headers") {
        headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        headers.push((name, value.as_str().unwrap_or_default().to_owned()));
    }
    let client = text("client_ip").map(|ip| ip.parse().map_err(|_| format!("{ip:?} is no IP address"))).transpose()?;
    let request = Request {
        host: required("host")?,
        method: text("method").unwrap_or_else(|| "GET".to_owned()),
        path: required("path")?,
        headers,
        client,
    };
    let person =
        Person { user: text("user"), email: text("email"), groups: list("groups").collect(), claims: object("claims") };
    let is_nobody = person.user.is_none() && person.email.is_none() && person.claims.is_empty();
    let identity = if is_nobody { Identity::Anonymous } else { Identity::Session(Box::new(person)) };
    let decision = required("expect")?;
    if !matches!(decision.as_str(), "allow" | "deny" | "login") && decision.parse::<u16>().is_err() {
        return Err(format!("expect: {decision:?} is none of allow, deny, login and a status code"));
    }
    Ok((request, identity, Expected { decision, headers: object("headers") }))
}

fn differences(verdict: &Verdict, decision: &str, expected: &Expected) -> Vec<String> {
    let mut problems = Vec::new();
    let got = match (expected.decision.parse::<u16>(), verdict) {
        (Ok(_), Verdict::Replied { status, .. }) => status.to_string(),
        _ => decision.to_owned(),
    };
    if got != expected.decision {
        problems.push(format!("expected {}, got {got}", expected.decision));
    }
    let Verdict::Forwarded { set, .. } = verdict else { return problems };
    for (name, value) in &expected.headers {
        let received = set.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
        if received != value.as_str() {
            let shown = |value: Option<&str>| value.map_or_else(|| "no such header".to_owned(), |v| format!("{v:?}"));
            problems.push(format!("{name}: expected {}, got {}", shown(value.as_str()), shown(received)));
        }
    }
    problems
}

const FIELDS: [&str; 11] = [
    "host",
    "path",
    "method",
    "user",
    "email",
    "groups",
    "claims",
    "client_ip",
    "request_headers",
    "expect",
    "headers",
];
