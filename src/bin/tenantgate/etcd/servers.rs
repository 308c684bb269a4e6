//! The servers of an etcd, and the calls to them.

use std::borrow::Borrow;
use std::rc::Rc;

use tenantgate::http::call::HttpCall;

use super::server::Server;
use crate::client::Answer;

/// The servers of an etcd, of which any one will do.
///
/// A call that has got no answer, or 5xx, is made again at the next server: a member that is cut
/// off from the others, or has no leader, answers 5xx. etcd may have carried the call out all the
/// same. No call does harm the second time: ranges write nothing, a lease has its id, a sign-out
/// puts the same values under the same keys, and a tenant is written or deleted if nothing has
/// changed since it was read. If that comparison fails, the commands read again, and find what they
/// have written themselves.
pub(crate) struct Servers {
    /// The one that answers comes first.
    servers: Vec<Server>,
    /// Whether a server that gave no answer to the last call, or 5xx, may have carried it out.
    may_be_done: bool,
}

impl Servers {
    pub(crate) fn new(servers: Vec<Server>) -> Self {
        Self { servers, may_be_done: false }
    }

    /// Where the last answer came from.
    pub(crate) fn name(&self) -> &str {
        self.servers.first().map_or("", |server| &server.name)
    }

    /// Whether another server than the one that answered may have carried the last call out.
    pub(crate) fn may_be_done(&self) -> bool {
        self.may_be_done
    }

    /// Makes a call. The error has the addresses.
    pub(crate) fn call(&mut self, call: &HttpCall) -> Result<Rc<Answer>, String> {
        self.first(|server| server.client.call_at(&server.origin, call))
    }

    /// Posts a JSON text. The answer has at most `limit` bytes, and one more if it is longer.
    pub(crate) fn post(&mut self, path: &str, token: Option<&str>, body: &str, limit: usize) -> Result<Answer, String> {
        self.first(|server| server.client.post_json(&format!("{}{path}", server.origin), token, body, limit))
    }

    /// What the first server says that can be reached and does not answer 5xx. If all of them do
    /// so, what the first of them says.
    fn first<T: Borrow<Answer>>(&mut self, call: impl Fn(&Server) -> Result<T, String>) -> Result<T, String> {
        let mut problems = Vec::new();
        let mut unable = None;
        for index in 0..self.servers.len() {
            let Some(server) = self.servers.get(index) else { break };
            match call(server) {
                Ok(answer) if answer.borrow().status < 500 => {
                    self.may_be_done = index > 0;
                    self.servers.swap(0, index);
                    return Ok(answer);
                }
                Ok(answer) => unable = unable.or(Some((index, answer))),
                Err(problem) => problems.push(format!("{}: {problem}", server.name)),
            }
        }
        self.may_be_done = true;
        let (index, answer) = unable.ok_or_else(|| problems.join("; "))?;
        self.servers.swap(0, index);
        Ok(answer)
    }
}
