//! Fetching what a provider publishes: its metadata, where it is discovered, and then its keys.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::metadata::Metadata;
use super::{Fetched, Start};
use crate::call::{CallFailure, CallResponse, HttpCall};
use crate::env::UnixTime;
use crate::json;
use crate::keys::{KeySet, read_jwks};
use crate::tenant::Tenant;

/// A fetch that waits for the provider.
pub(crate) struct Fetch {
    tenant: Arc<Tenant>,
    stage: Stage,
}

enum Stage {
    Metadata,
    /// The metadata as it came, and what it says.
    Jwks(Option<(Vec<u8>, Box<Metadata>)>),
}

/// What comes after an answer.
pub(crate) enum Progress {
    /// Another call.
    Call(Fetch, HttpCall),
    /// The end, well or not.
    Done(Arc<Tenant>, Result<Documents, FetchProblem>),
}

/// What the provider published, and the documents as they came, so that other VMs can read them the same way.
pub(crate) struct Documents {
    pub(crate) metadata: Option<Vec<u8>>,
    pub(crate) jwks: Vec<u8>,
    pub(crate) fetched: Fetched,
}

/// Why a fetch was of no use. It names fields and statuses, and nothing that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchProblem {
    /// There was no answer.
    Call(CallFailure),
    /// A field is absent, or not what it has to be.
    Field(&'static str),
    /// The set has no key that could verify a token.
    NoKey,
    /// The body is not one JSON object.
    NotJson,
    /// The metadata are those of another issuer.
    OtherIssuer,
    /// Not 200.
    Status(u16),
    /// The body is longer than [`CallResponse::MAX_BODY`].
    TooLong,
}

impl Fetch {
    /// Begins. `None` if the tenant fetches nothing.
    pub(crate) fn begin(tenant: &Arc<Tenant>) -> Option<(Self, HttpCall)> {
        let (stage, url) = match &tenant.provider.source.as_ref()?.start {
            Start::Discovery(url) => (Stage::Metadata, url),
            Start::JwksUri(url) => (Stage::Jwks(None), url),
        };
        Some((Self { tenant: tenant.clone(), stage }, tenant.provider.get(url)))
    }

    /// Takes the answer to the last call.
    pub(crate) fn proceed(self, result: Result<CallResponse, CallFailure>, now: UnixTime) -> Progress {
        let Self { tenant, stage } = self;
        let body = match body(result) {
            Ok(body) => body,
            Err(problem) => return Progress::Done(tenant, Err(problem)),
        };
        match stage {
            Stage::Metadata => match read_metadata(&body, &tenant) {
                Ok(metadata) => {
                    let call = tenant.provider.get(&metadata.jwks_uri);
                    Progress::Call(Self { tenant, stage: Stage::Jwks(Some((body, metadata))) }, call)
                }
                Err(problem) => Progress::Done(tenant, Err(problem)),
            },
            Stage::Jwks(metadata) => {
                let (document, metadata) = metadata.unzip();
                let documents = read_set(&body, &tenant).map(|(keys, left_out)| Documents {
                    metadata: document,
                    jwks: body,
                    fetched: Fetched { at: now, keys, left_out, metadata },
                });
                Progress::Done(tenant, documents)
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
    ) -> Result<Self, FetchProblem> {
        let metadata = metadata.map(|document| read_metadata(document, tenant)).transpose()?;
        let (keys, left_out) = read_set(jwks, tenant)?;
        Ok(Self { at, keys, left_out, metadata })
    }
}

fn read_metadata(body: &[u8], tenant: &Tenant) -> Result<Box<Metadata>, FetchProblem> {
    let source = tenant.provider.source.as_ref().ok_or(FetchProblem::NoKey)?;
    Metadata::read(body, &tenant.issuer, source).map(Box::new)
}

/// The usable keys of a JWK Set (RFC 7517 section 5), and how many are of no use. Configured keys win: one that is configured
/// too, or has the `kid` of one that is, is left out.
fn read_set(body: &[u8], tenant: &Tenant) -> Result<(KeySet, usize), FetchProblem> {
    let document = json::parse_object(body).map_err(|_| FetchProblem::NotJson)?;
    let Some(Value::Array(keys)) = document.get("keys") else { return Err(FetchProblem::Field("keys")) };
    let (usable, _) = read_jwks(keys.get(..MAX_KEYS).unwrap_or(keys));
    if usable.is_empty() {
        return Err(FetchProblem::NoKey);
    }
    let left_out = keys.len().saturating_sub(usable.len());
    Ok((KeySet::beside(&tenant.keys, usable), left_out))
}

fn body(result: Result<CallResponse, CallFailure>) -> Result<Vec<u8>, FetchProblem> {
    let response = result.map_err(FetchProblem::Call)?;
    // A redirect is not followed: a call goes where the configuration says.
    if response.status != 200 {
        return Err(FetchProblem::Status(response.status));
    }
    let body = response.body.expose_secret();
    if body.len() > CallResponse::MAX_BODY { Err(FetchProblem::TooLong) } else { Ok(body.clone()) }
}

impl fmt::Display for FetchProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(CallFailure::Refused) => {
                f.write_str("the host refused the call; is there a cluster by the configured name?")
            }
            Self::Call(CallFailure::NoAnswer) => f.write_str("no answer in time"),
            Self::Field(name) => write!(f, "the document has no usable `{name}`"),
            Self::NoKey => f.write_str("the JWK Set has no key that could verify a token"),
            Self::NotJson => f.write_str("the document is not a JSON object"),
            Self::OtherIssuer => f.write_str("the metadata name another `issuer` than the configuration"),
            Self::Status(status) => write!(f, "the answer has status {status}"),
            Self::TooLong => write!(f, "the document is longer than {} bytes", CallResponse::MAX_BODY),
        }
    }
}

impl std::error::Error for FetchProblem {}

/// More keys than any issuer has; each costs some microseconds to read.
const MAX_KEYS: usize = 64;
