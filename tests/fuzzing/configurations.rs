//! Configurations.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenantgate::base::time::UnixTime;
use tenantgate::config;
use tenantgate::env::Env;
use tenantgate::filter::{Filter, Input};
use tenantgate::http::request::RequestHead;

use super::world;
use crate::support::core_harness::{LOAD_CONTEXT, MachineEntropy, VERIFIER};
use crate::support::shared::SharedStore;

/// A configuration loads, or every mistake has a text. Bytes that are a JSON object change one that
/// loads, at the top by the member `""`, else in its first tenant. What has loaded takes a request.
pub(super) fn configuration(bytes: &[u8]) {
    let text = match serde_json::from_slice::<Map<String, Value>>(bytes) {
        Ok(mut members) => {
            let mut configuration = world(|_| {}).configuration();
            if let Some(Value::Object(top)) = members.remove("") {
                configuration.as_object_mut().unwrap().extend(top);
            }
            if let Some(tenant) = configuration["tenants"].get_mut(0).and_then(Value::as_object_mut) {
                tenant.extend(members);
            }
            configuration.to_string().into_bytes()
        }
        Err(_) => bytes.to_vec(),
    };
    let runtime = match config::load(&text, LOAD_CONTEXT) {
        Ok(loaded) => Arc::new(loaded.runtime),
        Err(errors) => {
            assert!(errors.iter().count() > 0 && errors.iter().all(|error| !error.to_string().is_empty()));
            return;
        }
    };
    let head = [(":method", "GET"), (":authority", "acme.example"), (":path", "/page"), ("accept", "text/html")];
    let head = RequestHead::new(head.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())));
    let (mut entropy, shared) = (MachineEntropy, SharedStore::default());
    let env = &mut Env::new(Some(UnixTime(1_800_000_000)), &mut entropy, VERIFIER, &shared);
    let _ = json!(format!("{:?}", Filter::new(runtime).step(Input::Request(head), env)));
}
