//! Fetches what a provider publishes: its metadata, if the tenant uses discovery, and then its JWK
//! Set.
//!
//! Scenarios: tests/scenarios/keys.rs.

use std::sync::Arc;

use serde_json::Value;

use super::error::{FetchError, KEYS, METADATA};
use super::fetched::Fetched;
use super::metadata::Metadata;
use super::provider::Provider;
use crate::base::json;
use crate::base::time::UnixTime;
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::jose::{KeySet, read_jwks};
use crate::oauth::call_headers::get;
use crate::oauth::unreachable::ProviderUnreachable;
use crate::tenant::{SourceStart, Tenant};

/// A fetch that waits for a response of the provider.
pub(crate) struct Fetch {
    provider: Arc<Provider>,
    awaited: Awaited,
}

enum Awaited {
    Metadata,
    /// The fetched metadata, as bytes and parsed; `None` if `jwks_uri` is configured.
    Jwks(Option<(Vec<u8>, Box<Metadata>)>),
}

/// What follows a response.
pub(crate) enum FetchStep {
    /// The fetch goes on with another call.
    Call(Fetch, HttpCall),
    /// The fetch ended, with the documents or an error.
    Done(Arc<Provider>, Result<Documents, FetchError>),
}

/// The fetched documents: parsed, and as they were received, so that the other VMs can parse them
/// the same way.
pub(crate) struct Documents {
    /// The metadata as received, if the tenant uses discovery.
    pub(crate) metadata: Option<Vec<u8>>,
    /// The JWK Set as received.
    pub(crate) jwks: Vec<u8>,
    /// The parsed documents.
    pub(crate) fetched: Fetched,
}

impl Fetch {
    /// Begins a fetch. `None` if the tenant fetches nothing.
    pub(crate) fn begin(provider: &Arc<Provider>) -> Option<(Self, HttpCall)> {
        let config = &provider.tenant().provider;
        let (awaited, url) = match &config.source.as_ref()?.start {
            SourceStart::Discovery(url) => (Awaited::Metadata, url),
            SourceStart::JwksUri(url) => (Awaited::Jwks(None), url),
        };
        Some((Self { provider: provider.clone(), awaited }, get(config, url)))
    }

    /// Continues with the response to the last call.
    pub(crate) fn proceed(self, result: Result<CallResponse, CallFailure>, now: UnixTime) -> FetchStep {
        let Self { provider, awaited } = self;
        let document = if matches!(awaited, Awaited::Metadata) { METADATA } else { KEYS };
        let body = match body(result, document, provider.tenant()) {
            Ok(body) => body,
            Err(error) => return FetchStep::Done(provider, Err(error)),
        };
        match awaited {
            Awaited::Metadata => match Metadata::read(&body, provider.tenant()) {
                Ok(metadata) => {
                    let call = get(&provider.tenant().provider, &metadata.jwks_uri);
                    FetchStep::Call(Self { provider, awaited: Awaited::Jwks(Some((body, Box::new(metadata)))) }, call)
                }
                Err(error) => FetchStep::Done(provider, Err(error)),
            },
            Awaited::Jwks(metadata) => {
                let (document, metadata) = metadata.unzip();
                let documents =
                    read_set(&body, metadata.as_deref(), provider.tenant()).map(|(keys, omitted)| Documents {
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
    /// Parses documents that a VM of this process fetched at `at`.
    pub(super) fn read(
        at: UnixTime,
        metadata: Option<&[u8]>,
        jwks: &[u8],
        tenant: &Tenant,
    ) -> Result<Self, FetchError> {
        let metadata = metadata.map(|document| Metadata::read(document, tenant).map(Box::new)).transpose()?;
        let (keys, omitted) = read_set(jwks, metadata.as_deref(), tenant)?;
        Ok(Self { at, keys: Arc::new(keys), omitted, metadata })
    }
}

/// The usable keys of a JWK Set (RFC 7517 section 5), and the number of unusable ones. Configured
/// keys take precedence: a fetched key that is also configured, or has the `kid` of a configured
/// key, is omitted.
fn read_set(body: &[u8], metadata: Option<&Metadata>, tenant: &Tenant) -> Result<(KeySet, usize), FetchError> {
    let document = json::parse_object(body).map_err(|_| FetchError::NotJson(KEYS))?;
    let Some(Value::Array(keys)) = document.get("keys") else { return Err(FetchError::Field("keys")) };
    let usable = read_jwks(keys.get(..MAX_KEYS).unwrap_or(keys));
    if usable.is_empty() {
        return Err(FetchError::NoKey);
    }
    let omitted = keys.len().saturating_sub(usable.len());
    let published = metadata.and_then(|metadata| metadata.id_token_algorithms);
    let named = tenant.id_token_algorithms.or(published).unwrap_or_default();
    Ok((KeySet::beside(&tenant.keys, usable).for_each(named), omitted))
}

fn body(
    result: Result<CallResponse, CallFailure>,
    document: &'static str,
    tenant: &Tenant,
) -> Result<Vec<u8>, FetchError> {
    let response =
        result.map_err(|failure| FetchError::Call(ProviderUnreachable::new(&tenant.provider.cluster, failure)))?;
    // A redirect is not followed: calls go only where the configuration says.
    if response.status != 200 {
        return Err(FetchError::Status(document, response.status));
    }
    let body = response.body.expose_secret();
    if body.len() > CallResponse::MAX_BODY { Err(FetchError::TooLong) } else { Ok(body.clone()) }
}

/// More keys than any issuer has. Parsing each takes some microseconds.
const MAX_KEYS: usize = 64;
