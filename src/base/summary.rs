//! Lines for the log that say how often an event happened, in place of one line for each.
//!
//! A request with a session that is over is normal, and so any client can cause it. Many of them at
//! a time are a sign-out of many users, which an operator has to see at Envoy's default log level.

use std::collections::HashMap;
use std::time::Duration;

use super::event::Event;
use super::tenant_name::TenantName;
use super::time::UnixTime;

/// How an event is summed up in the log.
pub(crate) struct Summarized {
    /// From how many occurrences within an interval on there is a line.
    least: u64,
    /// Whether anybody can cause the event, without a session or a login.
    is_forgeable: bool,
    /// What happened.
    pub(crate) reason: &'static str,
}

impl Event {
    /// How the event is summed up in the log. `None` if its own lines are enough.
    pub(crate) fn summarized(self) -> Option<&'static Summarized> {
        SUMMARIZED.iter().find(|(event, _)| *event == self).map(|(_, summarized)| summarized)
    }
}

const fn proven(event: Event, least: u64, reason: &'static str) -> (Event, Summarized) {
    (event, Summarized { least, is_forgeable: false, reason })
}

const fn forgeable(event: Event, reason: &'static str) -> (Event, Summarized) {
    (event, Summarized { least: ANY, is_forgeable: true, reason })
}

static SUMMARIZED: [(Event, Summarized); 12] = [
    forgeable(Event::BodyTimeout, BODY_TIMEOUT),
    forgeable(Event::RedirectLoop, REDIRECT_LOOP),
    forgeable(Event::SessionKeyUnknown, "the session cookie names a key that `session.keys` does not have"),
    forgeable(
        Event::SessionUnreadable,
        "the session cookie does not open: it is damaged, or of another issuer, client, key or release",
    ),
    proven(Event::SessionEmailUnverified, ANY, "the address of the session is not verified, which `identity` requires"),
    proven(Event::SessionInFuture, ANY, "the session began in the future: compare the clocks of the replicas"),
    proven(Event::SessionKeyRemoved, ANY, "the tenant does not have the key any more that verified the sign-in"),
    proven(Event::SessionNotBefore, ANY, "the session began before `sessions_not_before`"),
    proven(Event::SessionExpired, MANY, "the session is older than `session.lifetime`, or its ID token is over"),
    proven(Event::SessionIdle, MANY, "the session was not used for `session.idle`"),
    proven(Event::SessionRevoked, MANY, "the session was signed out"),
    proven(
        Event::SessionUnconfirmed,
        MANY,
        "the issuer rejected the refresh of the session, or did not confirm it in time",
    ),
];

/// The occurrences since the last lines about them. What anybody can cause has lines of its own, so
/// it neither delays the others nor drives them out.
#[derive(Debug, Default)]
pub struct Summary {
    proven: Sums,
    forgeable: Sums,
}

impl Summary {
    /// Counts occurrences of an event, if it is one that is summed up.
    pub fn add(&mut self, event: Event, tenant: Option<&TenantName>, count: u64) {
        if let Some(Summarized { is_forgeable, .. }) = event.summarized() {
            let sums = if *is_forgeable { &mut self.forgeable } else { &mut self.proven };
            let sum = sums.counts.entry((event, tenant.cloned())).or_default();
            *sum = sum.saturating_add(count);
        }
    }

    /// The lines that are due, at level info. Call it at each tick. There is a line for each event
    /// and tenant, at most once in an [`INTERVAL`], and [`MAX_LINES`] at most for what anybody can
    /// cause and for what takes a session each, those with the greatest counts. One more line has
    /// the sum of the others.
    pub fn take(&mut self, now: UnixTime) -> Vec<String> {
        let mut lines = self.proven.take(now, "");
        lines.extend(self.forgeable.take(now, FORGEABLE));
        lines
    }
}

#[derive(Debug, Default)]
struct Sums {
    counts: HashMap<(Event, Option<TenantName>), u64>,
    /// When the first of them can have happened.
    since: UnixTime,
    /// When the next lines may be written.
    next: UnixTime,
}

impl Sums {
    fn take(&mut self, now: UnixTime, note: &str) -> Vec<String> {
        // If the clock was set back, the lines must not wait until the old time is reached again.
        if self.counts.is_empty() || now < self.since {
            self.since = now;
            self.next = self.next.min(now.plus(INTERVAL));
        }
        let sums = self.counts.iter().filter_map(|((event, tenant), &count)| {
            let Summarized { least, reason, .. } = event.summarized()?;
            (count >= *least).then(|| Sum { event: *event, tenant: tenant.clone(), count, reason })
        });
        let sums: Vec<Sum> = if now < self.next { Vec::new() } else { sums.collect() };
        if sums.is_empty() && now < self.since.plus(INTERVAL) {
            return Vec::new();
        }
        let seconds = now.0.saturating_sub(self.since.0).max(1);
        self.counts.clear();
        self.since = now;
        if !sums.is_empty() {
            self.next = now.plus(INTERVAL);
        }
        lines(sums, seconds, note)
    }
}

/// The occurrences of one event at one tenant.
struct Sum {
    event: Event,
    tenant: Option<TenantName>,
    count: u64,
    reason: &'static str,
}

/// The lines for the greatest sums, and one for the rest.
fn lines(mut sums: Vec<Sum>, seconds: u64, note: &str) -> Vec<String> {
    let mut lines = Vec::new();
    // A sort function would make the module larger.
    while let Some((place, _)) = sums.iter().enumerate().max_by_key(|(_, sum)| sum.count) {
        if lines.len() >= MAX_LINES {
            let count = sums.iter().fold(0_u64, |all, sum| all.saturating_add(sum.count));
            let rest = sums.len();
            lines.push(format!(
                "summary tenant=-: {count} requests in {seconds} s, in {rest} further sums of an event at a tenant, \
                 which the counters have{note}"
            ));
            break;
        }
        let Sum { event, tenant, count, reason } = sums.swap_remove(place);
        let tenant = tenant.as_ref().map_or("-", TenantName::as_str);
        lines.push(format!("{event} tenant={tenant}: {count} requests in {seconds} s: {reason}{note}"));
    }
    lines
}

/// The shortest time between two lines about the same event and tenant.
const INTERVAL: Duration = Duration::from_secs(60);
/// The most lines for each of the two kinds of events, without the one for the rest.
const MAX_LINES: usize = 8;
/// For events that are no part of normal operation.
const ANY: u64 = 1;
/// For events that happen all the time to single users.
const MANY: u64 = 100;
const FORGEABLE: &str = "; anybody can cause that, without a session";
const BODY_TIMEOUT: &str = "the body of a back-channel logout, or of a form that begins a login, did not come within \
    2 seconds; if none ever comes, Envoy needs `allow_on_headers_stop_iteration: true` beside `vm_config`";
/// The reason of [`Event::RedirectLoop`].
pub(crate) const REDIRECT_LOOP: &str = "three logins in a row, and no session after any of them: the browser drops its cookie, \
    or replicas differ in clock or session keys";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::tenant_name;

    const EVENT: Event = Event::SessionNotBefore;

    fn acme() -> TenantName {
        tenant_name("acme")
    }

    #[test]
    fn a_line_comes_at_once_and_then_once_in_an_interval() {
        let mut summary = Summary::default();
        let mut lines = Vec::new();
        for second in 1000..1200 {
            lines.extend(summary.take(UnixTime(second)).into_iter().map(|line| (second, line)));
            if (1010..1150).contains(&second) {
                summary.add(EVENT, Some(&acme()), 2);
            }
        }
        let reason = EVENT.summarized().unwrap().reason;
        let expected = [(1011, 2, 1), (1071, 120, 60), (1131, 120, 60), (1191, 38, 60)];
        let line = |(at, count, seconds)| {
            (at, format!("session_not_before tenant=acme: {count} requests in {seconds} s: {reason}"))
        };
        assert_eq!(lines, expected.map(line));
    }

    #[test]
    fn what_happens_all_the_time_has_a_line_if_it_is_much() {
        let mut summary = Summary::default();
        let mut lines = Vec::new();
        for (second, count) in [(1000, 0), (1001, 60), (1030, 39), (1060, 0), (1061, 60), (1062, 40)] {
            summary.add(Event::SessionIdle, Some(&acme()), count);
            lines.extend(summary.take(UnixTime(second)).into_iter().map(|line| (second, line)));
        }
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].1.starts_with("session_idle tenant=acme: 100 requests in 2 s: "), "{lines:?}");
        summary.add(Event::Logout, Some(&acme()), 1000);
        assert_eq!(summary.take(UnixTime(2000)), Vec::<String>::new());
    }

    /// What anybody can cause does not drive out what takes a session.
    #[test]
    fn the_lines_are_limited() {
        let mut summary = Summary::default();
        summary.take(UnixTime(1000));
        for number in 0..1000_u64 {
            let tenant = tenant_name(&number.to_string());
            summary.add(Event::SessionKeyUnknown, Some(&tenant), 1000 + number);
            summary.add(EVENT, Some(&tenant), 1 + number);
        }
        let lines = summary.take(UnixTime(1001));
        assert_eq!(lines.len(), 2 * (MAX_LINES + 1));
        let (proven, forgeable) = lines.split_at(MAX_LINES + 1);
        assert!(proven[0].starts_with("session_not_before tenant=999: 1000 requests in 1 s: "), "{proven:?}");
        assert!(proven[MAX_LINES].starts_with("summary tenant=-: 492528 requests in 1 s, in 992 further sums"));
        assert!(proven.iter().all(|line| !line.ends_with(FORGEABLE)));
        assert!(forgeable.iter().all(|line| line.ends_with(FORGEABLE)));
        assert_eq!(summary.take(UnixTime(1001)), Vec::<String>::new());
    }

    #[test]
    fn a_clock_that_is_set_back_delays_nothing() {
        let mut summary = Summary::default();
        summary.take(UnixTime(5000));
        summary.add(EVENT, None, 1);
        assert_eq!(summary.take(UnixTime(5001)).len(), 1);
        summary.add(EVENT, None, 1);
        assert_eq!(summary.take(UnixTime(1000)).len(), 0);
        assert_eq!(summary.take(UnixTime(1060)).len(), 1);
    }
}
