//! What every room may use.

pub mod encoding;
pub mod event;
pub mod json;
pub mod secret;
pub mod time;
