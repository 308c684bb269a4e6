//! The session cookies: a sealed session in one cookie, or in several if it is long.
//!
//! The session is sealed as a whole, so it opens only if every piece is in its place.
//!
//! ```text
//! one piece:  session=<sealed>
//! several:    session=3:<sealed, from the start>
//!             session-1=<tag>:<further>
//!             session-2=<tag>:<the rest>
//! ```
//!
//! The tag is the beginning of the nonce. It proves nothing. It tells the pieces of one session
//! from those of another session and from planted ones.
//!
//! Scenarios: tests/scenarios/session.rs.

use std::borrow::Cow;
use std::time::Duration;

use crate::http::cookie::{self, MAX_NAME_AND_VALUE};
use crate::http::request::RequestHead;
use crate::tenant::{Login, MAX_PIECES, TenantCookies};

/// The names of the session cookies in a request. Writing a session deletes those that it does not
/// need.
#[derive(Default)]
pub(crate) struct SentCookies(Vec<String>);

impl SentCookies {
    /// The session cookies in `head`, valid or not.
    pub(crate) fn new(head: &RequestHead, login: &Login) -> Self {
        let cookies = TenantCookies::new(login);
        let names = (0..MAX_PIECES).map(|piece| cookies.session(piece));
        Self(names.filter(|name| cookie::sent(head).any(|(sent, _)| sent == name.as_bytes())).collect())
    }
}

/// The `Set-Cookie` values that store `sealed` and delete further pieces of a longer session.
/// `None` if it needs more than `most` cookies, of which [`MAX_PIECES`] are possible.
pub(super) fn write(
    sealed: &str,
    most: u8,
    sent: &SentCookies,
    login: &Login,
    lifetime: Duration,
) -> Option<Vec<String>> {
    let cookies = TenantCookies::new(login);
    let pieces = pieces(sealed, &cookies.session(MAX_PIECES))?;
    let count = u8::try_from(pieces.len()).ok().filter(|count| *count <= most)?;
    let mut lines = (0..count)
        .zip(&pieces)
        .map(|(piece, value)| cookies.set(&cookies.session(piece), value, lifetime))
        .collect::<Option<Vec<_>>>()?;
    let written: Vec<String> = (0..count).map(|piece| cookies.session(piece)).collect();
    lines.extend(sent.0.iter().filter(|name| !written.contains(name)).map(|name| cookies.delete(name)));
    Some(lines)
}

/// The candidates for a sealed session in `head`, each joined from its pieces. At most
/// [`MAX_TRIES`]: where the tenant has a cookie domain, a sibling host can plant a cookie of the
/// same name.
pub(super) fn read<'h>(head: &'h RequestHead, login: &'h Login) -> impl Iterator<Item = Cow<'h, [u8]>> {
    let name = TenantCookies::new(login).session(0);
    let first = cookie::sent(head).filter(move |(sent, _)| *sent == name.as_bytes()).take(MAX_TRIES);
    first.map(|(_, value)| match value {
        // Without all of its pieces it does not open.
        [count, b':', start @ ..] => join(*count, start, head, login).map_or(Cow::Borrowed(value), Cow::Owned),
        whole => Cow::Borrowed(whole),
    })
}

fn join(count: u8, start: &[u8], head: &RequestHead, login: &Login) -> Option<Vec<u8>> {
    let count = count.checked_sub(b'0')?;
    if !(2..=MAX_PIECES).contains(&count) {
        return None;
    }
    let tag = tag(start)?;
    let mut sealed = start.to_vec();
    for piece in 1..count {
        let name = TenantCookies::new(login).session(piece);
        let sent = cookie::sent(head).filter(|(sent, _)| *sent == name.as_bytes()).take(MAX_TRIES);
        let further = sent.map(|(_, value)| value).find_map(|value| value.strip_prefix(tag)?.strip_prefix(b":"))?;
        sealed.extend_from_slice(further);
    }
    Some(sealed)
}

/// Splits `sealed` into cookie values. `name` is the longest of the cookie names and counts towards
/// the length limit of a cookie.
fn pieces(sealed: &str, name: &str) -> Option<Vec<String>> {
    let room = MAX_NAME_AND_VALUE.checked_sub(name.len())?;
    if sealed.len() <= room {
        return Some(vec![sealed.to_owned()]);
    }
    let tag = str::from_utf8(tag(sealed.as_bytes())?).ok()?;
    let parts = sealed.as_bytes().chunks(room.checked_sub(TAG_LENGTH.saturating_add(1))?);
    let count = parts.len();
    if count > usize::from(MAX_PIECES) {
        return None;
    }
    let part = |(number, part): (usize, &[u8])| {
        let part = str::from_utf8(part).ok()?;
        Some(if number == 0 { format!("{count}:{part}") } else { format!("{tag}:{part}") })
    };
    parts.enumerate().map(part).collect()
}

/// The tag of a sealed session: the first characters after the key id.
fn tag(sealed: &[u8]) -> Option<&[u8]> {
    let dot = sealed.iter().position(|&b| b == b'.')?;
    sealed.get(dot.checked_add(1)?..)?.get(..TAG_LENGTH)
}

const TAG_LENGTH: usize = 8;
const MAX_TRIES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// All pieces but the first begin with the tag, and there are as many as a browser keeps.
    #[test]
    fn the_pieces_of_a_session() {
        let sealed = |length: usize| {
            let start = "key-1.tag-8chr";
            [start, &"x".repeat(length.saturating_sub(start.len()))].concat()
        };
        let most = usize::from(MAX_PIECES);
        let room = MAX_NAME_AND_VALUE - "name".len();
        let in_piece = room - TAG_LENGTH - 1;
        let count = |length: usize| pieces(&sealed(length), "name").map(|pieces| pieces.len());
        assert_eq!([count(room), count(room + 1)], [Some(1), Some(2)]);
        assert_eq!([count(most * in_piece), count(most * in_piece + 1)], [Some(most), None]);
        let pieces = pieces(&sealed(3 * in_piece), "name").unwrap();
        assert!(pieces[0].starts_with("3:key-1.tag-8chr"));
        assert!(pieces[1..].iter().all(|piece| piece.starts_with("tag-8chr:x") && piece.len() == room));
    }
}
