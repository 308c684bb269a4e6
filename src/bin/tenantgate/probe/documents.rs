//! The documents of the provider as the filter fetches them: with its own checks.

use std::cell::RefCell;
use std::collections::HashMap;

use tenantgate::base::event::Event;
use tenantgate::env::NoClientAddress;
use tenantgate::env::shared::{SharedData, SharedWriteError, Version};
use tenantgate::oauth::discovery::JwksRefresher;
use tenantgate::runtime::Runtime;

use super::finding::Finding;
use crate::client::{Client, response};
use crate::machine::with_env;

/// Lets the filter fetch what it needs. The findings are what it would log.
pub(super) fn fetch(client: &Client, runtime: &Runtime) -> Vec<Finding> {
    let shared = Memory::default();
    let mut refresher = with_env(&shared, &NoClientAddress, |env| JwksRefresher::new(runtime.providers(), env));
    let mut found = Vec::new();
    let mut actions = with_env(&shared, &NoClientAddress, |env| refresher.tick(env));
    loop {
        for line in &actions.log {
            let reason = line.text.split_once(": ").map_or("", |(_, reason)| reason);
            let reason = reason.trim_end_matches("; what was fetched before stays in use");
            if line.event == Event::JwksFetchFailed {
                found.push(Finding::error(ABOUT, reason));
            } else if line.event == Event::MetadataIncomplete {
                found.push(Finding::warning(ABOUT, reason));
            }
        }
        let Some((id, call)) = actions.calls.pop() else { return found };
        let answer = client.call(&call);
        actions = with_env(&shared, &NoClientAddress, |env| refresher.called(id, response(&answer), env));
    }
}

/// The shared data of a process with one VM.
#[derive(Default)]
struct Memory(RefCell<HashMap<String, (Vec<u8>, u32)>>);

impl SharedData for Memory {
    fn get(&self, key: &str) -> Option<(Vec<u8>, Version)> {
        self.0.borrow().get(key).map(|(value, version)| (value.clone(), Version(*version)))
    }

    fn set(&self, key: &str, value: &[u8], version: Option<Version>) -> Result<(), SharedWriteError> {
        let mut values = self.0.borrow_mut();
        let held = values.get(key).map_or(0, |(_, version)| *version);
        if version.is_some_and(|Version(expected)| expected != held) {
            return Err(SharedWriteError);
        }
        values.insert(key.to_owned(), (value.to_vec(), held.wrapping_add(1)));
        Ok(())
    }
}

const ABOUT: &str = "discovery";
