//! The list of one tenant: which sessions are over.

use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::base::time::UnixTime;
use crate::session::id::SessionId;

/// What names sessions that are over, or a logout token that was taken. It is short and of one length, whatever it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RevocationEntry([u8; Self::LENGTH]);

/// What revocations compare of a session.
#[derive(Clone, Copy)]
pub(crate) struct RevocableSession<'a> {
    /// The name of this one session.
    pub(crate) id: SessionId,
    /// The subject at the issuer (`sub`).
    pub(crate) sub: &'a str,
    /// The session at the issuer (`sid`).
    pub(crate) sid: Option<&'a str>,
    /// When it began.
    pub(crate) signed_in: UnixTime,
}

/// Sessions that are over, and logout tokens that were taken.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct RevocationList {
    /// Sessions that began before this are over.
    not_before: UnixTime,
    /// With each entry the moment up to which it counts: sessions that began later are not concerned. With a token, the moment from which
    /// it is refused anyway. In order; sorting and trees would cost a twentieth of the module.
    entries: Vec<(RevocationEntry, UnixTime)>,
}

impl RevocationEntry {
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
        let mut entry = [kind; Self::LENGTH];
        let (_, rest) = entry.split_at_mut(1);
        rest.copy_from_slice(&name);
        Self(entry)
    }

    fn is_token(self) -> bool {
        self.kind() == TOKEN
    }

    fn kind(self) -> u8 {
        let [kind, ..] = self.0;
        kind
    }
}

impl RevocationList {
    /// Reads what [`write`](Self::write) wrote; whatever cannot be read is left out.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let Some((not_before, entries)) = bytes.split_first_chunk() else { return Self::default() };
        let mut list = Self { not_before: UnixTime(u64::from_be_bytes(*not_before)), entries: Vec::new() };
        for entry in entries.chunks_exact(ENTRY_LENGTH).take(MAX_SESSIONS.saturating_add(MAX_TOKENS)) {
            let Some((entry, time)) = entry.split_first_chunk() else { continue };
            let time = time.first_chunk().copied().unwrap_or_default();
            list.add(RevocationEntry(*entry), UnixTime(u64::from_be_bytes(time)));
        }
        list
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = self.not_before.0.to_be_bytes().to_vec();
        for (entry, time) in &self.entries {
            bytes.extend(entry.0);
            bytes.extend(time.0.to_be_bytes());
        }
        bytes
    }

    /// Whether `session` is over.
    pub(super) fn contains(&self, session: &RevocableSession<'_>) -> bool {
        let RevocableSession { id, sub, sid, signed_in } = *session;
        if signed_in < self.not_before {
            return true;
        }
        // Hashing costs more than all the rest, so it is done only if there is something to find.
        let until = |kind: u8, entry: &dyn Fn() -> RevocationEntry| {
            self.has_any(kind).then(entry).and_then(|entry| self.until(entry))
        };
        let marked =
            |kind: u8, entry: &dyn Fn() -> RevocationEntry| until(kind, entry).is_some_and(|until| signed_in <= until);
        let by_issuer = match sid {
            // A session at the issuer that is over does not come back, so it does not matter when this one began.
            Some(sid) => until(SID, &|| RevocationEntry::sid(sid)).is_some(),
            None => marked(SUBJECT_WITHOUT_SID, &|| RevocationEntry::subject_without_sid(sub)),
        };
        by_issuer
            || marked(SESSION, &|| RevocationEntry::session(id))
            || marked(SUBJECT, &|| RevocationEntry::subject(sub))
    }

    pub(super) fn holds(&self, entry: RevocationEntry) -> bool {
        self.until(entry).is_some()
    }

    pub(super) fn add(&mut self, entry: RevocationEntry, until: UnixTime) {
        match self.place(entry) {
            Ok(place) => self.entries.iter_mut().skip(place).take(1).for_each(|(_, known)| *known = until.max(*known)),
            Err(place) => self.entries.insert(place, (entry, until)),
        }
    }

    fn until(&self, entry: RevocationEntry) -> Option<UnixTime> {
        self.place(entry).ok().and_then(|place| self.entries.get(place)).map(|(_, until)| *until)
    }

    fn place(&self, entry: RevocationEntry) -> Result<usize, usize> {
        self.entries.binary_search_by(|(other, _)| other.cmp(&entry))
    }

    /// Takes over what `other` has. Whatever the order in which lists come together, the result is the same, and it ends whatever one of
    /// them ended.
    pub(super) fn join(&mut self, other: &Self) {
        self.not_before = self.not_before.max(other.not_before);
        for &(entry, until) in &other.entries {
            self.add(entry, until);
        }
    }

    /// Keeps it within its bounds. Of sessions, the oldest entries become one moment, before which all sessions are over: those whose sessions
    /// are over anyway after `lifetime`, and those beyond the bound. So at the bound more is ended, and never less.
    pub(super) fn fold(&mut self, now: UnixTime, lifetime: Duration) {
        let expired = self.entries.iter().filter(|(entry, until)| !entry.is_token() && until.plus(lifetime) <= now);
        if let Some(last) = expired.map(|(_, until)| *until).max() {
            self.end_until(last);
        }
        self.entries.retain(|(entry, until)| !entry.is_token() || *until > now);
        while let Some(oldest) = self.oldest_beyond(MAX_SESSIONS, |entry| !entry.is_token()) {
            self.end_until(oldest);
        }
        // A token that is forgotten may come again. It ends sessions that it has ended before, and some that began since.
        while let Some(oldest) = self.oldest_beyond(MAX_TOKENS, RevocationEntry::is_token) {
            let Some(place) = self.entries.iter().position(|(entry, until)| entry.is_token() && *until == oldest)
            else {
                break;
            };
            self.entries.remove(place);
        }
    }

    /// Ends all sessions that began up to `last`, for which no entry is needed then.
    fn end_until(&mut self, last: UnixTime) {
        let floor = self.not_before.max(last.plus(Duration::from_secs(1)));
        self.not_before = floor;
        self.entries.retain(|(entry, until)| entry.is_token() || *until >= floor);
    }

    /// The oldest of those entries, if there are more than `bound`.
    fn oldest_beyond(&self, bound: usize, which: impl Fn(RevocationEntry) -> bool) -> Option<UnixTime> {
        let chosen = || self.entries.iter().filter(|(entry, _)| which(*entry)).map(|(_, until)| *until);
        chosen().min().filter(|_| chosen().count() > bound)
    }

    fn has_any(&self, kind: u8) -> bool {
        let place = self.entries.partition_point(|(entry, _)| entry.kind() < kind);
        self.entries.get(place).is_some_and(|(entry, _)| entry.kind() == kind)
    }
}

/// Numbers only.
impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList")
            .field("not_before", &self.not_before)
            .field("entries", &self.entries.len())
            .finish()
    }
}

const SESSION: u8 = b'i';
const SID: u8 = b's';
const SUBJECT: u8 = b'u';
const SUBJECT_WITHOUT_SID: u8 = b'a';
const TOKEN: u8 = b'j';
const ENTRY_LENGTH: usize = RevocationEntry::LENGTH + 8;
/// With the tokens, a list has 128 KiB at most.
const MAX_SESSIONS: usize = 4096;
const MAX_TOKENS: usize = 1024;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn list(entries: impl IntoIterator<Item = (RevocationEntry, u64)>) -> RevocationList {
        let mut list = RevocationList::default();
        entries.into_iter().for_each(|(entry, until)| list.add(entry, UnixTime(until)));
        list
    }

    fn id(number: u16) -> SessionId {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        SessionId(id)
    }

    /// A session of nobody that began then.
    fn session(signed_in: u64) -> RevocableSession<'static> {
        RevocableSession { id: SessionId([0xff; 16]), sub: "", sid: None, signed_in: UnixTime(signed_in) }
    }

    #[test]
    fn each_entry_ends_its_sessions_and_no_others() {
        let ada = RevocableSession { id: id(1), sub: "ada", sid: Some("s"), ..session(100) };
        let without_sid = RevocableSession { sub: "ada", ..session(100) };
        let later = |session| RevocableSession { signed_in: UnixTime(101), ..session };
        for (entry, ends, ends_without_sid) in [
            (RevocationEntry::session(id(1)), true, false),
            (RevocationEntry::session(id(2)), false, false),
            (RevocationEntry::sid("s"), true, false),
            (RevocationEntry::sid("t"), false, false),
            (RevocationEntry::subject("ada"), true, true),
            (RevocationEntry::subject("bob"), false, false),
            (RevocationEntry::subject_without_sid("ada"), false, true),
            (RevocationEntry::token("s"), false, false),
        ] {
            let list = list([(entry, 100)]);
            assert_eq!((list.contains(&ada), list.contains(&without_sid)), (ends, ends_without_sid), "{:?}", entry.0);
            // Whoever signs in afterwards is in.
            assert!(!list.contains(&later(without_sid)));
        }
        // An issuer does not use a session again that it has ended.
        assert!(list([(RevocationEntry::sid("s"), 100)]).contains(&later(ada)));
    }

    #[test]
    fn at_the_bound_the_oldest_become_a_moment() {
        let full = (0..4096).map(|number| (RevocationEntry::session(id(number)), 1000 + u64::from(number)));
        let mut list = list(full);
        list.fold(UnixTime(4500), HOUR);
        assert_eq!((list.entries.len(), list.not_before), (4096, UnixTime(0)));
        assert!(!list.contains(&session(1000)));
        list.add(RevocationEntry::subject("ada"), UnixTime(5100));
        list.fold(UnixTime(4500), HOUR);
        assert_eq!((list.entries.len(), list.not_before), (4096, UnixTime(1001)));
        assert!(list.contains(&session(1000)) && !list.contains(&session(1001)));
        assert!(list.write().len() < 128 * 1024);
    }

    #[test]
    fn what_is_over_anyway_is_forgotten() {
        let mut list = list([
            (RevocationEntry::subject("ada"), NOW.0 - 3600),
            (RevocationEntry::subject("bob"), NOW.0 - 3599),
            (RevocationEntry::token("1"), NOW.0),
            (RevocationEntry::token("2"), NOW.0 + 1),
        ]);
        list.fold(NOW, HOUR);
        assert!(!list.holds(RevocationEntry::subject("ada")) && list.holds(RevocationEntry::subject("bob")));
        assert!(!list.holds(RevocationEntry::token("1")) && list.holds(RevocationEntry::token("2")));
        assert_eq!(list.not_before, UnixTime(NOW.0 - 3599));
        let tokens = (0..3000).map(|number| (RevocationEntry::token(&number.to_string()), NOW.0 + 10));
        list.join(&self::list(tokens));
        list.fold(NOW, HOUR);
        assert_eq!(list.entries.len(), 1 + 1024);
    }

    #[test]
    fn junk_is_no_list() {
        for junk in [&b"-"[..], b"", b"1234567"] {
            assert_eq!(RevocationList::read(junk), RevocationList::default());
        }
        assert_eq!(RevocationList::read(&[&[0; 8][..], &[1; 24]].concat()), RevocationList::default());
    }

    fn lists() -> impl Strategy<Value = RevocationList> {
        let entry = prop_oneof![
            (0..6u16).prop_map(|number| RevocationEntry::session(id(number))),
            "[ab]".prop_map(|text| RevocationEntry::sid(&text)),
            "[ab]".prop_map(|text| RevocationEntry::subject(&text)),
            "[ab]".prop_map(|text| RevocationEntry::subject_without_sid(&text)),
            "[ab]".prop_map(|text| RevocationEntry::token(&text)),
        ];
        (0..20u64, vec((entry, 0..20u64), 0..12)).prop_map(|(not_before, entries)| {
            let mut list = list(entries);
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
            let joined = |lists: [&RevocationList; 3]| {
                let mut all = RevocationList::default();
                lists.into_iter().for_each(|list| all.join(list));
                all
            };
            prop_assert_eq!(joined([&a, &b, &c]), joined([&c, &b, &a]));
            prop_assert_eq!(joined([&a, &b, &b]), joined([&b, &a, &a]));
            prop_assert_eq!(RevocationList::read(&a.write()), a);
        }

        /// Neither joining nor folding ever brings a session back.
        #[test]
        fn what_is_over_stays_over(mut a in lists(), b in lists(), session in sessions(), now in 0..60u64, lifetime in 0..30u64) {
            let (number, sub, sid, signed_in) = session;
            let session = RevocableSession {
                id: id(number),
                sub: &sub,
                sid: sid.as_deref(),
                signed_in: UnixTime(signed_in),
            };
            let over = a.contains(&session) || b.contains(&session);
            a.join(&b);
            prop_assert_eq!(a.contains(&session), over);
            a.fold(UnixTime(now), Duration::from_secs(lifetime));
            // But for a session at the issuer, which does not come back after its end.
            let came_back = session.sid.is_some_and(|sid| !a.holds(RevocationEntry::sid(sid)));
            prop_assert!(a.contains(&session) || !over || came_back);
        }
    }
}
