//! The scenarios on this rung: the real module in real Envoy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::disallowed_methods,
    reason = "tests"
)]
#![allow(unreachable_pub, reason = "what the rungs share is public among them")]

mod flows;
mod support;

use support::envoy_rig::EnvoyRig;

flows::scenarios_for!(EnvoyRig);
