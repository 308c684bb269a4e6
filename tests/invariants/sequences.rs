//! Random sequences of steps.

use proptest::prelude::*;

use super::tries;
use crate::support::sequence::{Sequence, steps};
use crate::support::world::World;

proptest! {
    #![proptest_config(tries(1000))]

    #[test]
    fn every_sequence_ends_as_the_model_predicts(steps in steps()) {
        Sequence::run_all(World::new(), &steps);
    }
}
