//! Tests of the tier `envoy` beside the scenarios.

mod bodies;
mod egress;
mod etcd_cut_off;
mod etcd_members;
mod etcd_slow;
mod etcd_tls;
mod refresh_once;
mod rendered;
mod sign_out;
mod tenants_command;
