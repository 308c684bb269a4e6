//! Tier `properties`: the invariants, with random input.
#![allow(clippy::restriction, clippy::disallowed_methods, unreachable_pub, reason = "tests")]

mod invariants;
mod support;
