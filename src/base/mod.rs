//! Basic types that every other module may use: encodings, events, JSON, secrets and time.

pub mod encoding;
pub mod event;
pub mod json;
pub mod secret;
pub mod time;
