//! The deferred tenants that are compiled: those that were used last, and those that must stay.

use std::sync::{Arc, Weak};

use super::tenant_table::{ServedTenant, TenantEntry};

/// The deferred tenants that are compiled, by their positions. Their number is bounded.
///
/// The uses are counted in rounds. A round ends when half of the bound was used in it, and then
/// goes what was not used in it. So to know the oldest use costs a request nothing.
#[derive(Debug)]
pub(super) struct CompiledTenants {
    slots: Vec<Slot>,
    most: usize,
    round: u32,
    /// How many were used in this round.
    used: usize,
    /// Those that were compiled since they were taken last.
    new: Vec<Weak<ServedTenant>>,
}

#[derive(Debug, Default)]
struct Slot {
    entry: Option<TenantEntry>,
    /// The round of its last use. 0 before the first one.
    round: u32,
}

impl Slot {
    fn served(&self) -> Option<&Arc<ServedTenant>> {
        match self.entry.as_ref()? {
            TenantEntry::Served(tenant) => Some(tenant),
            TenantEntry::Broken(_) => None,
        }
    }

    /// Whether the tenant always stays: it fetches keys, which have to be there before its next
    /// request, or it is broken, which is little, and it knows when that was logged last.
    fn is_permanent(&self) -> bool {
        self.served().is_none_or(|tenant| tenant.model.provider.source.is_some())
    }

    /// Whether the tenant always stays, has sign-outs that the host has not stored, or is in use: a
    /// second one would not know at once who signs out at the first.
    fn must_stay(&self) -> bool {
        let is_in_use =
            |tenant: &Arc<ServedTenant>| Arc::strong_count(tenant) > 1 || Arc::strong_count(&tenant.revocations) > 1;
        let may_go = |tenant| !is_in_use(tenant) && !tenant.revocations.has_unstored();
        self.is_permanent() || !self.served().is_some_and(may_go)
    }
}

impl CompiledTenants {
    /// None of this many tenants is compiled. At most `most` are kept, beside those that must stay.
    pub(super) fn new(tenants: usize, most: usize) -> Self {
        let slots = std::iter::repeat_with(Slot::default).take(tenants).collect();
        Self { slots, most, round: 1, used: 0, new: Vec::new() }
    }

    /// The tenant at this position, if it is compiled.
    pub(super) fn find(&mut self, position: usize) -> Option<TenantEntry> {
        let entry = self.slots.get(position)?.entry.clone()?;
        self.use_at(position);
        Some(entry)
    }

    /// Keeps a tenant that was compiled.
    pub(super) fn keep(&mut self, position: usize, entry: TenantEntry) {
        let Some(slot) = self.slots.get_mut(position) else { return };
        if let TenantEntry::Served(tenant) = &entry {
            // Before it would grow, the places of those that are dropped are used again.
            if self.new.len() == self.new.capacity() {
                self.new.retain(|tenant| tenant.strong_count() > 0);
            }
            self.new.push(Arc::downgrade(tenant));
        }
        slot.entry = Some(entry);
        self.use_at(position);
    }

    /// The tenants that were compiled since the last call, and are kept.
    pub(super) fn take_new(&mut self) -> Vec<Arc<ServedTenant>> {
        let mut new = Vec::new();
        for tenant in std::mem::take(&mut self.new) {
            new.extend(tenant.upgrade());
        }
        new
    }

    /// How many are compiled.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.slots.iter().filter(|slot| slot.entry.is_some()).count()
    }

    /// How many places those take that were compiled.
    #[cfg(test)]
    pub(super) fn new_places(&self) -> usize {
        self.new.len()
    }

    fn use_at(&mut self, position: usize) {
        let Some(slot) = self.slots.get_mut(position) else { return };
        if slot.round == self.round {
            return;
        }
        slot.round = self.round;
        if slot.is_permanent() {
            return;
        }
        self.used = self.used.saturating_add(1);
        if self.used >= self.most / 2 {
            self.end_round();
        }
    }

    /// Drops what was not used in this round.
    fn end_round(&mut self) {
        for slot in &mut self.slots {
            if slot.round != self.round && !slot.must_stay() {
                slot.entry = None;
            }
        }
        (self.round, self.used) = (self.round.wrapping_add(1), 0);
    }
}
