//! A small server for HTTP and HTTPS on loopback. It lives until the process ends.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    /// With the query.
    pub path: String,
    /// The names are in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// A response to send.
#[derive(Clone, Debug)]
pub struct Sent {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// Serves what `answer` gives. Without an answer the client gets none, and waits.
pub fn serve(
    tls: Option<Arc<ServerConfig>>,
    answer: impl Fn(&Received) -> Option<Sent> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(stream), tls, answer) = (stream, tls.clone(), answer.clone()) else { continue };
            thread::spawn(move || connection(stream, tls, &*answer));
        }
    });
    address
}

fn connection(stream: TcpStream, tls: Option<Arc<ServerConfig>>, answer: &dyn Fn(&Received) -> Option<Sent>) {
    match tls {
        None => exchange(stream, answer),
        Some(config) => exchange(StreamOwned::new(ServerConnection::new(config).unwrap(), stream), answer),
    }
}

fn exchange(stream: impl Read + Write, answer: &dyn Fn(&Received) -> Option<Sent>) {
    let mut stream = BufReader::new(stream);
    let Some(received) = read(&mut stream) else { return };
    let Some(Sent { status, headers, body }) = answer(&received) else {
        // Until the client goes.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        return;
    };
    let mut head = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    let stream = stream.get_mut();
    let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes()).and_then(|()| stream.flush());
}

fn read(stream: &mut BufReader<impl Read>) -> Option<Received> {
    let mut line = || {
        let mut line = String::new();
        // A client that only looks at the certificate sends nothing.
        stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Received { method, path, headers, body: String::from_utf8(body).ok()? })
}
