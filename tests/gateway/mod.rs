//! Tests of the tier `envoy` beside the scenarios.

mod bodies;
mod sign_out;
