//! A minimal HTTP/1.1 server and client for the tests, with the parser `httparse`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::harness::{Lines, Reply};

/// base64url without padding.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding.
pub fn from_base64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// base64 with padding.
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// Decodes base64 with padding.
pub fn from_base64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

/// The answer of a server: status, header lines, body. `None` never answers.
pub type Answer = Option<(u16, Vec<(&'static str, String)>, Vec<u8>)>;

/// An answer with this header repeats its body until the client closes.
pub const ENDLESS: &str = "x-endless";

/// Serves requests on a loopback port until the process ends. A request is its lines (with
/// `:method` and `:path`) and its body.
pub fn serve(answer: impl Fn(Lines, Vec<u8>) -> Answer + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || serve_one(stream, &answer));
        }
    });
    address
}

fn serve_one(mut stream: TcpStream, answer: &dyn Fn(Lines, Vec<u8>) -> Answer) -> Option<()> {
    let mut bytes = Vec::new();
    let (lines, start) = loop {
        read_some(&mut stream, &mut bytes)?;
        let mut headers = [httparse::EMPTY_HEADER; 1024];
        let mut request = httparse::Request::new(&mut headers);
        let Ok(httparse::Status::Complete(start)) = request.parse(&bytes) else { continue };
        let pseudo = [(":method", request.method.unwrap()), (":path", request.path.unwrap())];
        let mut lines: Lines = pseudo.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).into();
        lines.extend(request.headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec())));
        break (lines, start);
    };
    let length = lines
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| String::from_utf8_lossy(value).parse().unwrap());
    while bytes.len() < start + length {
        read_some(&mut stream, &mut bytes)?;
    }
    let Some((status, headers, body)) = answer(lines, bytes.split_off(start)) else {
        // Waits until the client closes.
        while read_some(&mut stream, &mut bytes).is_some() {}
        return None;
    };
    let is_endless = headers.iter().any(|(name, _)| *name == ENDLESS);
    let mut head = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\n");
    if !is_endless {
        head += &format!("content-length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(&body)).ok()?;
    if is_endless {
        while stream.write_all(&body).is_ok() {}
    }
    Some(())
}

fn read_some(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0; 16 * 1024];
    match stream.read(&mut buffer) {
        Ok(0) | Err(_) => None,
        Ok(count) => {
            bytes.extend_from_slice(&buffer[..count]);
            Some(())
        }
    }
}

/// Writes `request` unchanged and reads the answer to its end. `None` if the server closed without
/// an answer.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Option<Reply> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // The server may answer and close before it has read the request.
    let _ = stream.write_all(request);
    let bodiless = request.starts_with(b"HEAD ");
    let mut bytes = Vec::new();
    loop {
        let ended = read_some(&mut stream, &mut bytes).is_none();
        if let Some(reply) = parse_reply(&bytes, ended || bodiless) {
            return Some(reply);
        }
        if ended {
            return None;
        }
    }
}

/// Writes `request`, and returns the head of the answer and the first `length` bytes of its body.
pub fn exchange_part(address: SocketAddr, request: &[u8], length: usize) -> Option<Reply> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request).unwrap();
    let mut bytes = Vec::new();
    loop {
        read_some(&mut stream, &mut bytes)?;
        if let Some(reply) = parse_reply(&bytes, true).filter(|reply| reply.body.len() >= length) {
            return Some(reply);
        }
    }
}

/// Parses a complete answer from `bytes`. With `ended`, the server has closed the connection.
fn parse_reply(bytes: &[u8], ended: bool) -> Option<Reply> {
    let mut headers = [httparse::EMPTY_HEADER; 256];
    let mut response = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(start)) = response.parse(bytes) else { return None };
    let status = response.code.unwrap();
    let headers: Vec<(String, String)> = response
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse::<usize>().ok());
    let body = &bytes[start..];
    let complete = ended || length.is_some_and(|length| body.len() >= length);
    complete.then(|| Reply { status, headers, body: String::from_utf8_lossy(body).into_owned() })
}
