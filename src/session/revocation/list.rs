//! The revocation list of one tenant: which sessions are revoked, and which logout tokens were
//! accepted.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::store_read::StoreRead;
use crate::base::encoding::base64url;
use crate::base::time::UnixTime;
use crate::session::id::SessionId;

/// Identifies revoked sessions, or a logout token that was accepted. An entry has a fixed length,
/// so the size of a list depends only on the number of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct RevocationEntry([u8; Self::LENGTH]);

/// The properties of a session by which it can be revoked.
#[derive(Clone, Copy)]
pub(crate) struct RevocableSession<'a> {
    /// The identifier of the session.
    pub(crate) id: SessionId,
    /// The name of the user, as the upstream receives it.
    pub(crate) user: &'a str,
    /// The subject at the issuer (`sub`).
    pub(crate) sub: &'a str,
    /// The session at the issuer (`sid`), if the issuer sent one.
    pub(crate) sid: Option<&'a str>,
    /// When the session began.
    pub(crate) signed_in: UnixTime,
}

/// What was done to keep a list within its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folded {
    /// For how many users all sessions were revoked that began before a time.
    pub(crate) users: usize,
    /// Whether the sessions of everybody were revoked that began before a time.
    pub(crate) everybody: bool,
}

/// The revoked sessions, and the logout tokens that were accepted.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct RevocationList {
    /// Sessions that began before this time are revoked.
    not_before: UnixTime,
    /// Each entry with a time. For sessions: the entry revokes only those that began at this time
    /// or before. For a logout token: it expires at this time, and is rejected from then on anyway.
    /// The entries are sorted; sort functions and tree maps would add a twentieth to the size of
    /// the module.
    entries: Vec<(RevocationEntry, UnixTime)>,
    /// The last read of the store whose sign-outs the list has.
    read: StoreRead,
}

impl RevocationEntry {
    const LENGTH: usize = 17;

    /// One session of Tenantgate, and the user (`sub`) whose it is: half of the identifier, which
    /// has 64 random bits, and half of a hash.
    pub(crate) fn session(id: SessionId, subject: &str) -> Self {
        let mut name = id.0;
        let Self([_, hash @ ..]) = Self::hashed(SUBJECT, subject);
        name.iter_mut().skip(HALF).zip(hash).for_each(|(byte, other)| *byte = other);
        Self::new(SESSION, name)
    }

    /// The sessions of the user whose the session of this entry is.
    fn folded(self) -> Self {
        let mut name = [0; SessionId::LENGTH];
        let Self([_, session @ ..]) = self;
        name.iter_mut().zip(session.into_iter().skip(HALF)).for_each(|(byte, other)| *byte = other);
        Self::new(FOLDED, name)
    }

    /// What the entries of a session begin with, whoever's it is.
    fn session_prefix(id: SessionId) -> [u8; PREFIX] {
        Self::new(SESSION, id.0).prefix()
    }

    fn prefix(self) -> [u8; PREFIX] {
        self.0.first_chunk().copied().unwrap_or_default()
    }

    /// The sessions with this `sid` at the issuer.
    pub(crate) fn sid(sid: &str) -> Self {
        Self::hashed(SID, sid)
    }

    /// The sessions of one user (`sub`).
    pub(crate) fn subject(subject: &str) -> Self {
        Self::hashed(SUBJECT, subject)
    }

    /// The sessions of one user (`sub`) that have no `sid`.
    pub(crate) fn subject_without_sid(subject: &str) -> Self {
        Self::hashed(SUBJECT_WITHOUT_SID, subject)
    }

    /// The sessions of one user by the name that the upstream receives.
    pub(crate) fn user(name: &str) -> Self {
        Self::hashed(USER, name)
    }

    /// The sessions of everybody. A list has no entry for it, but begins later.
    pub(crate) fn everybody() -> Self {
        Self::new(EVERYBODY, [0; SessionId::LENGTH])
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

    /// The entry as text, for a key.
    pub(crate) fn name(self) -> String {
        base64url(&self.0)
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
    /// Reads what [`write`](Self::write) wrote. Entries that cannot be read are skipped.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let Some((not_before, entries)) = bytes.split_first_chunk() else { return Self::default() };
        let entries = entries.chunks_exact(ENTRY_LENGTH);
        let mut list = Self {
            not_before: UnixTime(u64::from_be_bytes(*not_before)),
            entries: Vec::new(),
            read: StoreRead::from_bytes(entries.remainder()).unwrap_or_default(),
        };
        for entry in entries.take(MAX_SESSIONS.saturating_add(MAX_TOKENS)) {
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
        bytes.extend(self.read.to_bytes());
        bytes
    }

    /// Whether the list revokes nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.not_before == UnixTime(0)
    }

    /// The last read of the store whose sign-outs the list has.
    pub(super) fn last_read(&self) -> StoreRead {
        self.read
    }

    /// Records that the list has all sign-outs that this read of the store has found.
    pub(super) fn add_read(&mut self, read: StoreRead) {
        self.read = self.read.max(read);
    }

    /// Whether `session` is revoked.
    pub(super) fn contains(&self, session: &RevocableSession<'_>) -> bool {
        let RevocableSession { id, user, sub, sid, signed_in } = *session;
        if signed_in < self.not_before {
            return true;
        }
        // Hashing costs more than everything else here, so nothing is hashed for a kind without
        // entries.
        let until = |kind: u8, entry: &dyn Fn() -> RevocationEntry| {
            self.has_any(kind).then(entry).and_then(|entry| self.until(entry))
        };
        let revoked_by =
            |kind: u8, entry: &dyn Fn() -> RevocationEntry| until(kind, entry).is_some_and(|until| signed_in <= until);
        let by_issuer = match sid {
            // The issuer does not reuse a `sid` that it has ended, so the time at which this
            // session began does not matter.
            Some(sid) => until(SID, &|| RevocationEntry::sid(sid)).is_some(),
            None => revoked_by(SUBJECT_WITHOUT_SID, &|| RevocationEntry::subject_without_sid(sub)),
        };
        by_issuer
            || self.session_until(id).is_some_and(|until| signed_in <= until)
            || revoked_by(SUBJECT, &|| RevocationEntry::subject(sub))
            || revoked_by(USER, &|| RevocationEntry::user(user))
            || revoked_by(FOLDED, &|| RevocationEntry::session(id, sub).folded())
    }

    /// The time of the entry for a session. The user is not hashed for it.
    fn session_until(&self, id: SessionId) -> Option<UnixTime> {
        let prefix = RevocationEntry::session_prefix(id);
        let place = self.entries.partition_point(|(entry, _)| entry.prefix() < prefix);
        self.entries.get(place).filter(|(entry, _)| entry.prefix() == prefix).map(|(_, until)| *until)
    }

    pub(super) fn holds(&self, entry: RevocationEntry) -> bool {
        self.until(entry).is_some()
    }

    pub(crate) fn add(&mut self, entry: RevocationEntry, until: UnixTime) {
        if entry.kind() == EVERYBODY {
            return self.end_before(after(until));
        }
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

    /// Adds the entries of `other`. The result does not depend on the order in which lists are
    /// joined, and revokes every session that one of them revokes.
    pub(super) fn join(&mut self, other: &Self) {
        self.not_before = self.not_before.max(other.not_before);
        self.add_read(other.read);
        for &(entry, until) in &other.entries {
            self.add(entry, until);
        }
    }

    /// The entries for sessions that `other` lacks. An end of everybody's sessions counts while
    /// there may be such sessions.
    pub(super) fn beyond(&self, other: &Self, now: UnixTime, lifetime: Duration) -> Vec<(RevocationEntry, UnixTime)> {
        let is_new = |&&(entry, until): &&(RevocationEntry, UnixTime)| {
            !entry.is_token() && other.until(entry).is_none_or(|known| known < until)
        };
        let mut entries: Vec<_> = self.entries.iter().filter(is_new).copied().collect();
        let floor = self.not_before;
        if floor > other.not_before && floor.plus(lifetime) > now {
            entries.push((RevocationEntry::everybody(), UnixTime(floor.0.saturating_sub(1))));
        }
        entries
    }

    /// Keeps the list within its limits. So at the limit more sessions are revoked, and never
    /// fewer. Entries whose sessions have exceeded `lifetime` are replaced by `not_before`, which
    /// revokes all sessions that began before it. Beyond the limit, the entries for the sessions of
    /// the user who has most are replaced by one entry for that user. If no user has several, the
    /// oldest entries are replaced by `not_before`.
    pub(crate) fn fold(&mut self, now: UnixTime, lifetime: Duration) -> Folded {
        self.fold_to(MAX_SESSIONS, now, lifetime)
    }

    /// As [`fold`](Self::fold), with this limit for the entries for sessions.
    fn fold_to(&mut self, max_sessions: usize, now: UnixTime, lifetime: Duration) -> Folded {
        let mut folded = Folded::default();
        let expired = self.entries.iter().filter(|(entry, until)| !entry.is_token() && until.plus(lifetime) <= now);
        if let Some(last) = expired.map(|(_, until)| *until).max() {
            self.end_until(last);
        }
        self.entries.retain(|(entry, until)| !entry.is_token() || *until > now);
        self.remove_needless();
        while let Some(oldest) = self.oldest_beyond(max_sessions, |entry| !entry.is_token()) {
            if self.fold_heaviest_user() {
                folded.users = folded.users.saturating_add(1);
            } else {
                self.end_until(oldest);
                folded.everybody = true;
            }
        }
        // A removed logout token could be replayed. It would revoke the sessions that it has
        // revoked before, and some that began since.
        while let Some(oldest) = self.oldest_beyond(MAX_TOKENS, RevocationEntry::is_token) {
            let Some(place) = self.entries.iter().position(|(entry, until)| entry.is_token() && *until == oldest)
            else {
                break;
            };
            self.entries.remove(place);
        }
        folded
    }

    /// Removes the entries that `not_before` or the one entry of a user makes needless. Another VM
    /// that has not folded brings them back. They must not count for the limit.
    fn remove_needless(&mut self) {
        let floor = self.not_before;
        let folded: Vec<_> = self.entries.iter().filter(|(entry, _)| entry.kind() == FOLDED).copied().collect();
        self.entries.retain(|(entry, until)| {
            let of_user = entry.folded();
            let is_covered = || folded.iter().any(|(other, end)| *other == of_user && until <= end);
            entry.is_token() || (*until >= floor && (entry.kind() != SESSION || !is_covered()))
        });
    }

    /// Replaces the entries for the sessions of the user who has most by one for that user. Returns
    /// whether a user has several.
    fn fold_heaviest_user(&mut self) -> bool {
        let mut users: HashMap<[u8; RevocationEntry::LENGTH], (usize, UnixTime)> = HashMap::new();
        for (entry, until) in self.entries.iter().filter(|(entry, _)| entry.kind() == SESSION) {
            let (count, latest) = users.entry(entry.folded().0).or_default();
            (*count, *latest) = (count.saturating_add(1), (*latest).max(*until));
        }
        // Of users with equally many, it is the same one in every VM.
        let heaviest = users.into_iter().max_by_key(|(user, (count, _))| (*count, *user));
        let Some((user, (_, latest))) = heaviest.filter(|(_, (count, _))| *count > 1) else { return false };
        self.entries.retain(|(entry, _)| entry.kind() != SESSION || entry.folded().0 != user);
        self.add(RevocationEntry(user), latest);
        true
    }

    /// Revokes all sessions that began before this time.
    pub(crate) fn end_before(&mut self, time: UnixTime) {
        self.not_before = self.not_before.max(time);
    }

    /// Revokes all sessions that began at `last` or before, and removes the entries that this makes
    /// needless.
    fn end_until(&mut self, last: UnixTime) {
        let floor = self.not_before.max(after(last));
        self.not_before = floor;
        // The floor saturates at the largest time, and `fold` relies on the removal of `last`.
        self.entries.retain(|(entry, until)| entry.is_token() || (*until > last && *until >= floor));
    }

    /// The earliest time among the entries that `which` selects, if there are more than `bound` of
    /// them.
    fn oldest_beyond(&self, bound: usize, which: impl Fn(RevocationEntry) -> bool) -> Option<UnixTime> {
        let chosen = || self.entries.iter().filter(|(entry, _)| which(*entry)).map(|(_, until)| *until);
        chosen().min().filter(|_| chosen().count() > bound)
    }

    fn has_any(&self, kind: u8) -> bool {
        let place = self.entries.partition_point(|(entry, _)| entry.kind() < kind);
        self.entries.get(place).is_some_and(|(entry, _)| entry.kind() == kind)
    }
}

/// Shows numbers only.
impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList")
            .field("not_before", &self.not_before)
            .field("entries", &self.entries.len())
            .field("read", &self.read)
            .finish()
    }
}

/// The first time after this one. The times of sessions have whole seconds.
fn after(time: UnixTime) -> UnixTime {
    time.plus(Duration::from_secs(1))
}

const SESSION: u8 = b'i';
const SID: u8 = b's';
const SUBJECT: u8 = b'u';
const SUBJECT_WITHOUT_SID: u8 = b'a';
const FOLDED: u8 = b'f';
const USER: u8 = b'n';
const EVERYBODY: u8 = b'e';
const TOKEN: u8 = b'j';
/// The bytes of an identifier or a hash in the entry of a session, and those of the entry before
/// the hash.
const HALF: usize = SessionId::LENGTH / 2;
const PREFIX: usize = 1 + HALF;
const ENTRY_LENGTH: usize = RevocationEntry::LENGTH + 8;
/// What follows the entries is told from them by its length.
const _: () = assert!(StoreRead::LENGTH < ENTRY_LENGTH);
/// With the logout tokens, a list takes at most 128 KiB.
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

    /// A session that began at `signed_in`, of a user whom no entry names.
    fn session(signed_in: u64) -> RevocableSession<'static> {
        RevocableSession { id: SessionId([0xff; 16]), user: "", sub: "", sid: None, signed_in: UnixTime(signed_in) }
    }

    /// At the limit of logout tokens the oldest of them is removed, and no session is.
    #[test]
    fn many_logout_tokens_remove_no_session() {
        let until = |number: usize| NOW.0 + 100 + u64::try_from(number).unwrap();
        let session = RevocationEntry::session(id(1), "ada");
        let token = |number: usize| RevocationEntry::token(&number.to_string());
        let tokens = (0..=MAX_TOKENS).map(|number| (token(number), until(number)));
        // It has the time of the oldest token, and comes first.
        let mut list = list([(session, until(0))].into_iter().chain(tokens));
        list.fold(NOW, HOUR);
        let entries: Vec<RevocationEntry> = list.entries.iter().map(|(entry, _)| *entry).collect();
        assert!(entries.contains(&session) && !entries.contains(&token(0)));
        assert_eq!(entries.len(), MAX_TOKENS + 1);
    }

    #[test]
    fn each_entry_ends_its_sessions_and_no_others() {
        let ada = RevocableSession { id: id(1), user: "ada@x", sub: "ada", sid: Some("s"), ..session(100) };
        let without_sid = RevocableSession { user: "ada@x", sub: "ada", ..session(100) };
        let later = |session| RevocableSession { signed_in: UnixTime(101), ..session };
        for (entry, ends, ends_without_sid) in [
            (RevocationEntry::session(id(1), "ada"), true, false),
            (RevocationEntry::session(id(2), "ada"), false, false),
            (RevocationEntry::sid("s"), true, false),
            (RevocationEntry::sid("t"), false, false),
            (RevocationEntry::subject("ada"), true, true),
            (RevocationEntry::subject("bob"), false, false),
            (RevocationEntry::subject_without_sid("ada"), false, true),
            (RevocationEntry::user("ada@x"), true, true),
            (RevocationEntry::user("ada"), false, false),
            (RevocationEntry::subject("ada@x"), false, false),
            (RevocationEntry::everybody(), true, true),
            (RevocationEntry::token("s"), false, false),
        ] {
            let list = list([(entry, 100)]);
            assert_eq!(RevocationList::read(&list.write()), list);
            assert_eq!((list.contains(&ada), list.contains(&without_sid)), (ends, ends_without_sid), "{:?}", entry.0);
            // A session that begins later is not revoked.
            assert!(!list.contains(&later(without_sid)));
        }
        // All eight bytes of the half of an identifier count.
        let mut other = SessionId([7; 16]);
        let ended = list([(RevocationEntry::session(other, "ada"), 100)]);
        other.0[7] = 8;
        assert!(!ended.contains(&RevocableSession { id: other, ..ada }));
        // The issuer does not reuse a `sid` that it has ended.
        assert!(list([(RevocationEntry::sid("s"), 100)]).contains(&later(ada)));
    }

    /// What ends the sessions of everybody takes no room, and makes older entries needless.
    #[test]
    fn everybody_is_no_entry() {
        let mut list = list([(RevocationEntry::user("ada"), 99), (RevocationEntry::subject("bob"), 101)]);
        list.add(RevocationEntry::everybody(), UnixTime(100));
        list.add(RevocationEntry::everybody(), UnixTime(50));
        assert_eq!((list.not_before, list.entries.len()), (UnixTime(101), 2));
        assert_eq!(list.fold(UnixTime(100), HOUR), Folded::default());
        assert!(list.holds(RevocationEntry::subject("bob")) && list.entries.len() == 1);
        list.add(RevocationEntry::everybody(), UnixTime(u64::MAX));
        assert!(list.contains(&session(u64::MAX - 1)));
    }

    #[test]
    fn at_the_limit_the_oldest_entries_become_not_before() {
        // No user has several.
        let full = (0..4096)
            .map(|number| (RevocationEntry::session(id(number), &number.to_string()), 1000 + u64::from(number)));
        let mut list = list(full);
        list.fold(UnixTime(4500), HOUR);
        assert_eq!((list.entries.len(), list.not_before), (4096, UnixTime(0)));
        assert!(!list.contains(&session(1000)));
        list.add(RevocationEntry::subject("ada"), UnixTime(5100));
        assert_eq!(list.fold(UnixTime(4500), HOUR), Folded { users: 0, everybody: true });
        assert_eq!((list.entries.len(), list.not_before), (4096, UnixTime(1001)));
        assert!(list.contains(&session(1000)) && !list.contains(&session(1001)));
        assert!(list.write().len() < 128 * 1024);
    }

    /// A script that signs one account in and out again and again ends older sessions of that
    /// account only.
    #[test]
    fn at_the_limit_the_user_with_most_entries_has_one() {
        let of = |number, sub| (RevocationEntry::session(id(number), sub), 1000 + u64::from(number));
        let mut list = list((0..96).map(|number| of(number, if number % 2 == 0 { "bob" } else { "eve" })));
        list.join(&self::list((96..4097).map(|number| of(number, "mallory"))));
        assert_eq!(list.fold(UnixTime(4500), HOUR), Folded { users: 1, everybody: false });
        assert_eq!((list.entries.len(), list.not_before), (97, UnixTime(0)));
        let of = |sub, signed_in| RevocableSession { sub, ..session(signed_in) };
        assert!(list.contains(&of("mallory", 5096)) && !list.contains(&of("mallory", 5097)));
        assert!(!list.contains(&of("bob", 1000)) && !list.contains(&of("ada", 1000)));
        assert!(list.contains(&RevocableSession { id: id(0), ..of("bob", 1000) }));
        // Another VM that has not folded brings the entries back, and they go again.
        list.join(&self::list((96..4097).map(|number| (RevocationEntry::session(id(number), "mallory"), 1000))));
        assert_eq!(list.fold(UnixTime(4500), HOUR), Folded::default());
        assert_eq!(list.entries.len(), 97);
    }

    #[test]
    fn expired_entries_are_removed() {
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

    /// Another plugin of the process can write such a list.
    #[test]
    fn entries_at_the_end_of_time_are_folded() {
        let mut list = list((0..4097).map(|number| (RevocationEntry::sid(&number.to_string()), u64::MAX)));
        assert!(list.fold(NOW, HOUR).everybody);
        assert!(list.entries.is_empty());
    }

    #[test]
    fn an_invalid_value_is_an_empty_list() {
        for junk in [&b"-"[..], b"", b"1234567"] {
            assert_eq!(RevocationList::read(junk), RevocationList::default());
        }
        assert_eq!(RevocationList::read(&[&[0; 8][..], &[1; 24]].concat()), RevocationList::default());
    }

    /// While a module is replaced, VMs of both versions share the lists.
    #[test]
    fn versions_without_reads_of_a_store_share_their_lists() {
        let mut list = list([(RevocationEntry::subject("ada"), 100), (RevocationEntry::token("1"), 200)]);
        let written = list.write();
        let (old, read) = written.split_at(8 + 2 * ENTRY_LENGTH);
        assert_eq!(RevocationList::read(old), list);
        assert_eq!(read, [0; StoreRead::LENGTH]);
        // A version that reads entries only stops before what is shorter than one.
        let entries = written.get(8..).unwrap_or_default().chunks_exact(ENTRY_LENGTH);
        assert_eq!(entries.len(), 2);
        list.add_read(StoreRead { epoch: 1 << 40, missed: 1 << 24, store: 1 << 24 });
        assert_eq!(RevocationList::read(&list.write()), list);
    }

    /// The user whose the session with this number is, which never changes.
    fn sub(number: u16) -> &'static str {
        if number.is_multiple_of(2) { "a" } else { "b" }
    }

    /// The name of the user, which two users may have.
    fn user(number: u16) -> &'static str {
        if number.is_multiple_of(3) { "a" } else { "b" }
    }

    fn lists() -> impl Strategy<Value = RevocationList> {
        let entry = prop_oneof![
            (0..6u16).prop_map(|number| RevocationEntry::session(id(number), sub(number))),
            (0..6u16).prop_map(|number| RevocationEntry::session(id(number), sub(number)).folded()),
            "[ab]".prop_map(|text| RevocationEntry::sid(&text)),
            "[ab]".prop_map(|text| RevocationEntry::subject(&text)),
            "[ab]".prop_map(|text| RevocationEntry::subject_without_sid(&text)),
            "[ab]".prop_map(|text| RevocationEntry::user(&text)),
            Just(RevocationEntry::everybody()),
            "[ab]".prop_map(|text| RevocationEntry::token(&text)),
        ];
        let read = (0..3u64, 0..3u32).prop_map(|(epoch, missed)| StoreRead { epoch, missed, store: 1 << 31 | 5 });
        (0..20u64, vec((entry, 0..20u64), 0..12), read).prop_map(|(not_before, entries, read)| {
            let mut list = list(entries);
            list.end_before(UnixTime(not_before));
            list.add_read(read);
            list
        })
    }

    fn sessions() -> impl Strategy<Value = (u16, Option<String>, u64)> {
        (0..6u16, proptest::option::of("[ab]"), 0..20u64)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn join_does_not_depend_on_the_order(a in lists(), b in lists(), c in lists()) {
            let joined = |lists: [&RevocationList; 3]| {
                let mut all = RevocationList::default();
                lists.into_iter().for_each(|list| all.join(list));
                all
            };
            prop_assert_eq!(joined([&a, &b, &c]), joined([&c, &b, &a]));
            prop_assert_eq!(joined([&a, &b, &b]), joined([&b, &a, &a]));
            prop_assert_eq!(RevocationList::read(&a.write()), a);
        }

        /// VMs that receive the same lists in another order, and keep within the limit after each,
        /// agree as soon as they have received each other's list.
        #[test]
        fn vms_agree_after_folding(a in lists(), b in lists(), c in lists(), limit in 0..8usize, now in 0..30u64) {
            let received = |lists: [&RevocationList; 3]| {
                let mut all = RevocationList::default();
                for list in lists {
                    all.join(list);
                    all.fold_to(limit, UnixTime(now), HOUR);
                    prop_assert!(all.entries.iter().filter(|(entry, _)| !entry.is_token()).count() <= limit);
                }
                Ok(all)
            };
            let (first, second) = (received([&a, &b, &c])?, received([&c, &a, &b])?);
            let exchanged = |own: &RevocationList, other: &RevocationList| {
                let mut own = own.clone();
                own.join(other);
                own.fold_to(limit, UnixTime(now), HOUR);
                own
            };
            let agreed = exchanged(&first, &second);
            prop_assert_eq!(&agreed, &exchanged(&second, &first));
            // Nothing new comes of it again.
            prop_assert_eq!(&exchanged(&agreed, &first), &agreed);
            prop_assert_eq!(&exchanged(&agreed, &second), &agreed);
        }

        /// Neither `join` nor `fold` makes a revoked session valid again.
        #[test]
        fn a_revoked_session_stays_revoked(mut a in lists(), b in lists(), session in sessions(), now in 0..60u64, lifetime in 0..30u64, limit in 0..8usize) {
            let (number, sid, signed_in) = session;
            let session = RevocableSession {
                id: id(number),
                user: user(number),
                sub: sub(number),
                sid: sid.as_deref(),
                signed_in: UnixTime(signed_in),
            };
            let over = a.contains(&session) || b.contains(&session);
            a.join(&b);
            prop_assert_eq!(a.contains(&session), over);
            a.fold_to(limit, UnixTime(now), Duration::from_secs(lifetime));
            // Except for a session with a `sid`, which the issuer does not reuse after its end.
            let came_back = session.sid.is_some_and(|sid| !a.holds(RevocationEntry::sid(sid)));
            prop_assert!(a.contains(&session) || !over || came_back);
        }
    }
}
