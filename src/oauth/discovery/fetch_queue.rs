//! The order of fetches, and how many run at the same time.

use std::collections::{HashMap, VecDeque};

/// Why a fetch begins. Each reason has places of its own, so that neither delays the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// A client has caused it: its token names an unknown key, or its request waits.
    Requested,
    /// The time of the schedule has come.
    Due,
}

/// The fetches that may begin, by the index of their provider, and the number of those in progress.
/// No cluster takes more than half of the places of a reason, so one that does not answer leaves
/// some to the others.
#[derive(Debug, Default)]
pub(super) struct FetchQueue {
    requested: Places,
    due: Places,
    /// The fetches in progress at each cluster.
    running: HashMap<String, usize>,
    /// What waits for a place at a cluster.
    blocked: HashMap<String, VecDeque<(Reason, usize)>>,
}

#[derive(Debug, Default)]
struct Places {
    taken: usize,
    waiting: VecDeque<usize>,
}

/// A place of a fetch. It is given back by [`FetchQueue::release`].
#[derive(Debug)]
pub(super) struct Place {
    reason: Reason,
    cluster: String,
}

impl FetchQueue {
    /// Replaces what waits by these providers, each in the order in which it is to begin.
    pub(super) fn fill(&mut self, waiting: impl IntoIterator<Item = (Reason, usize)>) {
        self.blocked.clear();
        self.requested.waiting.clear();
        self.due.waiting.clear();
        for (reason, index) in waiting {
            self.places(reason).waiting.push_back(index);
        }
    }

    /// Takes a place for the next provider, if there is one. `cluster_of` names the cluster of a
    /// provider.
    pub(super) fn next<'a>(&mut self, cluster_of: impl Fn(usize) -> &'a str) -> Option<(Place, usize)> {
        for reason in [Reason::Requested, Reason::Due] {
            while self.places(reason).taken < MAX_PER_REASON
                && let Some(index) = self.places(reason).waiting.pop_front()
            {
                let cluster = cluster_of(index);
                let running = self.running.get(cluster).copied().unwrap_or_default();
                if running >= MAX_PER_CLUSTER {
                    self.blocked.entry(cluster.to_owned()).or_default().push_back((reason, index));
                    continue;
                }
                self.running.insert(cluster.to_owned(), running.saturating_add(1));
                let places = self.places(reason);
                places.taken = places.taken.saturating_add(1);
                return Some((Place { reason, cluster: cluster.to_owned() }, index));
            }
        }
        None
    }

    /// Gives a place back, which lets the next one begin.
    pub(super) fn release(&mut self, place: &Place) {
        let Place { reason, cluster } = place;
        let places = self.places(*reason);
        places.taken = places.taken.saturating_sub(1);
        if let Some(running) = self.running.get_mut(cluster) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                self.running.remove(cluster);
            }
        }
        if let Some((reason, index)) = self.blocked.get_mut(cluster).and_then(VecDeque::pop_front) {
            self.places(reason).waiting.push_front(index);
        }
    }

    fn places(&mut self, reason: Reason) -> &mut Places {
        match reason {
            Reason::Requested => &mut self.requested,
            Reason::Due => &mut self.due,
        }
    }
}

impl Place {
    /// Why the fetch begins.
    pub(super) fn reason(&self) -> Reason {
        self.reason
    }
}

/// The most fetches of one VM for each reason.
const MAX_PER_REASON: usize = 64;
/// The most fetches of one VM at one cluster.
const MAX_PER_CLUSTER: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// Providers below 100 have the cluster `one`, the others one each.
    fn cluster_of(index: usize) -> &'static str {
        if index < 100 { "one" } else { Box::leak(index.to_string().into_boxed_str()) }
    }

    fn take(queue: &mut FetchQueue) -> Vec<(Place, usize)> {
        std::iter::from_fn(|| queue.next(cluster_of)).collect()
    }

    #[test]
    fn a_cluster_and_a_reason_leave_places() {
        let mut queue = FetchQueue::default();
        queue.fill((0..200).map(|index| (Reason::Due, index)));
        let due = take(&mut queue);
        let indices: Vec<usize> = due.iter().map(|(_, index)| *index).collect();
        assert_eq!(indices, (0..32).chain(100..132).collect::<Vec<_>>());
        // The end of one at the cluster lets the next one of that cluster begin.
        queue.release(&due[0].0);
        assert_eq!(take(&mut queue).iter().map(|(_, index)| *index).collect::<Vec<_>>(), [32]);
        // The end of another one lets another one begin.
        queue.release(&due[32].0);
        assert_eq!(take(&mut queue).iter().map(|(_, index)| *index).collect::<Vec<_>>(), [132]);
        // What clients ask for has places left, except at the cluster that is full.
        queue.fill([(Reason::Requested, 50), (Reason::Requested, 150), (Reason::Due, 160)]);
        let requested = take(&mut queue);
        assert_eq!(
            requested.iter().map(|(place, index)| (place.reason(), *index)).collect::<Vec<_>>(),
            [(Reason::Requested, 150)]
        );
    }
}
