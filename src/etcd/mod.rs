//! etcd through its JSON gateway: the operations that are used, and the calls for them. Envoy makes
//! the calls, as it does for a provider.
//!
//! This room knows keys, values, leases and revisions. It does not know what the values mean.

mod answer;
mod call;
mod client;
mod error;
mod operation;
mod pages;

pub(crate) use answer::{Answer, Pair};
pub(crate) use call::{EtcdCall, EtcdStep};
pub(crate) use client::Etcd;
pub(crate) use error::EtcdError;
pub(crate) use operation::{Lease, Operation, Put, Range, Write};
pub(crate) use pages::Pages;
