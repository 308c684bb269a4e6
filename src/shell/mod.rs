//! The border to the host (proxy-wasm ABI 0.2.1): callbacks become inputs, effects become host calls. Nothing is decided here.
//!
//! The SDK panics on a host status that it does not expect. That ends this VM, and the request with 503; see
//! `envoy/README.md` for the failure policy that brings the VM back.

mod abi;
mod call;
mod counters;
mod host;
mod root;
mod shared;
mod stream;
mod verifier;
mod waiting;

use proxy_wasm::traits::RootContext;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| -> Box<dyn RootContext> { Box::new(root::Root::default()) });
}}
