//! Fetching what a provider publishes: its metadata, where it is discovered, and then its keys.

use std::sync::Arc;

use serde_json::Value;

use super::error::FetchError;
use super::fetched::Fetched;
use super::metadata::Metadata;
use super::provider::Provider;
use crate::base::json;
use crate::base::time::UnixTime;
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::jose::{KeySet, read_jwks};
use crate::oauth::provider_call::get;
use crate::tenant::{SourceStart, Tenant};

/// A fetch that waits for the provider.
pub(crate) struct Fetch {
    provider: Arc<Provider>,
    awaited: Awaited,
}

enum Awaited {
    Metadata,
    /// The metadata as it came, and what it says.
    Jwks(Option<(Vec<u8>, Box<Metadata>)>),
}

/// What comes after an answer.
pub(crate) enum FetchStep {
    /// Another call.
    Call(Fetch, HttpCall),
    /// The end, well or not.
    Done(Arc<Provider>, Result<Documents, FetchError>),
}

/// What the provider published, and the documents as they came, so that other VMs can read them the same way.
pub(crate) struct Documents {
    pub(crate) metadata: Option<Vec<u8>>,
    pub(crate) jwks: Vec<u8>,
    pub(crate) fetched: Fetched,
}

impl Fetch {
    /// Begins. `None` if the tenant fetches nothing.
    pub(crate) fn begin(provider: &Arc<Provider>) -> Option<(Self, HttpCall)> {
        let config = &provider.tenant().provider;
        let (awaited, url) = match &config.source.as_ref()?.start {
            SourceStart::Discovery(url) => (Awaited::Metadata, url),
            SourceStart::JwksUri(url) => (Awaited::Jwks(None), url),
        };
        Some((Self { provider: provider.clone(), awaited }, get(config, url)))
    }

    /// Takes the response to the last call.
    pub(crate) fn proceed(self, result: Result<CallResponse, CallFailure>, now: UnixTime) -> FetchStep {
        let Self { provider, awaited } = self;
        let body = match body(result) {
            Ok(body) => body,
            Err(error) => return FetchStep::Done(provider, Err(error)),
        };
        match awaited {
            Awaited::Metadata => match read_metadata(&body, provider.tenant()) {
                Ok(metadata) => {
                    let call = get(&provider.tenant().provider, &metadata.jwks_uri);
                    FetchStep::Call(Self { provider, awaited: Awaited::Jwks(Some((body, metadata))) }, call)
                }
                Err(error) => FetchStep::Done(provider, Err(error)),
            },
            Awaited::Jwks(metadata) => {
                let (document, metadata) = metadata.unzip();
                let documents = read_set(&body, provider.tenant()).map(|(keys, omitted)| Documents {
                    metadata: document,
                    jwks: body,
                    fetched: Fetched { at: now, keys: Arc::new(keys), omitted, metadata },
                });
                FetchStep::Done(provider, documents)
            }
        }
    }
}

impl Fetched {
    /// Reads documents that a VM of this process fetched at `at`.
    pub(super) fn read(
        at: UnixTime,
        metadata: Option<&[u8]>,
        jwks: &[u8],
        tenant: &Tenant,
    ) -> Result<Self, FetchError> {
        let metadata = metadata.map(|document| read_metadata(document, tenant)).transpose()?;
        let (keys, omitted) = read_set(jwks, tenant)?;
        Ok(Self { at, keys: Arc::new(keys), omitted, metadata })
    }
}

fn read_metadata(body: &[u8], tenant: &Tenant) -> Result<Box<Metadata>, FetchError> {
    let source = tenant.provider.source.as_ref().ok_or(FetchError::NoKey)?;
    Metadata::read(body, &tenant.issuer, source).map(Box::new)
}

/// The usable keys of a JWK Set (RFC 7517 section 5), and how many are of no use. Configured keys win: one that is configured
/// too, or has the `kid` of one that is, is left out.
fn read_set(body: &[u8], tenant: &Tenant) -> Result<(KeySet, usize), FetchError> {
    let document = json::parse_object(body).map_err(|_| FetchError::NotJson)?;
    let Some(Value::Array(keys)) = document.get("keys") else { return Err(FetchError::Field("keys")) };
    let (usable, _) = read_jwks(keys.get(..MAX_KEYS).unwrap_or(keys));
    if usable.is_empty() {
        return Err(FetchError::NoKey);
    }
    let omitted = keys.len().saturating_sub(usable.len());
    Ok((KeySet::beside(&tenant.keys, usable), omitted))
}

fn body(result: Result<CallResponse, CallFailure>) -> Result<Vec<u8>, FetchError> {
    let response = result.map_err(FetchError::Call)?;
    // A redirect is not followed: a call goes where the configuration says.
    if response.status != 200 {
        return Err(FetchError::Status(response.status));
    }
    let body = response.body.expose_secret();
    if body.len() > CallResponse::MAX_BODY { Err(FetchError::TooLong) } else { Ok(body.clone()) }
}

/// More keys than any issuer has; each costs some microseconds to read.
const MAX_KEYS: usize = 64;
