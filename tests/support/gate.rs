//! Holds requests back until a test lets them go on.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A gate for requests, which is open at first.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    is_closed: bool,
    waiting: usize,
}

impl Gate {
    pub fn close(&self) {
        self.0.0.lock().unwrap().is_closed = true;
    }

    pub fn open(&self) {
        self.0.0.lock().unwrap().is_closed = false;
        self.0.1.notify_all();
    }

    /// Waits until the gate is open.
    pub fn pass(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.waiting += 1;
        changed.notify_all();
        let mut state = changed.wait_while(state, |state| state.is_closed).unwrap();
        state.waiting -= 1;
    }

    /// Waits until a request waits at the closed gate.
    pub fn wait_for_arrival(&self) {
        let (state, changed) = &*self.0;
        let nobody = |state: &mut State| state.waiting == 0;
        let (_state, timeout) =
            changed.wait_timeout_while(state.lock().unwrap(), Duration::from_secs(30), nobody).unwrap();
        assert!(!timeout.timed_out(), "no request came to the gate");
    }
}
