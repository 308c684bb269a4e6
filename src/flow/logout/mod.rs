//! Sign-out: by the person, who comes here ([`logout`]), and by the issuer, in a frame of its own page
//! ([`frontchannel_logout`]) or from server to server ([`BackchannelRequest`]).
//! Scenarios: `tests/scenarios/{logout,frontchannel,backchannel}.rs`.

mod backchannel;
mod end_session;
mod frontchannel;
mod rp_initiated;

pub(crate) use backchannel::BackchannelRequest;
pub(crate) use frontchannel::frontchannel_logout;
pub(crate) use rp_initiated::logout;
