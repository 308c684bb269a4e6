//! A TCP proxy before an etcd that holds back what it answers.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What several proxies have in common.
#[derive(Clone, Default)]
pub struct SlowProxies {
    delay: Arc<AtomicU64>,
    transactions: Arc<AtomicUsize>,
}

impl SlowProxies {
    /// How long they hold back what comes from etcd from now on.
    pub fn set_delay(&self, delay: Duration) {
        self.delay.store(delay.as_millis().try_into().unwrap(), Ordering::Relaxed);
    }

    /// How many transactions they have passed on.
    pub fn transactions(&self) -> usize {
        self.transactions.load(Ordering::Relaxed)
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(self.delay.load(Ordering::Relaxed))
    }

    /// Starts one before `server`. The result is its address.
    pub fn start(&self, server: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, proxies) = (listener.local_addr().unwrap(), self.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else { continue };
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (requests, answers) = (proxies.clone(), proxies.clone());
                thread::spawn(move || requests.pass(from, to));
                thread::spawn(move || answers.hold_back(server, client));
            }
        });
        address
    }

    /// Passes requests on. Envoy writes the head of a request in one piece.
    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let made = String::from_utf8_lossy(&buffer[..length]).matches("POST /v3/kv/txn ").count();
            self.transactions.fetch_add(made, Ordering::Relaxed);
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }

    /// Passes each piece of the answers on when its time has come.
    fn hold_back(&self, mut from: TcpStream, mut to: TcpStream) {
        let (pieces, due) = mpsc::channel::<(Instant, Vec<u8>)>();
        thread::spawn(move || {
            for (time, piece) in due {
                thread::sleep(time.saturating_duration_since(Instant::now()));
                if to.write_all(&piece).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
        });
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if pieces.send((Instant::now() + self.delay(), buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    }
}
