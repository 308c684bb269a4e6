//! Logout: by the user ([`logout`], [`logout_before`]), by the issuer in a frame
//! ([`frontchannel_logout`]), and by the issuer from server to server ([`BackchannelRequest`]).
//!
//! This room knows sessions and revocation. It does not know logins or refreshes. Scenarios:
//! `tests/scenarios/{logout,frontchannel,backchannel}.rs`.

mod backchannel;
mod end_session;
mod frontchannel;
mod pages;
mod rp_initiated;

pub(crate) use backchannel::BackchannelRequest;
pub(crate) use end_session::SignOut;
pub(crate) use frontchannel::frontchannel_logout;
pub(crate) use rp_initiated::{logout, logout_before};
