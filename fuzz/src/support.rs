//! What the targets use of `tests/support`.
#![allow(dead_code)]

#[path = "../../tests/support/browser.rs"]
pub mod browser;
#[path = "../../tests/support/clock.rs"]
pub mod clock;
#[path = "../../tests/support/configuration.rs"]
pub mod configuration;
#[path = "../../tests/support/core_harness.rs"]
pub mod core_harness;
#[path = "../../tests/support/crypto.rs"]
pub mod crypto;
#[path = "../../tests/support/etcd.rs"]
pub mod etcd;
#[path = "../../tests/support/gate.rs"]
pub mod gate;
#[path = "../../tests/support/harness.rs"]
pub mod harness;
#[path = "../../tests/support/http.rs"]
pub mod http;
#[path = "../../tests/support/issuer.rs"]
pub mod issuer;
#[path = "../../tests/support/sequence.rs"]
pub mod sequence;
#[path = "../../tests/support/shared.rs"]
pub mod shared;
#[path = "../../tests/support/signer.rs"]
pub mod signer;
#[path = "../../tests/support/world.rs"]
pub mod world;
