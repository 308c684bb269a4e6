//! Tests of the tier `envoy` beside the scenarios.

mod bodies;
mod etcd_members;
mod rendered;
mod sign_out;
