//! The calls to etcd that the filter would let Envoy make.

use std::rc::Rc;

use tenantgate::http::call::HttpCall;

use super::server::Server;
use crate::client::Answer;

/// The servers of an etcd, of which any one will do.
pub(super) struct Etcd {
    /// The one that answers comes first.
    servers: Vec<Server>,
}

impl Etcd {
    pub(super) fn new(servers: Vec<Server>) -> Self {
        Self { servers }
    }

    /// Where the last answer came from.
    pub(super) fn name(&self) -> &str {
        self.servers.first().map_or("", |server| &server.name)
    }

    /// Makes a call, at the next server if one cannot be reached. The error has the addresses.
    pub(super) fn call(&mut self, call: &HttpCall) -> Result<Rc<Answer>, String> {
        let mut problems = Vec::new();
        for index in 0..self.servers.len() {
            let Some(server) = self.servers.get(index) else { break };
            match server.client.call_at(&server.origin, call) {
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
