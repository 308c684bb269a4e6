//! How a sealed session travels: in one cookie, or in as many as it takes. It is sealed as a whole, so that it opens with every piece
//! in its place or not at all.
//!
//! ```text
//! one piece:  session=<sealed>
//! several:    session=3:<sealed, from the start>   session-1=<tag>:<further>   session-2=<tag>:<the rest>
//! ```
//!
//! The tag is the beginning of the nonce. It proves nothing; it tells the pieces of one session from those of another, or from planted ones.

use std::borrow::Cow;
use std::time::Duration;

use crate::http::cookie::{self, MAX_NAME_AND_VALUE};
use crate::http::request::RequestHead;
use crate::tenant::{Login, TenantCookies};

/// The names of the session cookies that came with a request: a session that is written anew deletes those that it does not need.
pub(crate) struct SentCookies(Vec<String>);

impl SentCookies {
    /// The session cookies in `head`, valid or not.
    pub(crate) fn new(head: &RequestHead, login: &Login) -> Self {
        let cookies = TenantCookies::new(login);
        let names = (0..MAX_PIECES).map(|piece| cookies.session(piece));
        Self(names.filter(|name| cookie::sent(head).any(|(sent, _)| sent == name.as_bytes())).collect())
    }
}

/// The `Set-Cookie` values that keep `sealed`, and delete what is left of a longer session. `None` if it is too long.
pub(super) fn write(sealed: &str, sent: &SentCookies, login: &Login, lifetime: Duration) -> Option<Vec<String>> {
    let cookies = TenantCookies::new(login);
    let pieces = pieces(sealed, &cookies.session(MAX_PIECES))?;
    let count = u8::try_from(pieces.len()).ok()?;
    let mut lines = (0..count)
        .zip(&pieces)
        .map(|(piece, value)| cookies.set(&cookies.session(piece), value, lifetime))
        .collect::<Option<Vec<_>>>()?;
    let written: Vec<String> = (0..count).map(|piece| cookies.session(piece)).collect();
    lines.extend(sent.0.iter().filter(|name| !written.contains(name)).map(|name| cookies.delete(name)));
    Some(lines)
}

/// What may be a sealed session in `head`, put together. A cookie of the same name can be planted from a sibling host where the tenant
/// has a cookie domain, so more than one is tried.
pub(super) fn read<'h>(head: &'h RequestHead, login: &'h Login) -> impl Iterator<Item = Cow<'h, [u8]>> {
    let name = TenantCookies::new(login).session(0);
    let first = cookie::sent(head).filter(move |(sent, _)| *sent == name.as_bytes()).take(MAX_TRIES);
    first.filter_map(|(_, value)| match value {
        [count, b':', start @ ..] => join(count.checked_sub(b'0')?, start, head, login).map(Cow::Owned),
        whole => Some(Cow::Borrowed(whole)),
    })
}

fn join(count: u8, start: &[u8], head: &RequestHead, login: &Login) -> Option<Vec<u8>> {
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

/// The values of the cookies, none of them too long under `name`, which is the longest of their names.
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

/// The first characters after the key id.
fn tag(sealed: &[u8]) -> Option<&[u8]> {
    let dot = sealed.iter().position(|&b| b == b'.')?;
    sealed.get(dot.checked_add(1)?..)?.get(..TAG_LENGTH)
}

/// Some 15 KB of identity. More would be in the way at servers with the usual 16 KiB for all headers.
const MAX_PIECES: u8 = 5;
const TAG_LENGTH: usize = 8;
const MAX_TRIES: usize = 4;
