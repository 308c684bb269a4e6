//! The refresh of a session (RFC 6749 section 6, OpenID Connect Core section 12): the issuer
//! confirms the identity and sends its current claims.
//!
//! The filter refreshes early, beside a request that continues at once. If the identity is already
//! too old, the request waits for the refresh. This room knows the session and its refresh token.
//! It does not know what the request is for. Scenarios: `tests/scenarios/refresh.rs`.

mod awaited;
mod error;
mod freshness;
mod refreshing;
mod time_limit;

pub(crate) use awaited::{AwaitedCookies, AwaitedRefresh};
pub(crate) use freshness::{SessionFreshness, freshness};
pub(crate) use refreshing::{RefreshStep, Refreshing, StartRefresh, UnusedToken};
