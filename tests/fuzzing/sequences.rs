//! Whole sequences of steps: logins that are begun, finished, mixed up and replayed.

use super::world;
use crate::support::sequence::{Sequence, steps_of};

/// The bytes choose the steps, as random numbers do in the tier `properties`. A model predicts
/// every outcome.
pub(super) fn sequence(bytes: &[u8]) {
    Sequence::run_all(world(|_| {}), &steps_of(bytes));
}
