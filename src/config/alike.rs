//! Sections that many tenants have alike: they are read once in a load, and what they give is kept
//! once.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use serde_json::Value;

use super::cursor::Object;
use crate::http::page_settings::PageSettings;
use crate::jose::{AlgorithmSet, KeySet};
use crate::tenant::access::{AccessRules, Roles};
use crate::tenant::{Bearer, Endpoints, IdentityClaims, IdentityHeaders, Login, RetainedClaims};

/// The sections of one load.
#[derive(Default)]
pub(super) struct Sections {
    pub(super) keys: Alike<(Arc<KeySet>, Option<AlgorithmSet>)>,
    pub(super) login: Alike<Arc<Login>>,
    pub(super) bearer: Alike<Option<Arc<Bearer>>>,
    pub(super) access: Alike<(Arc<IdentityClaims>, Arc<Roles>, Arc<AccessRules>)>,
    pub(super) headers: Alike<(Arc<IdentityHeaders>, Arc<[String]>)>,
    pub(super) pages: Alike<Arc<PageSettings>>,
    pub(super) without_endpoints: Arc<Endpoints>,
    identities: RefCell<Vec<Arc<IdentityClaims>>>,
}

/// What fields have given without a mistake, and the values of these fields. The last [`MOST`] are
/// kept.
pub(super) struct Alike<T> {
    seen: RefCell<Vec<Seen>>,
    /// In the same order.
    given: RefCell<Vec<T>>,
    /// The number of tenants since the last one that had the same values as another one.
    unlike: Cell<usize>,
}

/// The values of the fields, and what else the result depends on.
struct Seen {
    values: Vec<Option<Value>>,
    besides: bool,
}

impl<T: Clone> Alike<T> {
    /// What these fields of a tenant give. `read` reads them, in this order, unless another tenant
    /// has the same values. It depends on nothing else that differs between tenants but `besides`.
    pub(super) fn read(
        &self,
        tenant: &Object<'_>,
        fields: &[&'static str],
        besides: bool,
        read: &mut dyn FnMut() -> Option<T>,
    ) -> Option<T> {
        let unlike = self.unlike.get();
        // Where all tenants differ, as in their keys, most of them are not compared.
        let compares = unlike < MOST || unlike.is_multiple_of(MOST);
        if compares && let Some(position) = position(&self.seen.borrow(), tenant, fields, besides) {
            self.unlike.set(0);
            return self.given.borrow().get(position).cloned();
        }
        self.unlike.set(unlike.saturating_add(1));
        let mistakes = tenant.mistakes();
        let given = read()?;
        if compares && tenant.mistakes() == mistakes {
            remember(&mut self.seen.borrow_mut(), tenant, fields, besides);
            keep(&mut self.given.borrow_mut(), given.clone());
        }
        Some(given)
    }
}

impl<T> Default for Alike<T> {
    fn default() -> Self {
        Self { seen: RefCell::default(), given: RefCell::default(), unlike: Cell::default() }
    }
}

impl Sections {
    /// The claims that the identity consists of, with those that the headers need. A signed
    /// assertion needs `every_scope`.
    pub(super) fn identity(
        &self,
        claims: Arc<IdentityClaims>,
        headers: &IdentityHeaders,
        every_scope: bool,
    ) -> Arc<IdentityClaims> {
        let retained = claims.retained.clone().and(headers.claims.iter().map(|(_, claim)| claim));
        let claims =
            IdentityClaims { retained: RetainedClaims { every_scope, ..retained }, ..IdentityClaims::clone(&claims) };
        let mut kept = self.identities.borrow_mut();
        if let Some(known) = kept.iter().find(|known| ***known == claims) {
            return known.clone();
        }
        let claims = Arc::new(claims);
        keep(&mut kept, claims.clone());
        claims
    }
}

/// The position of the same values. The fields then count as read.
#[inline(never)]
fn position(seen: &[Seen], tenant: &Object<'_>, fields: &[&'static str], besides: bool) -> Option<usize> {
    let is_same = |seen: &Seen| {
        let mut both = seen.values.iter().zip(fields);
        seen.besides == besides && both.all(|(value, name)| value.as_ref() == tenant.member(name))
    };
    let position = seen.iter().position(is_same)?;
    fields.iter().for_each(|name| tenant.know(name));
    Some(position)
}

#[inline(never)]
fn remember(seen: &mut Vec<Seen>, tenant: &Object<'_>, fields: &[&'static str], besides: bool) {
    let values = fields.iter().map(|name| tenant.member(name).cloned()).collect();
    keep(seen, Seen { values, besides });
}

fn keep<T>(kept: &mut Vec<T>, new: T) {
    kept.truncate(MOST.saturating_sub(1));
    kept.insert(0, new);
}

/// Tenants that are not alike must not make the load slow.
const MOST: usize = 8;
