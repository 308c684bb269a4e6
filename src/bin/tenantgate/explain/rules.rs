//! Which rule matches a request, and why the others do not.

use std::net::{IpAddr, Ipv6Addr};

use serde_json::{Map, Value};
use tenantgate::access::{Description, RouteDecision};
use tenantgate::http::host::Host;
use tenantgate::http::request::{RequestHead, Target};
use tenantgate::runtime::TenantEntry;

use crate::browser::Request;
use crate::variables::VmEnvironment;

/// What is said about each rule of a tenant, in order.
pub(super) fn rules(
    configuration: &Value,
    tenant: usize,
    host: &Host,
    request: &Request,
    vm: &VmEnvironment<'_>,
) -> Vec<String> {
    let rules = configuration.get("tenants").and_then(|tenants| tenants.get(tenant)?.get("access")?.as_array());
    let Some(rules) = rules else { return vec!["there are no rules: every user of the tenant may".to_owned()] };
    let ask = |rule: &Value| ask(configuration, tenant, rule, host, request, vm);
    let mut lines = Vec::new();
    let mut decided = false;
    for (number, rule) in rules.iter().enumerate() {
        let line = match ask(rule) {
            _ if decided => "not asked".to_owned(),
            Some(Answer::Matches(verdict)) => {
                decided = true;
                format!("matches: {verdict}")
            }
            Some(Answer::Refuses(reason)) => {
                decided = true;
                // Alone it has the number 0.
                reason.replace("access[0]", &format!("access[{number}]"))
            }
            Some(Answer::DoesNotMatch) => format!("does not match{}", reasons(rule, &ask)),
            None => "cannot be read".to_owned(),
        };
        lines.push(format!("access[{number}] {line}"));
    }
    lines
}

enum Answer {
    Matches(String),
    DoesNotMatch,
    /// The path has several readings.
    Refuses(String),
}

/// The answer of a tenant with this rule alone.
fn ask(
    configuration: &Value,
    tenant: usize,
    rule: &Value,
    host: &Host,
    request: &Request,
    vm: &VmEnvironment<'_>,
) -> Option<Answer> {
    let mut configuration = configuration.clone();
    let section = configuration.get_mut("tenants")?.get_mut(tenant)?.as_object_mut()?;
    section.insert("access".to_owned(), Value::Array(vec![rule.clone()]));
    section.remove("access_default");
    let loaded = super::load(&configuration, vm).ok()?;
    let TenantEntry::Served(served) = loaded.runtime.entries().get(tenant)? else { return None };
    let lines = [(":method", &request.method), (":path", &request.path)];
    let lines = lines.into_iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let more = request.headers.iter().map(|(name, value)| (name.clone(), value.as_bytes().to_vec()));
    let head = RequestHead::new(lines.chain(more));
    let target = Target::parse(request.path.as_bytes())?;
    let client = || request.client.or(Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
    Some(match RouteDecision::new(&head, &served.model, host, target, &client).describe() {
        Description::Refused(error) => Answer::Refuses(format!("{}", Description::Refused(error))),
        description @ Description::Decided(Some(_), _) => {
            Answer::Matches(description.to_string().replace(" (access[0])", ""))
        }
        Description::Decided(None, _) => Answer::DoesNotMatch,
    })
}

/// The conditions of the rule that the request does not meet, each asked alone.
fn reasons(rule: &Value, ask: &dyn Fn(&Value) -> Option<Answer>) -> String {
    let Some(rule) = rule.as_object() else { return String::new() };
    let failing = ["paths", "methods", "hosts", "client_ips"].into_iter().filter(|name| {
        let Some(condition) = rule.get(*name) else { return false };
        let alone: Map<String, Value> =
            [((*name).to_owned(), condition.clone()), ("deny".to_owned(), true.into())].into_iter().collect();
        matches!(ask(&Value::Object(alone)), Some(Answer::DoesNotMatch))
    });
    let failing: Vec<String> = failing.map(|name| format!("`{name}`")).collect();
    if failing.is_empty() { String::new() } else { format!(": {}", failing.join(" and ")) }
}
