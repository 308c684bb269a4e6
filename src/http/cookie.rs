//! The syntax of the `Cookie` header (RFC 6265 section 4.2).

use memchr::memchr;

use super::request::RequestHead;

/// The names and values of all cookies that the client sent, in order. The bytes are unchanged.
/// There may be several `cookie` lines: HTTP/2 may send one for each cookie (RFC 9113 section
/// 8.2.3).
pub(crate) fn sent(head: &RequestHead) -> impl Iterator<Item = (&[u8], &[u8])> {
    head.all("cookie").flat_map(pairs).filter_map(|pair| {
        let equals = memchr(b'=', pair)?;
        let (name, value) = pair.split_at_checked(equals)?;
        Some((name.trim_ascii(), value.get(1..)?.trim_ascii()))
    })
}

/// The cookies of one `cookie` line, each as `name=value`, without white space around them.
pub(crate) fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    // Lines are long, and each request reads them several times.
    let mut rest = Some(line);
    let pieces = std::iter::from_fn(move || {
        let line = rest?;
        let end = memchr(b';', line);
        let (piece, after) = line.split_at_checked(end.unwrap_or(line.len()))?;
        rest = end.and_then(|_| after.get(1..));
        Some(piece)
    });
    pieces.map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty())
}

/// The longest cookie that a browser stores, in bytes of name and value together (RFC 6265bis
/// section 5.6).
pub(crate) const MAX_NAME_AND_VALUE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_are_read_and_duplicates_are_kept() {
        let lines: [&[u8]; 5] = [b"a=1; b=2", b";;c = x=y ;", b"a=3", b"flag", b"\xff=\xfe"];
        let head = RequestHead::new(lines.map(|line| ("cookie".to_owned(), line.to_vec())));
        let read: Vec<_> = sent(&head).collect();
        let expected: [(&[u8], &[u8]); 5] =
            [(b"a", b"1"), (b"b", b"2"), (b"c", b"x=y"), (b"a", b"3"), (b"\xff", b"\xfe")];
        assert_eq!(read, expected);
    }
}
