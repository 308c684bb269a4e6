//! A TCP proxy before a member of etcd, through which the other members reach it. It can cut some
//! of them off.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The way of the other members to one of them.
pub struct PeerProxy(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Whether nobody gets through.
    is_closed: bool,
    /// The ids of the members that do not get through, as etcd writes them in `X-Server-From`.
    cut: BTreeSet<String>,
    /// The open connections, by number.
    open: BTreeMap<u64, Connection>,
    next: u64,
}

struct Connection {
    /// The id of the member that made it, if it is known.
    member: Option<String>,
    /// At the other member, and at the server.
    ends: [TcpStream; 2],
}

impl Connection {
    fn ends(&self) -> [TcpStream; 2] {
        self.ends.each_ref().map(|end| end.try_clone().unwrap())
    }

    fn end(&self) {
        self.ends.iter().for_each(|end| drop(end.shutdown(Shutdown::Both)));
    }
}

impl State {
    /// Ends the connections that may not be there.
    fn end_some(&self) {
        let may_stay = |connection: &Connection| {
            !self.is_closed && !connection.member.as_ref().is_some_and(|member| self.cut.contains(member))
        };
        self.open.values().filter(|connection| !may_stay(connection)).for_each(Connection::end);
    }
}

impl PeerProxy {
    /// Listens at `address`, and passes connections on to the member at `server`.
    pub fn start(address: SocketAddr, server: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else { continue };
                let state = shared.clone();
                thread::spawn(move || pass(Connection { member: None, ends: [client, server] }, &state));
            }
        });
        Self(state)
    }

    /// Lets nobody through from now on, or everybody who is not cut off.
    pub fn close(&self, is_closed: bool) {
        let mut state = self.0.lock().unwrap();
        state.is_closed = is_closed;
        state.end_some();
    }

    /// Cuts the member with this id off, or no longer.
    pub fn cut(&self, member: &str, is_cut: bool) {
        let mut state = self.0.lock().unwrap();
        if is_cut {
            state.cut.insert(member.to_owned())
        } else {
            state.cut.remove(member)
        };
        state.end_some();
    }
}

fn pass(connection: Connection, state: &Mutex<State>) {
    let ([mut client, mut server], [mut to_client, mut from_server]) = (connection.ends(), connection.ends());
    thread::spawn(move || {
        let _ = io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let number = {
        let mut state = state.lock().unwrap();
        state.next += 1;
        let number = state.next;
        state.open.insert(number, connection);
        state.end_some();
        number
    };
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        if let Some(member) = sender(&buffer[..length]) {
            let mut state = state.lock().unwrap();
            state.open.get_mut(&number).unwrap().member = Some(member);
            state.end_some();
        }
        if server.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    state.lock().unwrap().open.remove(&number).unwrap().end();
}

/// The id in the header `X-Server-From`. etcd writes the head of a request in one piece.
fn sender(piece: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(piece);
    let line = text.lines().find_map(|line| line.strip_prefix("X-Server-From: "))?;
    Some(line.trim_end().to_owned())
}
