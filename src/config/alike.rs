//! Sections that many tenants have alike: they are read once in a load, and what they give is kept
//! once.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::Value;

use super::cursor::Object;
use crate::http::page_settings::PageSettings;
use crate::jose::{AlgorithmSet, KeySet};
use crate::tenant::access::{AccessRules, Roles};
use crate::tenant::{Bearer, IdentityClaims, IdentityHeaders, Login, RetainedClaims};

/// The sections of one load.
#[derive(Default)]
pub(super) struct Sections {
    pub(super) keys: Alike<(Arc<KeySet>, Option<AlgorithmSet>)>,
    pub(super) login: Alike<Arc<Login>>,
    pub(super) bearer: Alike<Option<Arc<Bearer>>>,
    pub(super) access: Alike<(Arc<Roles>, Arc<AccessRules>, Arc<RetainedClaims>)>,
    pub(super) headers: Alike<(Arc<IdentityHeaders>, Arc<[String]>)>,
    pub(super) pages: Alike<Arc<PageSettings>>,
    identities: RefCell<Vec<Arc<IdentityClaims>>>,
}

/// What fields have given without a mistake, with their values. The last [`MOST`] are kept.
pub(super) struct Alike<T>(RefCell<Vec<(Key, T)>>);

/// The values of the fields, and what else the result depends on.
type Key = (bool, Vec<Option<Value>>);

impl<T: Clone> Alike<T> {
    /// What these fields of a tenant give. `read` reads them in this order, unless another tenant
    /// had the same values. It depends on nothing else that differs between tenants but `besides`.
    pub(super) fn read(
        &self,
        tenant: &Object<'_>,
        fields: &[&'static str],
        besides: bool,
        read: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        let is_same = |(own, values): &Key| {
            *own == besides && values.iter().map(Option::as_ref).eq(fields.iter().map(|name| tenant.member(name)))
        };
        if let Some((_, known)) = self.0.borrow().iter().find(|(key, _)| is_same(key)) {
            fields.iter().for_each(|name| tenant.know(name));
            return Some(known.clone());
        }
        let mistakes = tenant.mistakes();
        let result = read()?;
        if tenant.mistakes() == mistakes {
            let values = fields.iter().map(|name| tenant.member(name).cloned()).collect();
            keep(&mut self.0.borrow_mut(), ((besides, values), result.clone()));
        }
        Some(result)
    }
}

impl Sections {
    /// The claims that the identity consists of, kept once if they are alike.
    pub(super) fn identity(&self, claims: IdentityClaims) -> Arc<IdentityClaims> {
        let mut kept = self.identities.borrow_mut();
        if let Some(known) = kept.iter().find(|known| ***known == claims) {
            return known.clone();
        }
        let claims = Arc::new(claims);
        keep(&mut kept, claims.clone());
        claims
    }
}

impl<T> Default for Alike<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

fn keep<T>(kept: &mut Vec<T>, new: T) {
    kept.truncate(MOST.saturating_sub(1));
    kept.insert(0, new);
}

/// Tenants that are not alike must not make the load slow.
const MOST: usize = 8;
