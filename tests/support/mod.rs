//! Support code for all tiers.
#![allow(dead_code, reason = "each tier uses a part")]

pub mod authority;
pub mod browser;
pub mod clock;
pub mod configuration;
pub mod core_harness;
pub mod crypto;
pub mod documents;
pub mod envoy_harness;
pub mod envoy_process;
pub mod etcd;
pub mod etcd_cluster;
pub mod fleet_harness;
pub mod gate;
pub mod harness;
pub mod host;
pub mod http;
pub mod http2;
pub mod issuer;
pub mod module_harness;
pub mod peer_proxy;
pub mod replicas;
pub mod sealed;
pub mod sequence;
pub mod shared;
pub mod signer;
pub mod slow_proxy;
pub mod web_server;
pub mod world;
