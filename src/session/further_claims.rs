//! Claims in a session: their layout is the issuer's, so they are kept as JSON.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json;

/// Claims by their path as configured, as JSON text; none are an empty text.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct FurtherClaims(String);

impl FurtherClaims {
    pub(super) fn of(claims: &Map<String, Value>) -> Self {
        if claims.is_empty() { Self::default() } else { Self(Value::Object(claims.clone()).to_string()) }
    }

    /// The claims.
    pub(crate) fn read(&self) -> Map<String, Value> {
        // What was sealed is JSON. If it were not, whoever lacks a claim is let in nowhere.
        json::parse_object(self.0.as_bytes()).unwrap_or_default()
    }
}
