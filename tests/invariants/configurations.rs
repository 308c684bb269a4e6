//! Random configurations, and the lookup of hosts.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use tenantgate::config;
use tenantgate::http::host::{Host, HostPattern};

use super::{fragment, tries};
use crate::support::clock::Clock;
use crate::support::configuration::{configuration, tenant};
use crate::support::core_harness::LOAD_CONTEXT;
use crate::support::issuer::Issuer;
use crate::support::signer::Signer;

fn issuer() -> Issuer {
    Issuer::new("https://login.example", "none", Signer::eddsa(), Clock::Real)
}

proptest! {
    #![proptest_config(tries(2000))]

    /// The lookup agrees with a linear search.
    #[test]
    fn hosts_match_their_patterns(
        patterns in vec("(\\*\\.)?[ab](\\.[ab]){1,3}", 1..6), host in "[ab](\\.[ab]){0,4}",
    ) {
        let mut patterns = patterns;
        patterns.sort();
        patterns.dedup();
        let tenants: Vec<Value> = patterns.iter().enumerate().map(|(number, pattern)| {
            let mut tenant = tenant(&format!("t{number}"), &issuer());
            tenant["hosts"] = json!([pattern]);
            let bare = pattern.trim_start_matches("*.");
            let login = format!("{}{bare}", if bare.len() < pattern.len() { "x." } else { "" });
            tenant["login"] = json!({ "redirect_uri": format!("https://{login}/oauth2/callback"), "cookie_domain": bare });
            tenant
        }).collect();
        let loaded = config::load(configuration(&tenants).to_string().as_bytes(), LOAD_CONTEXT).unwrap();
        prop_assert_eq!(&loaded.problems, &vec![]);
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
