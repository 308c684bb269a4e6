//! The clock of the provider, by the header `Date` of its answers.

use tenantgate::token::LEEWAY;

use super::finding::Finding;
use crate::client::{Answer, Skew};

/// The difference between the clock of the provider and that of this machine.
pub(super) fn probe(answer: &Answer) -> Finding {
    let Some(Skew { ahead, behind }) = answer.skew() else {
        return Finding::warning(ABOUT, "the provider sends no usable `Date`, so its clock is not known");
    };
    let (skew, which) = if ahead > 0 { (ahead, "ahead of") } else { (behind, "behind") };
    let message = format!("the clock of the provider is {skew} s {which} this machine's");
    let limit = LEEWAY.as_secs();
    let help = format!("set both clocks by NTP; from {limit} s on, tokens are refused");
    match skew {
        0 => Finding::ok(ABOUT, "the clock of the provider agrees with that of this machine"),
        _ if skew <= SMALL => Finding::ok(ABOUT, message),
        _ if skew < limit => Finding::warning(ABOUT, message).help(help),
        _ => Finding::error(ABOUT, message).help(help),
    }
}

const ABOUT: &str = "clock";
/// A difference, in seconds, that is not worth a word.
const SMALL: u64 = 5;
