//! Shared fixtures of the unit tests: two tenants that differ only in name and host, and a
//! deterministic host.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use prost::Message as _;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as WireValue};
use serde_json::{Value, json};

use crate::config::{self, Environment, LoadContext};
use crate::env::shared::{NoSharedData, SharedData, SharedWriteError, Version};
use crate::env::{Entropy, Env, NoEntropy};
use crate::identity::{IdentityRecord, VerifiedIdentity};
use crate::jose::{HostAlgorithms, NoHostVerifier, SignatureAlgorithm, SigningKeyRef, Verifier};
use crate::runtime::{Runtime, TenantEntry};
use crate::seal::Purpose;
use crate::session::{RetainedTokens, SessionId, SessionRecord};
use crate::tenant::{Tenant, TenantName};
use crate::token::Claims;

/// A host without environment variables. Its random bytes are a counter.
#[derive(Default)]
pub(crate) struct TestHost(u8);

impl Environment for TestHost {
    fn var(&self, _name: &str) -> Option<String> {
        None
    }
}

impl Entropy for TestHost {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        self.0 = self.0.wrapping_add(1);
        buffer.fill(self.0);
        Ok(())
    }
}

impl TestHost {
    /// The environment of one step on this host, without time and shared data.
    pub(crate) fn env(&mut self) -> Env<'_> {
        self.env_with(&NoSharedData)
    }

    /// The same with these shared data.
    pub(crate) fn env_with<'a>(&'a mut self, shared: &'a dyn SharedData) -> Env<'a> {
        Env::new(None, self, Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::default() }, shared)
    }
}

/// Shared data in which another worker can write before the next write.
#[derive(Default)]
pub(crate) struct TestSharedData {
    values: RefCell<HashMap<String, (Vec<u8>, u32)>>,
    /// The key and the value that the other worker writes.
    pub(crate) before_write: RefCell<Option<(String, Vec<u8>)>>,
}

impl SharedData for TestSharedData {
    fn get(&self, key: &str) -> Option<(Vec<u8>, Version)> {
        self.values.borrow().get(key).map(|(value, version)| (value.clone(), Version(*version)))
    }

    fn set(&self, key: &str, value: &[u8], version: Option<Version>) -> Result<(), SharedWriteError> {
        if let Some((key, value)) = self.before_write.take() {
            self.set(&key, &value, None)?;
        }
        let mut values = self.values.borrow_mut();
        let held = values.get(key).map_or(0, |(_, version)| *version);
        if version.is_some_and(|Version(expected)| expected != held) {
            return Err(SharedWriteError);
        }
        values.insert(key.to_owned(), (value.to_vec(), held.wrapping_add(1)));
        Ok(())
    }
}

/// The name of a tenant.
#[expect(clippy::disallowed_methods, reason = "tests name tenants, too")]
pub(crate) fn tenant_name(text: &str) -> TenantName {
    TenantName::parse(text).unwrap()
}

/// A runtime with the tenants `a` and `b`, and a session key for each id.
pub(crate) fn runtime(key_ids: &[&str]) -> Runtime {
    runtime_with(key_ids, include_str!("../tests/vectors/keys/ec.public.pem"))
}

/// The same as [`runtime`], with `pem` as the key of the issuer.
pub(crate) fn runtime_with(key_ids: &[&str], pem: &str) -> Runtime {
    let tenant = |name: &str| {
        json!({
            "name": name, "hosts": [format!("{name}.example")], "issuer": "https://i.example", "client_id": "gate",
            "keys": [{ "pem": pem }],
            "provider": { "cluster": "i", "authorization_endpoint": "https://i.example/a",
                "token_endpoint": "https://i.example/t", "end_session_endpoint": "https://i.example/out" },
        })
    };
    let key = |id: &&str| json!({ "id": id, "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" });
    let context = LoadContext { environment: &TestHost::default(), host: HostAlgorithms::default() };
    let keys: Vec<_> = key_ids.iter().map(key).collect();
    let configuration = json!({ "session": { "keys": keys }, "tenants": [tenant("a"), tenant("b")] });
    config::load_value(&configuration, context).unwrap().runtime
}

/// Both tenants of [`runtime`].
pub(crate) fn tenants(runtime: &Runtime) -> [&Tenant; 2] {
    let [TenantEntry::Served(a), TenantEntry::Served(b)] = runtime.entries() else { panic!("two tenants serve") };
    [&a.model, &b.model]
}

/// A session that began at `signed_in`, without user and claims.
pub(crate) fn session(signed_in: u64) -> SessionRecord {
    let key = postcard::from_bytes(&[0; 32]).unwrap();
    SessionRecord {
        identity: identity_record("", SigningKeyRef::Configured(key)),
        signed_in,
        seen: signed_in,
        token_expires: 0,
        id: SessionId([0xff; 16]),
        sub: String::new(),
        sid: None,
        tokens: RetainedTokens::default(),
    }
}

fn identity_record(user: &str, verified_with: SigningKeyRef) -> IdentityRecord {
    // Claims are sealed as a string. This one is empty.
    let claims = postcard::from_bytes(&[0]).unwrap();
    IdentityRecord {
        user: user.to_owned(),
        email: None,
        email_verified: false,
        groups: Vec::new(),
        claims,
        verified_with,
    }
}

/// The identity of `user` at `tenant`, as a session gives it.
pub(crate) fn identity(runtime: &Runtime, tenant: &Tenant, user: &str) -> Arc<VerifiedIdentity> {
    let key = tenant.keys.candidates(SignatureAlgorithm::Es256, None).next().unwrap();
    let record =
        SessionRecord { identity: identity_record(user, SigningKeyRef::Configured(key.thumbprint())), ..session(0) };
    let mut host = TestHost::default();
    let sealed = runtime.ring().seal(Purpose::Session, tenant, &record, &mut host.env()).unwrap();
    let opened = runtime.ring().open::<SessionRecord>(Purpose::Session, tenant, sealed.as_bytes());
    Arc::new(VerifiedIdentity::from_sealed(opened.unwrap()))
}

/// Claims with these members.
pub(crate) fn claims(members: Value) -> Claims {
    let Value::Object(members) = members else { panic!("claims are an object") };
    Claims::new(members)
}

fn wire_value(value: &Value) -> WireValue {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(bool) => Kind::BoolValue(*bool),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(values) => Kind::ListValue(ListValue { values: values.iter().map(wire_value).collect() }),
        Value::Object(members) => Kind::StructValue(Struct {
            fields: members.iter().map(|(name, value)| (name.clone(), wire_value(value))).collect(),
        }),
    };
    WireValue { kind: Some(kind) }
}

/// The configuration as a protobuf `Struct` in its wire format.
pub(crate) fn struct_bytes(value: &Value) -> Vec<u8> {
    let Some(Kind::StructValue(wire)) = wire_value(value).kind else { panic!("no object") };
    wire.encode_to_vec()
}
