//! Refreshing a session (RFC 6749 section 6, OpenID Connect Core section 12): the issuer is asked whether the identity
//! still holds, and what it is now.
//!
//! The issuer is asked ahead of time, beside a request that goes on at once. A request that comes too late waits for
//! the response. Scenarios: `tests/scenarios/refresh.rs`.

mod error;
mod freshness;
mod refreshing;

pub(crate) use freshness::{SessionFreshness, freshness};
pub(crate) use refreshing::{RefreshOutcome, RefreshStep, Refreshing};
