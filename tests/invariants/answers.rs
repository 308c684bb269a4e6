//! Random answers of a token endpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use super::{fragment, tries};
use crate::support::core_harness::CoreHarness;
use crate::support::issuer::Answer;
use crate::support::world::{World, ada};

/// A change to a text, at any position.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, char),
    Insert(Index, char),
    Delete(Index),
    CutOff(Index),
}

impl Change {
    fn apply(&self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        let length = characters.len();
        match self {
            Self::Replace(place, other) => characters[place.index(length)] = *other,
            Self::Insert(place, other) => characters.insert(place.index(length + 1), *other),
            Self::Delete(place) => drop(characters.remove(place.index(length))),
            Self::CutOff(place) => characters.truncate(place.index(length)),
        }
        characters.into_iter().collect()
    }
}

fn change() -> impl Strategy<Value = Change> {
    let character =
        prop_oneof![4 => "[A-Za-z0-9_.=-]".prop_map(|text| text.chars().next().unwrap()), 1 => any::<char>()];
    prop_oneof![
        4 => (any::<Index>(), character.clone()).prop_map(|(place, other)| Change::Replace(place, other)),
        2 => (any::<Index>(), character).prop_map(|(place, other)| Change::Insert(place, other)),
        2 => any::<Index>().prop_map(Change::Delete),
        1 => any::<Index>().prop_map(Change::CutOff),
    ]
}

proptest! {
    #![proptest_config(tries(1000))]

    /// No random answer of the token endpoint gives a session or a panic.
    #[test]
    fn no_random_token_response_makes_a_session(status in any::<u16>(), body in vec(fragment(), 0..20), tokens in any::<bool>()) {
        let mut world = World::<CoreHarness>::new();
        let body = body.concat();
        let body = if tokens {
            json!({ "access_token": "a", "token_type": "Bearer", "id_token": String::from_utf8_lossy(&body) }).to_string().into_bytes()
        } else {
            body
        };
        world.issuer("acme", |issuer| issuer.answer = Answer::Raw(status, body));
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
        let reply = world.open(&mut browser, &callback).reply();
        prop_assert!(matches!(reply.status, 400 | 403 | 503));
        prop_assert!(!browser.has_session());
    }

    /// A changed ID token is refused.
    #[test]
    fn a_changed_token_is_refused(change in change()) {
        let mut world = World::<CoreHarness>::new();
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
        let (unchanged, made) = (Arc::new(AtomicBool::new(false)), change.clone());
        let same = unchanged.clone();
        world.issuer("acme", |issuer| issuer.tamper = Box::new(move |token| {
            let changed = made.apply(&token);
            same.store(changed == token, Ordering::SeqCst);
            changed
        }));
        let reply = world.open(&mut browser, &callback).reply();
        prop_assume!(!unchanged.load(Ordering::SeqCst));
        prop_assert_eq!(reply.status, 403);
        prop_assert!(!browser.has_session());
    }
}
