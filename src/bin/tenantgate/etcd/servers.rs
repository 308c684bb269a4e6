//! The servers of an etcd, and the calls to them.

use std::rc::Rc;

use tenantgate::http::call::HttpCall;

use super::server::Server;
use crate::client::Answer;

/// The servers of an etcd, of which any one will do.
pub(crate) struct Servers {
    /// The one that answers comes first.
    servers: Vec<Server>,
}

impl Servers {
    pub(crate) fn new(servers: Vec<Server>) -> Self {
        Self { servers }
    }

    /// Where the last answer came from.
    pub(crate) fn name(&self) -> &str {
        self.servers.first().map_or("", |server| &server.name)
    }

    /// Makes a call, at the next server if one cannot be reached. The error has the addresses.
    pub(crate) fn call(&mut self, call: &HttpCall) -> Result<Rc<Answer>, String> {
        self.first(|server| server.client.call_at(&server.origin, call))
    }

    /// Posts a JSON text. The answer has at most `limit` bytes, and one more if it is longer.
    pub(crate) fn post(&mut self, path: &str, token: Option<&str>, body: &str, limit: usize) -> Result<Answer, String> {
        self.first(|server| server.client.post_json(&format!("{}{path}", server.origin), token, body, limit))
    }

    /// What the first server says that can be reached.
    fn first<T>(&mut self, call: impl Fn(&Server) -> Result<T, String>) -> Result<T, String> {
        let mut problems = Vec::new();
        for index in 0..self.servers.len() {
            let Some(server) = self.servers.get(index) else { break };
            match call(server) {
                Ok(answer) => {
                    self.servers.swap(0, index);
                    return Ok(answer);
                }
                Err(problem) => problems.push(format!("{}: {problem}", server.name)),
            }
        }
        Err(problems.join("; "))
    }
}
