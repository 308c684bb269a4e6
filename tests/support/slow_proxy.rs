//! A TCP proxy that holds back what the server answers.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long proxies hold back what comes from their servers from now on.
#[derive(Clone, Default)]
pub struct Delay(Arc<AtomicU64>);

impl Delay {
    pub fn set(&self, delay: Duration) {
        self.0.store(delay.as_millis().try_into().unwrap(), Ordering::Relaxed);
    }

    fn get(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Starts a proxy before `server`. The result is its address.
pub fn start(server: SocketAddr, delay: &Delay) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, delay) = (listener.local_addr().unwrap(), delay.clone());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(server) else { continue };
            let (mut requests, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                let _ = io::copy(&mut requests, &mut to_server);
                let _ = to_server.shutdown(Shutdown::Write);
            });
            hold_back(server, client, &delay);
        }
    });
    address
}

/// Passes each piece on when its time has come.
fn hold_back(mut from: TcpStream, mut to: TcpStream, delay: &Delay) {
    let (delay, (pieces, due)) = (delay.clone(), mpsc::channel::<(Instant, Vec<u8>)>());
    thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if pieces.send((Instant::now() + delay.get(), buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (time, piece) in due {
            thread::sleep(time.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
