//! The invariants, on inputs that nobody thought of.
#![allow(clippy::restriction, clippy::disallowed_methods, unreachable_pub, reason = "tests")]

mod invariants;
mod support;
