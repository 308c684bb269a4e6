//! Tests of the tier `envoy` beside the scenarios.

mod bodies;
mod rendered;
mod sign_out;
