//! The scenarios on this rung: the core itself, with simulated time.
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

use support::core_rig::CoreRig;

flows::scenarios_for!(CoreRig);
mod timed {
    use super::*;

    flows::timed_scenarios_for!(CoreRig);
}
