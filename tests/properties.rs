//! The invariants, on inputs that nobody thought of.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
#![allow(clippy::wildcard_enum_match_arm, reason = "tests")]
#![allow(clippy::arithmetic_side_effects, clippy::string_slice, clippy::disallowed_methods, reason = "tests")]
#![allow(unreachable_pub, reason = "what the rungs share is public among them")]

mod invariants;
mod support;
