//! The list of one tenant: which sessions are over.

use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::SessionId;
use crate::env::UnixTime;
use crate::session::SessionRecord;

/// What names sessions that are over, or a logout token that was taken. It is short and of one length, whatever it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark([u8; Self::LENGTH]);

/// Sessions that are over, and logout tokens that were taken.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct List {
    /// Sessions that began before this are over.
    not_before: UnixTime,
    /// With each mark the moment up to which it counts: sessions that began later are not concerned. With a token, the moment from which
    /// it is refused anyway. In order; sorting and trees would cost a twentieth of the module.
    marks: Vec<(Mark, UnixTime)>,
}

impl Mark {
    const LENGTH: usize = 17;

    /// One session.
    pub(crate) fn session(id: SessionId) -> Self {
        Self::new(SESSION, id.0)
    }

    /// The sessions of one session at the issuer (`sid`).
    pub(crate) fn sid(sid: &str) -> Self {
        Self::hashed(SID, sid)
    }

    /// The sessions of one person (`sub`).
    pub(crate) fn subject(subject: &str) -> Self {
        Self::hashed(SUBJECT, subject)
    }

    /// Those sessions of one person that do not know their `sid`.
    pub(crate) fn subject_without_sid(subject: &str) -> Self {
        Self::hashed(SUBJECT_WITHOUT_SID, subject)
    }

    /// A logout token (`jti`).
    pub(crate) fn token(jti: &str) -> Self {
        Self::hashed(TOKEN, jti)
    }

    fn hashed(kind: u8, text: &str) -> Self {
        let hash = Sha256::digest([&[kind], text.as_bytes()].concat());
        Self::new(kind, hash.first_chunk().copied().unwrap_or_default())
    }

    fn new(kind: u8, name: [u8; SessionId::LENGTH]) -> Self {
        let mut mark = [kind; Self::LENGTH];
        let (_, rest) = mark.split_at_mut(1);
        rest.copy_from_slice(&name);
        Self(mark)
    }

    fn is_token(self) -> bool {
        self.kind() == TOKEN
    }

    fn kind(self) -> u8 {
        let [kind, ..] = self.0;
        kind
    }
}

impl List {
    /// Reads what [`write`](Self::write) wrote; whatever cannot be read is left out.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let Some((not_before, marks)) = bytes.split_first_chunk() else { return Self::default() };
        let mut list = Self { not_before: UnixTime(u64::from_be_bytes(*not_before)), marks: Vec::new() };
        for entry in marks.chunks_exact(ENTRY_LENGTH).take(MAX_SESSIONS.saturating_add(MAX_TOKENS)) {
            let Some((mark, time)) = entry.split_first_chunk() else { continue };
            let time = time.first_chunk().copied().unwrap_or_default();
            list.add(Mark(*mark), UnixTime(u64::from_be_bytes(time)));
        }
        list
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = self.not_before.0.to_be_bytes().to_vec();
        for (mark, time) in &self.marks {
            bytes.extend(mark.0);
            bytes.extend(time.0.to_be_bytes());
        }
        bytes
    }

    /// Whether `session` is over.
    pub(super) fn ends(&self, session: &SessionRecord) -> bool {
        let SessionRecord { id, sub, sid, signed_in, .. } = session;
        let signed_in = UnixTime(*signed_in);
        if signed_in < self.not_before {
            return true;
        }
        // Hashing costs more than all the rest, so it is done only if there is something to find.
        let until = |kind: u8, mark: &dyn Fn() -> Mark| self.has_any(kind).then(mark).and_then(|mark| self.until(mark));
        let marked = |kind: u8, mark: &dyn Fn() -> Mark| until(kind, mark).is_some_and(|until| signed_in <= until);
        let by_issuer = match sid {
            // A session at the issuer that is over does not come back, so it does not matter when this one began.
            Some(sid) => until(SID, &|| Mark::sid(sid)).is_some(),
            None => marked(SUBJECT_WITHOUT_SID, &|| Mark::subject_without_sid(sub)),
        };
        by_issuer || marked(SESSION, &|| Mark::session(*id)) || marked(SUBJECT, &|| Mark::subject(sub))
    }

    pub(super) fn holds(&self, mark: Mark) -> bool {
        self.until(mark).is_some()
    }

    pub(super) fn add(&mut self, mark: Mark, until: UnixTime) {
        match self.place(mark) {
            Ok(place) => self.marks.iter_mut().skip(place).take(1).for_each(|(_, known)| *known = until.max(*known)),
            Err(place) => self.marks.insert(place, (mark, until)),
        }
    }

    fn until(&self, mark: Mark) -> Option<UnixTime> {
        self.place(mark).ok().and_then(|place| self.marks.get(place)).map(|(_, until)| *until)
    }

    fn place(&self, mark: Mark) -> Result<usize, usize> {
        self.marks.binary_search_by(|(other, _)| other.cmp(&mark))
    }

    /// Takes over what `other` has. Whatever the order in which lists come together, the result is the same, and it ends whatever one of
    /// them ended.
    pub(super) fn join(&mut self, other: &Self) {
        self.not_before = self.not_before.max(other.not_before);
        for &(mark, until) in &other.marks {
            self.add(mark, until);
        }
    }

    /// Keeps it within its bounds. Of sessions, the oldest marks become one moment, before which all sessions are over: those whose sessions
    /// are over anyway after `lifetime`, and those beyond the bound. So at the bound more is ended, and never less.
    pub(super) fn fold(&mut self, now: UnixTime, lifetime: Duration) {
        let expired = self.marks.iter().filter(|(mark, until)| !mark.is_token() && until.plus(lifetime) <= now);
        if let Some(last) = expired.map(|(_, until)| *until).max() {
            self.end_until(last);
        }
        self.marks.retain(|(mark, until)| !mark.is_token() || *until > now);
        while let Some(oldest) = self.oldest_beyond(MAX_SESSIONS, |mark| !mark.is_token()) {
            self.end_until(oldest);
        }
        // A token that is forgotten may come again. It ends sessions that it has ended before, and some that began since.
        while let Some(oldest) = self.oldest_beyond(MAX_TOKENS, Mark::is_token) {
            let Some(place) = self.marks.iter().position(|(mark, until)| mark.is_token() && *until == oldest) else {
                break;
            };
            self.marks.remove(place);
        }
    }

    /// Ends all sessions that began up to `last`, for which no mark is needed then.
    fn end_until(&mut self, last: UnixTime) {
        let floor = self.not_before.max(last.plus(Duration::from_secs(1)));
        self.not_before = floor;
        self.marks.retain(|(mark, until)| mark.is_token() || *until >= floor);
    }

    /// The oldest of those marks, if there are more than `bound`.
    fn oldest_beyond(&self, bound: usize, which: impl Fn(Mark) -> bool) -> Option<UnixTime> {
        let chosen = || self.marks.iter().filter(|(mark, _)| which(*mark)).map(|(_, until)| *until);
        chosen().min().filter(|_| chosen().count() > bound)
    }

    fn has_any(&self, kind: u8) -> bool {
        let place = self.marks.partition_point(|(mark, _)| mark.kind() < kind);
        self.marks.get(place).is_some_and(|(mark, _)| mark.kind() == kind)
    }
}

/// Numbers only.
impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("not_before", &self.not_before).field("marks", &self.marks.len()).finish()
    }
}

const SESSION: u8 = b'i';
const SID: u8 = b's';
const SUBJECT: u8 = b'u';
const SUBJECT_WITHOUT_SID: u8 = b'a';
const TOKEN: u8 = b'j';
const ENTRY_LENGTH: usize = Mark::LENGTH + 8;
/// With the tokens, a list has 128 KiB at most.
const MAX_SESSIONS: usize = 4096;
const MAX_TOKENS: usize = 1024;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::session;

    const HOUR: Duration = Duration::from_secs(3600);
    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn list(marks: impl IntoIterator<Item = (Mark, u64)>) -> List {
        let mut list = List::default();
        marks.into_iter().for_each(|(mark, until)| list.add(mark, UnixTime(until)));
        list
    }

    fn id(number: u16) -> SessionId {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        SessionId(id)
    }

    #[test]
    fn each_mark_ends_its_sessions_and_no_others() {
        let ada = SessionRecord { id: id(1), sub: "ada".to_owned(), sid: Some("s".to_owned()), ..session(100) };
        let without_sid = || SessionRecord { sid: None, sub: "ada".to_owned(), ..session(100) };
        let later = |record: SessionRecord| SessionRecord { signed_in: 101, ..record };
        for (mark, ends, ends_without_sid) in [
            (Mark::session(id(1)), true, false),
            (Mark::session(id(2)), false, false),
            (Mark::sid("s"), true, false),
            (Mark::sid("t"), false, false),
            (Mark::subject("ada"), true, true),
            (Mark::subject("bob"), false, false),
            (Mark::subject_without_sid("ada"), false, true),
            (Mark::token("s"), false, false),
        ] {
            let list = list([(mark, 100)]);
            assert_eq!((list.ends(&ada), list.ends(&without_sid())), (ends, ends_without_sid), "{:?}", mark.0);
            // Whoever signs in afterwards is in.
            assert!(!list.ends(&later(without_sid())));
        }
        // An issuer does not use a session again that it has ended.
        assert!(list([(Mark::sid("s"), 100)]).ends(&later(ada)));
    }

    #[test]
    fn at_the_bound_the_oldest_become_a_moment() {
        let full = (0..4096).map(|number| (Mark::session(id(number)), 1000 + u64::from(number)));
        let mut list = list(full);
        list.fold(UnixTime(4500), HOUR);
        assert_eq!((list.marks.len(), list.not_before), (4096, UnixTime(0)));
        assert!(!list.ends(&session(1000)));
        list.add(Mark::subject("ada"), UnixTime(5100));
        list.fold(UnixTime(4500), HOUR);
        assert_eq!((list.marks.len(), list.not_before), (4096, UnixTime(1001)));
        assert!(list.ends(&session(1000)) && !list.ends(&session(1001)));
        assert!(list.write().len() < 128 * 1024);
    }

    #[test]
    fn what_is_over_anyway_is_forgotten() {
        let mut list = list([
            (Mark::subject("ada"), NOW.0 - 3600),
            (Mark::subject("bob"), NOW.0 - 3599),
            (Mark::token("1"), NOW.0),
            (Mark::token("2"), NOW.0 + 1),
        ]);
        list.fold(NOW, HOUR);
        assert!(!list.holds(Mark::subject("ada")) && list.holds(Mark::subject("bob")));
        assert!(!list.holds(Mark::token("1")) && list.holds(Mark::token("2")));
        assert_eq!(list.not_before, UnixTime(NOW.0 - 3599));
        let tokens = (0..3000).map(|number| (Mark::token(&number.to_string()), NOW.0 + 10));
        list.join(&self::list(tokens));
        list.fold(NOW, HOUR);
        assert_eq!(list.marks.len(), 1 + 1024);
    }

    #[test]
    fn junk_is_no_list() {
        for junk in [&b"-"[..], b"", b"1234567"] {
            assert_eq!(List::read(junk), List::default());
        }
        assert_eq!(List::read(&[&[0; 8][..], &[1; 24]].concat()), List::default());
    }

    fn lists() -> impl Strategy<Value = List> {
        let mark = prop_oneof![
            (0..6u16).prop_map(|number| Mark::session(id(number))),
            "[ab]".prop_map(|text| Mark::sid(&text)),
            "[ab]".prop_map(|text| Mark::subject(&text)),
            "[ab]".prop_map(|text| Mark::subject_without_sid(&text)),
            "[ab]".prop_map(|text| Mark::token(&text)),
        ];
        (0..20u64, vec((mark, 0..20u64), 0..12)).prop_map(|(not_before, marks)| {
            let mut list = list(marks);
            list.not_before = UnixTime(not_before);
            list
        })
    }

    fn sessions() -> impl Strategy<Value = (u16, String, Option<String>, u64)> {
        (0..6u16, "[ab]", proptest::option::of("[ab]"), 0..20u64)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn lists_come_together_in_any_order(a in lists(), b in lists(), c in lists()) {
            let joined = |lists: [&List; 3]| {
                let mut all = List::default();
                lists.into_iter().for_each(|list| all.join(list));
                all
            };
            prop_assert_eq!(joined([&a, &b, &c]), joined([&c, &b, &a]));
            prop_assert_eq!(joined([&a, &b, &b]), joined([&b, &a, &a]));
            prop_assert_eq!(List::read(&a.write()), a);
        }

        /// Neither joining nor folding ever brings a session back.
        #[test]
        fn what_is_over_stays_over(mut a in lists(), b in lists(), session in sessions(), now in 0..60u64, lifetime in 0..30u64) {
            let (number, sub, sid, signed_in) = session;
            let session = SessionRecord { id: id(number), sub, sid, ..self::session(signed_in) };
            let over = a.ends(&session) || b.ends(&session);
            a.join(&b);
            prop_assert_eq!(a.ends(&session), over);
            a.fold(UnixTime(now), Duration::from_secs(lifetime));
            // But for a session at the issuer, which does not come back after its end.
            let came_back = session.sid.as_deref().is_some_and(|sid| !a.holds(Mark::sid(sid)));
            prop_assert!(a.ends(&session) || !over || came_back);
        }
    }
}
