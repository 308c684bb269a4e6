//! The clock of a server, by the header `Date` of its answers.

use x509_cert::der::DateTime;

use super::Answer;

/// How far the clock of a server is from that of this machine, in seconds. One of them is 0.
pub(crate) struct Skew {
    pub(crate) ahead: u64,
    pub(crate) behind: u64,
}

impl Answer {
    /// The difference of the clocks. `None` if the server sends no usable `Date`.
    pub(crate) fn skew(&self) -> Option<Skew> {
        let date = self.header("date").and_then(seconds)?;
        let (began, ended) = self.between;
        // `Date` has whole seconds, and was written between the two.
        Some(Skew { ahead: date.saturating_sub(ended), behind: began.saturating_sub(date.saturating_add(1)) })
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
