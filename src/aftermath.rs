//! What is left to do once a request was let go. The request is gone by then: nothing here can forward, refuse or change one, only add to
//! the answer of the upstream.

/// What happens after a request was let go. Made together with the [`Forward`](crate::forward::Forward) that lets it go.
#[derive(Debug, Default)]
#[must_use = "an aftermath that nobody sees to loses cookies"]
pub struct Aftermath {
    cookies: Cookies,
}

/// `Set-Cookie` values.
#[derive(Default)]
struct Cookies(Vec<String>);

/// Their number only: the values are sessions.
impl std::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cookies").field(&self.0.len()).finish()
    }
}

/// One change to the head of an answer of the upstream. They are applied in order.
#[derive(Clone, PartialEq, Eq)]
pub enum AnswerEdit {
    /// One line more.
    Add(&'static str, String),
    /// One line with this value, whatever was there.
    Set(&'static str, &'static str),
}

impl Aftermath {
    /// Nothing is left to do but to set these cookies, if there are any.
    pub(crate) fn set(cookies: Vec<String>) -> Self {
        Self { cookies: Cookies(cookies) }
    }

    /// The head of the answer arrived: what is to be changed in it.
    pub fn answered(&mut self) -> Vec<AnswerEdit> {
        let mut edits: Vec<AnswerEdit> =
            self.cookies.0.drain(..).map(|cookie| AnswerEdit::Add("set-cookie", cookie)).collect();
        if !edits.is_empty() {
            // Whatever the upstream says of its page: a cache must not give this session to others.
            edits.push(AnswerEdit::Set("cache-control", "no-store"));
        }
        edits
    }
}
