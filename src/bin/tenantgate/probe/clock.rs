//! The clock of the provider, by the header `Date` of its answers.

use tenantgate::token::LEEWAY;
use x509_cert::der::DateTime;

use super::client::Answer;
use super::finding::Finding;

/// The difference between the clock of the provider and that of this machine.
pub(super) fn probe(answer: &Answer) -> Finding {
    let Some(date) = answer.header("date").and_then(seconds) else {
        return Finding::warning(ABOUT, "the provider sends no usable `Date`, so its clock is not known");
    };
    let (began, ended) = answer.between;
    // `Date` has whole seconds, and was written between the two.
    let (ahead, behind) = (date.saturating_sub(ended), began.saturating_sub(date.saturating_add(1)));
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

/// The seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
fn seconds(date: &str) -> Option<u64> {
    let mut words = date.split_once(", ")?.1.split([' ', ':']);
    let mut number = || words.next()?.parse::<u16>().ok();
    let day = number()?;
    let month = words.next().and_then(|name| MONTHS.iter().position(|known| *known == name))?;
    let mut number = || words.next()?.parse::<u16>().ok();
    let (year, hour, minute, second) = (number()?, number()?, number()?, number()?);
    let small = |number: u16| u8::try_from(number).ok();
    let month = u8::try_from(month).ok()?.saturating_add(1);
    let time = DateTime::new(year, month, small(day)?, small(hour)?, small(minute)?, small(second)?).ok()?;
    (words.next() == Some("GMT")).then(|| time.unix_duration().as_secs())
}

const ABOUT: &str = "clock";
/// A difference, in seconds, that is not worth a word.
const SMALL: u64 = 5;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        for wrong in
            ["", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 2026 00:00:00 GMT"]
        {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
