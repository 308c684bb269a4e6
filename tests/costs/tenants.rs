//! What a tenant of a large configuration costs a VM: memory, which never shrinks, and the
//! instructions of the load, during which a worker answers no request.

use p256::ecdsa::SigningKey;
use prost::Message as _;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as WireValue};
use serde_json::{Value, json};

use super::metered;
use crate::support::configuration::configuration;
use crate::support::host::{Cost, Host};
use crate::support::http::base64url;

const TENANTS: u16 = 1_000;

/// A tenant with an issuer and a key of its own.
fn tenant(number: u16) -> Value {
    let mut secret = [1; 32];
    secret[30..].copy_from_slice(&number.to_be_bytes());
    let point = SigningKey::from_slice(&secret).unwrap().verifying_key().to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    let issuer = format!("https://issuer.example/t{number}");
    json!({
        "name": format!("t{number}"),
        "hosts": [format!("t{number}.example")],
        "issuer": issuer,
        "client_id": "gate",
        "client_secret": format!("secret-of-{number}"),
        "keys": [{ "jwks": { "keys": [{
            "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y),
            "kid": format!("key-{number}"), "alg": "ES256", "use": "sig",
        }] } }],
        "provider": {
            "cluster": "issuer",
            "authorization_endpoint": format!("{issuer}/auth"),
            "token_endpoint": format!("{issuer}/token"),
        },
        "bearer": { "audiences": ["api"] },
    })
}

/// What a load of many tenants costs for each of them.
struct Load {
    /// Bytes of memory.
    memory: u64,
    /// Instructions of the first VM.
    checked: u64,
    /// Instructions of a VM that has the outline of another one.
    deferred: u64,
}

impl Load {
    fn new(encode: fn(&Value) -> Vec<u8>) -> Self {
        let tenants: Vec<Value> = (0..TENANTS).map(tenant).collect();
        Self::of(&encode(&configuration(&tenants)))
    }

    fn of(bytes: &[u8]) -> Self {
        let mut host = metered(&[super::acme()]);
        let before = host.memory();
        let checked = Self::instructions(&mut host, bytes);
        let memory = (host.memory() - before) / u64::from(TENANTS);
        // It finds the note, as another VM does.
        let deferred = Self::instructions(&mut host, bytes);
        println!("{memory} bytes of memory, {checked} instructions, {deferred} for another VM");
        Self { memory, checked, deferred }
    }

    /// The instructions of a load, for each tenant.
    fn instructions(host: &mut Host, bytes: &[u8]) -> u64 {
        let (Cost { instructions, .. }, taken) = host.cost(|host| host.configure(bytes));
        assert!(taken, "{:?}", host.state().log);
        instructions / u64::from(TENANTS)
    }

    #[track_caller]
    fn assert_is_cheap(&self) {
        assert!(self.memory <= MEMORY && self.checked <= CHECKED && self.deferred <= DEFERRED);
    }
}

#[test]
fn tenants_in_json() {
    Load::new(|value| value.to_string().into_bytes()).assert_is_cheap();
}

#[test]
fn tenants_in_a_struct() {
    let encode = |value: &Value| {
        let Some(Kind::StructValue(wire)) = wire(value).kind else { panic!("no object") };
        wire.encode_to_vec()
    };
    Load::new(encode).assert_is_cheap();
}

/// With a store and tenants in etcd.
#[test]
fn tenants_beside_etcd() {
    let tenants: Vec<Value> = (0..TENANTS).map(tenant).collect();
    let mut configuration = configuration(&tenants);
    configuration["store"] = json!({ "etcd": { "cluster": "etcd" } });
    configuration["tenants_from"] = json!({ "etcd": { "cluster": "etcd" }, "keys": tenants[0]["keys"] });
    let Load { memory, checked, deferred } = Load::of(configuration.to_string().as_bytes());
    assert!(memory <= MEMORY_BESIDE_ETCD && checked <= CHECKED_BESIDE_ETCD && deferred <= DEFERRED_BESIDE_ETCD);
}

fn wire(value: &Value) -> WireValue {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(bool) => Kind::BoolValue(*bool),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(values) => Kind::ListValue(ListValue { values: values.iter().map(wire).collect() }),
        Value::Object(members) => Kind::StructValue(Struct {
            fields: members.iter().map(|(name, value)| (name.clone(), wire(value))).collect(),
        }),
    };
    WireValue { kind: Some(kind) }
}

/// Of the VM that checks the configuration, with its bytes and with all tenants compiled for it.
const MEMORY: u64 = 2_450;
const CHECKED: u64 = 580_000;
const DEFERRED: u64 = 26_000;
/// The ids of the tenants, and what documents are compared with.
const MEMORY_BESIDE_ETCD: u64 = 2_700;
const CHECKED_BESIDE_ETCD: u64 = 690_000;
const DEFERRED_BESIDE_ETCD: u64 = 31_000;
