//! Random configurations, and the lookup of hosts.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use tenantgate::config;
use tenantgate::http::host::{Host, HostPattern};
use tenantgate::runtime::TenantEntry;

use super::{fragment, tries};
use crate::support::clock::Clock;
use crate::support::configuration::{configuration, tenant};
use crate::support::core_harness::LOAD_CONTEXT;
use crate::support::issuer::Issuer;
use crate::support::signer::Signer;

fn issuer() -> Issuer {
    Issuer::new("https://login.example", "none", Signer::eddsa(), Clock::Real)
}

/// Every host of up to four labels `a` and `b`, also with the label `c` before them.
fn every_host() -> Vec<Host> {
    let mut names = vec![String::new()];
    let mut start = 0;
    for _ in 0..4 {
        let longer: Vec<String> =
            names[start..].iter().flat_map(|name| ["a", "b"].map(|label| format!("{label}.{name}"))).collect();
        start = names.len();
        names.extend(longer);
    }
    let names = names.iter().flat_map(|name| [name.clone(), format!("c.{name}")]);
    names.filter_map(|name| Host::from_name(name.strip_suffix('.')?).ok()).collect()
}

proptest! {
    #![proptest_config(tries(2000))]

    /// The lookup agrees with a linear search.
    #[test]
    fn hosts_match_their_patterns(
        patterns in vec("(\\*\\.)?[ab](\\.[ab]){1,3}", 1..6), host in "[ab](\\.[ab]){0,4}", wide in any::<bool>(),
    ) {
        let mut patterns = patterns;
        patterns.sort();
        patterns.dedup();
        let tenants: Vec<Value> = patterns.iter().enumerate().map(|(number, pattern)| {
            let mut tenant = tenant(&format!("t{number}"), &issuer());
            tenant["hosts"] = json!([pattern]);
            let bare = pattern.trim_start_matches("*.");
            let login = format!("{}{bare}", if bare.len() < pattern.len() { "x." } else { "" });
            let parent = bare.split_once('.').map(|(_, parent)| parent).filter(|parent| wide && parent.contains('.'));
            let domain = parent.unwrap_or(bare);
            tenant["login"] = json!({ "redirect_uri": format!("https://{login}/oauth2/callback"), "cookie_domain": domain });
            tenant
        }).collect();
        let domains: Vec<Host> = tenants.iter().map(|tenant| {
            Host::from_name(tenant["login"]["cookie_domain"].as_str().unwrap()).unwrap()
        }).collect();
        let loaded = config::load(configuration(&tenants).to_string().as_bytes(), LOAD_CONTEXT).unwrap();
        prop_assert!(loaded.problems.iter().all(|problem| problem.to_string().contains(": login.cookie_domain: ")));
        // A tenant is refused exactly if its cookie domain has a host that another tenant gets. One
        // label that is in no pattern stands for all such labels.
        let hosts = every_host();
        for (number, (entry, domain)) in loaded.runtime.entries().iter().zip(&domains).enumerate() {
            let own = format!("TenantName(\"t{number}\")");
            let shared = hosts.iter().filter(|host| host.is_within(domain))
                .filter_map(|host| loaded.runtime.select(host))
                .any(|found| !format!("{found:?}").contains(&own));
            prop_assert_eq!(matches!(entry, TenantEntry::Broken(_)), shared, "{:?} {}", &patterns, number);
        }
        let host = Host::from_name(&host).unwrap();
        // An exact name wins, then the longest wildcard.
        let naive = patterns.iter().filter(|text| HostPattern::parse(text).unwrap().matches(&host))
            .max_by_key(|text| (!text.starts_with('*'), text.len()));
        let found = loaded.runtime.select(&host).map(|entry| format!("{entry:?}"));
        match naive {
            None => prop_assert!(found.is_none()),
            Some(pattern) => {
                let name = format!("t{}", patterns.iter().position(|other| other == pattern).unwrap());
                let expected = format!("TenantName(\"{name}\")");
                prop_assert!(found.is_some_and(|entry| entry.contains(&expected)));
            }
        }
    }

    /// Neither the loader nor the host parser panics.
    #[test]
    fn loading_never_panics(bytes in vec(fragment(), 0..30)) {
        let bytes = bytes.concat();
        let _ = config::load(&bytes, LOAD_CONTEXT);
        let _ = Host::from_authority(&bytes);
    }

    /// A valid configuration with one changed value: it loads, or every error names a place.
    #[test]
    fn a_mutated_configuration_loads_or_names_the_place(place in any::<Index>(), value in select(vec![json!(null), json!(true), json!(-1.5), json!(""), json!("x"), json!([]), json!({}), json!([[]]), json!({ "a": {} })])) {
        let mut mutated = configuration(&[tenant("acme", &issuer())]);
        let mut places = Vec::new();
        pointers(&mutated, String::new(), &mut places);
        let place = &places[place.index(places.len())];
        *mutated.pointer_mut(place).unwrap() = value;
        if let Err(errors) = config::load(mutated.to_string().as_bytes(), LOAD_CONTEXT) {
            prop_assert!(errors.iter().count() > 0);
        }
    }
}

fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, inner)| pointers(inner, format!("{at}/{name}"), found));
        }
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, inner)| pointers(inner, format!("{at}/{index}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found.push(at);
}
