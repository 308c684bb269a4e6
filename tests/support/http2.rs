//! One request over HTTP/2 with prior knowledge (RFC 9113). Only the framing is valid by
//! construction. It implements as much of HPACK (RFC 7541) as the status of the answer needs.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Sends `lines` as the header block of one request. Returns the status of the answer, or `None` if
/// the stream or the connection was reset.
pub fn status(address: SocketAddr, lines: &[(&[u8], &[u8])]) -> Option<u16> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let block: Vec<u8> =
        lines.iter().flat_map(|(name, value)| [&[0x10], &*text(name), &*text(value)].concat()).collect();
    let request = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &*frame(SETTINGS, 0, 0, &[]),
        &frame(HEADERS, END_STREAM | END_HEADERS, 1, &block),
    ];
    stream.write_all(&request.concat()).unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]).try_into().unwrap()];
        stream.read_exact(&mut payload).ok()?;
        match head[3] {
            HEADERS => return Some(read_status(&payload)),
            RST_STREAM | GOAWAY => return None,
            _ => {}
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A string without Huffman coding (RFC 7541 section 5.2).
fn text(bytes: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    match u8::try_from(bytes.len()) {
        Ok(length @ ..127) => coded.push(length),
        _ => {
            coded.push(127);
            let mut rest = bytes.len() - 127;
            while rest >= 128 {
                coded.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            coded.push(rest.try_into().unwrap());
        }
    }
    coded.extend(bytes);
    coded
}

/// The first field of a response: `:status`, from the static table or as a literal.
fn read_status(block: &[u8]) -> u16 {
    match block[0] {
        index @ 0x88..=0x8e => [200, 204, 206, 304, 400, 404, 500][usize::from(index - 0x88)],
        // A literal with the name of index 8.
        0x48 | 0x08 | 0x18 if block[1] & 0x80 == 0 => std::str::from_utf8(&block[2..5]).unwrap().parse().unwrap(),
        0x48 | 0x08 | 0x18 => huffman_digits(&block[2..]),
        other => panic!("{other:#x} is no `:status`"),
    }
}

/// Three digits (RFC 7541 appendix B): `0` to `2` are the codes 0 to 2 of five bits, the others are
/// the codes from 0x19 on, of six bits.
fn huffman_digits(bytes: &[u8]) -> u16 {
    let bits: Vec<u16> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| u16::from(byte >> bit & 1))).collect();
    let number = |bits: &[u16]| bits.iter().fold(0, |number, bit| number * 2 + bit);
    let (mut at, mut status) = (0, 0);
    for _ in 0..3 {
        let short = number(&bits[at..at + 5]);
        let digit = if short <= 2 { short } else { number(&bits[at..at + 6]) - 0x19 + 3 };
        at += if short <= 2 { 5 } else { 6 };
        status = status * 10 + digit;
    }
    status
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
