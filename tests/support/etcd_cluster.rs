//! An etcd of three members.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::process::Child;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::etcd::{free_port, launch, post, post_with, wait_for, want_users};
use super::http::{base64, from_base64};
use super::peer_proxy::PeerProxy;

pub struct EtcdCluster {
    members: Vec<Member>,
}

struct Member {
    name: String,
    /// For clients, and the one that the other members know.
    ports: (u16, u16),
    /// Where it listens for other members, behind `peers`.
    peer_port: u16,
    peers: PeerProxy,
    shell: Option<Child>,
}

impl Member {
    fn new(name: &str) -> Self {
        let (ports, peer_port) = ((free_port(), free_port()), free_port());
        let peers = PeerProxy::start(local(ports.1), local(peer_port));
        Self { name: name.to_owned(), ports, peer_port, peers, shell: None }
    }
}

impl EtcdCluster {
    /// Starts three members, and waits until they answer.
    pub fn start() -> Self {
        let mut cluster = Self { members: ["a", "b", "c"].map(Member::new).into() };
        cluster.set_up();
        cluster
    }

    /// Starts all members again, with empty disks.
    pub fn set_up(&mut self) {
        (0..self.members.len()).for_each(|index| self.end(index));
        let names =
            self.members.iter().map(|Member { name, ports, .. }| format!("{name}=http://127.0.0.1:{}", ports.1));
        let names = names.collect::<Vec<_>>().join(",");
        // Another token makes it another cluster.
        let token = format!("{}", free_port());
        for member in &mut self.members {
            let listen = format!("http://{}", local(member.peer_port));
            let arguments = ["--initial-cluster-token", &token, "--listen-peer-urls", &listen];
            member.shell = Some(launch(&member.name, member.ports, &names, &arguments));
        }
        self.addresses().into_iter().for_each(wait_for);
    }

    /// The addresses for clients.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.members.iter().map(|member| local(member.ports.0)).collect()
    }

    /// The index of the leader.
    pub fn leader(&self) -> usize {
        (0..self.members.len()).find(|index| self.is_leader(*index)).unwrap()
    }

    /// Whether the member at this index takes itself for the leader.
    pub fn is_leader(&self, index: usize) -> bool {
        let status = self.status(index);
        status["leader"] == status["header"]["member_id"]
    }

    fn status(&self, index: usize) -> Value {
        self.post(index, "/v3/maintenance/status", &json!({})).1
    }

    /// Lets etcd want a user from now on, see [`want_users`]. The result is a token of `root`.
    pub fn want_users(&self, users: &[(&str, &str, &str)]) -> String {
        want_users(self.addresses()[0], users)
    }

    /// The value of a key, for a user with this token.
    pub fn value(&self, key: &str, token: &str) -> String {
        let head = [("authorization".to_owned(), token.to_owned().into_bytes())];
        let (_, answer) = post_with(self.addresses()[1], "/v3/kv/range", &head, &json!({ "key": base64(key) }));
        String::from_utf8(from_base64(answer["kvs"][0]["value"].as_str().unwrap())).unwrap()
    }

    /// Posts to the JSON gateway of a member.
    pub fn post(&self, index: usize, path: &str, body: &Value) -> (u16, Value) {
        post(self.addresses()[index], path, body)
    }

    /// Ends a member. Its disk is lost.
    pub fn end(&mut self, index: usize) {
        if let Some(mut shell) = self.members[index].shell.take() {
            drop(shell.stdin.take());
            shell.wait().unwrap();
        }
    }

    /// Ends members as a machine that loses its power. Their disks stay.
    pub fn stop(&mut self, indexes: &[usize]) {
        indexes.iter().for_each(|index| self.order(*index, "end"));
        let addresses = self.addresses();
        for _ in 0..600 {
            if indexes.iter().all(|index| TcpStream::connect(addresses[*index]).is_err()) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("a member did not end");
    }

    /// Starts members that were stopped, and waits until they answer, which they do as soon as they
    /// have a majority.
    pub fn start_again(&mut self, indexes: &[usize]) {
        indexes.iter().for_each(|index| self.order(*index, "start"));
        indexes.iter().for_each(|index| wait_for(self.addresses()[*index]));
    }

    /// Cuts a member off from the others, or no longer. Clients reach it.
    pub fn cut_from_peers(&self, index: usize, is_cut: bool) {
        let id: u64 = self.status(index)["header"]["member_id"].as_str().unwrap().parse().unwrap();
        for (number, member) in self.members.iter().enumerate() {
            if number == index {
                member.peers.close(is_cut);
            } else {
                member.peers.cut(&format!("{id:x}"), is_cut);
            }
        }
    }

    /// Cuts a member off: its connections stay open, and nothing comes of them.
    pub fn pause(&mut self, index: usize) {
        self.order(index, "STOP");
    }

    /// Lets a member go on that was paused.
    pub fn resume(&mut self, index: usize) {
        self.order(index, "CONT");
    }

    fn order(&mut self, index: usize, order: &str) {
        let input = self.members[index].shell.as_mut().unwrap().stdin.as_mut().unwrap();
        writeln!(input, "{order}").unwrap();
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
