//! What unit tests share: two tenants that differ in name and host only, and a host without surprises.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::config::{self, Environment, Surroundings};
use crate::env::{Entropy, Env, NoEntropy};
use crate::gate::{Entry, Gate};
use crate::identity::VerifiedIdentity;
use crate::keys::{HostAlgorithms, NoHostVerifier, SignatureAlgorithm, Verifier, Voucher};
use crate::revocation::SessionId;
use crate::seal::Purpose;
use crate::session::{FurtherClaims, Kept, SessionRecord};
use crate::shared::NoSharedData;
use crate::tenant::Tenant;
use crate::token::Claims;

/// No variable is set, and the random numbers count upwards.
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
    /// What the core is given on this host.
    pub(crate) fn env(&mut self) -> Env<'_> {
        Env::new(None, self, Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::default() }, &NoSharedData)
    }
}

/// The tenants `a` and `b`, with the session keys of these ids.
pub(crate) fn gate(key_ids: &[&str]) -> Gate {
    gate_with(key_ids, include_str!("../tests/vectors/keys/ec.public.pem"))
}

/// The same with another key of the issuer.
pub(crate) fn gate_with(key_ids: &[&str], pem: &str) -> Gate {
    let tenant = |name: &str| {
        json!({
            "name": name, "hosts": [format!("{name}.example")], "issuer": "https://i.example", "client_id": "gate",
            "keys": [{ "pem": pem }],
            "provider": { "cluster": "i", "authorization_endpoint": "https://i.example/a", "token_endpoint": "https://i.example/t",
                "end_session_endpoint": "https://i.example/out" },
        })
    };
    let key = |id: &&str| json!({ "id": id, "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" });
    let surroundings = Surroundings { environment: &TestHost::default(), host: HostAlgorithms::default() };
    let keys: Vec<_> = key_ids.iter().map(key).collect();
    let configuration = json!({ "session": { "keys": keys }, "tenants": [tenant("a"), tenant("b")] });
    config::load_value(&configuration, surroundings).unwrap().gate
}

/// Both tenants of [`gate`].
pub(crate) fn tenants(gate: &Gate) -> [&Tenant; 2] {
    let [Entry::Serving(a), Entry::Serving(b)] = gate.entries() else { panic!("two tenants serve") };
    [a, b]
}

/// A session that began then.
pub(crate) fn session(signed_in: u64) -> SessionRecord {
    let key = postcard::from_bytes(&[0; 32]).unwrap();
    SessionRecord {
        user: String::new(),
        email: None,
        email_verified: false,
        groups: Vec::new(),
        claims: FurtherClaims::default(),
        vouched_by: Voucher::Configured(key),
        signed_in,
        seen: signed_in,
        token_expires: 0,
        id: SessionId([0xff; 16]),
        sub: String::new(),
        sid: None,
        kept: Kept::default(),
    }
}

/// The identity of `user` at `tenant`, as if somebody had signed in.
pub(crate) fn identity(gate: &Gate, tenant: &Tenant, user: &str) -> Arc<VerifiedIdentity> {
    let key = tenant.keys.candidates(SignatureAlgorithm::Es256, None).next().unwrap();
    let vouched_by = Voucher::Configured(key.thumbprint());
    let record = SessionRecord { user: user.to_owned(), vouched_by, ..session(0) };
    let sealed = gate.ring().seal(Purpose::Session, tenant, &record, &mut TestHost::default().env()).unwrap();
    Arc::new(VerifiedIdentity::from_session(gate.ring().open(Purpose::Session, tenant, sealed.as_bytes()).unwrap()))
}

/// The claims of a token that was verified.
pub(crate) fn claims(members: Value) -> Claims {
    let Value::Object(members) = members else { panic!("claims are an object") };
    Claims::new(members)
}
