//! The environment variables that a check uses.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tenantgate::config::Environment;

use super::yaml::Node;

/// Where the values of variables come from.
#[derive(Clone, Default)]
pub(crate) struct Variables {
    given: HashMap<String, String>,
    /// Whether a variable without a value has one that is not known here.
    assume: bool,
    /// Whether the variables of this process do not count.
    ignore_process: bool,
}

/// The variables that the VM of one gate has, and what was asked of them.
pub(crate) struct VmEnvironment<'a> {
    variables: &'a Variables,
    /// The names that Envoy hands to the VM. `None` if the file does not say.
    handed: Option<Vec<String>>,
    /// The values in the file itself.
    fixed: HashMap<String, String>,
    /// The names of variables that hold keys in PEM, and those that hold JWKs.
    keys: KeyNames,
    missing: RefCell<Vec<String>>,
}

impl Variables {
    /// Those of `--env`, before those of the file of `--env-file`, before those of this process.
    pub(crate) fn new(given: Vec<(String, String)>, file: Option<&Path>, assume: bool) -> Result<Self, String> {
        let mut all = HashMap::new();
        if let Some(file) = file {
            let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
            for (number, line) in text.lines().enumerate().filter(|(_, line)| is_assignment(line)) {
                let line = line.trim();
                let line = line.strip_prefix("export ").unwrap_or(line);
                let (name, value) = line.split_once('=').ok_or_else(|| {
                    format!("{}:{}: write it as NAME=VALUE", file.display(), number.saturating_add(1))
                })?;
                all.insert(name.trim().to_owned(), unquoted(value.trim()).to_owned());
            }
        }
        all.extend(given);
        Ok(Self { given: all, assume, ignore_process: false })
    }

    /// Every variable has a value that is not known here, whatever this process has.
    pub(crate) fn unknown() -> Self {
        Self { given: HashMap::new(), assume: true, ignore_process: true }
    }

    /// The variables of a VM that gets these names, or all of them if there is no list.
    pub(crate) fn vm(
        &self,
        handed: Option<Vec<String>>,
        fixed: HashMap<String, String>,
        configuration: &Node,
    ) -> VmEnvironment<'_> {
        let keys = KeyNames::of(configuration);
        VmEnvironment { variables: self, handed, fixed, keys, missing: RefCell::default() }
    }

    #[expect(clippy::disallowed_methods, reason = "the tool is no part of the core")]
    fn value(&self, name: &str) -> Option<String> {
        let of_process = || (!self.ignore_process).then(|| std::env::var(name).ok()).flatten();
        self.given.get(name).cloned().or_else(of_process)
    }
}

impl VmEnvironment<'_> {
    /// The names that were asked for and that Envoy does not hand to the VM.
    pub(crate) fn not_handed(&self) -> Vec<String> {
        self.missing.borrow().clone()
    }

    /// The value of a variable that stands in the file itself.
    pub(crate) fn fixed(&self, name: &str) -> Option<&str> {
        self.fixed.get(name).map(String::as_str)
    }

    /// The value of a variable, if it is certain. With `--assume-env` only the file is.
    pub(crate) fn known(&self, name: &str) -> Option<String> {
        let is_handed = self.handed.as_ref().is_none_or(|handed| handed.iter().any(|handed| handed == name));
        let given = || self.variables.value(name).filter(|_| is_handed && !self.variables.assume);
        self.fixed(name).map(str::to_owned).or_else(given)
    }

    /// Whether the value of a variable is known here.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.fixed.contains_key(name) || self.variables.value(name).is_some()
    }
}

/// The variables that a configuration uses for private keys.
#[derive(Default)]
struct KeyNames {
    pem: Vec<String>,
    jwk: Vec<String>,
}

impl KeyNames {
    fn of(configuration: &Node) -> Self {
        let mut names = Self::default();
        names.search(configuration);
        names
    }

    fn search(&mut self, here: &Node) {
        for member in here.members() {
            if let Some(variable) = member.value.get("env").and_then(Node::text) {
                match member.key.text() {
                    Some("pem") => self.pem.push(variable.to_owned()),
                    Some("jwk") => self.jwk.push(variable.to_owned()),
                    _ => {}
                }
            }
        }
        here.children().for_each(|child| self.search(child));
    }
}

impl VmEnvironment<'_> {
    /// A value that stands for one that is not known, of the kind that the field needs.
    fn assumed(&self, name: &str) -> String {
        let is_in = |names: &[String]| names.iter().any(|known| known == name);
        if is_in(&self.keys.pem) {
            assumed_pem(name)
        } else if is_in(&self.keys.jwk) {
            assumed_jwk(name)
        } else {
            ASSUMED.to_owned()
        }
    }
}

impl Environment for VmEnvironment<'_> {
    fn var(&self, name: &str) -> Option<String> {
        if let Some(value) = self.fixed.get(name) {
            return Some(value.clone());
        }
        if self.handed.as_ref().is_some_and(|handed| !handed.iter().any(|handed| handed == name)) {
            self.missing.borrow_mut().push(name.to_owned());
            return None;
        }
        let value = self.variables.value(name);
        let assumed = || self.variables.assume.then(|| self.assumed(name));
        value.or_else(assumed)
    }
}

fn is_assignment(line: &str) -> bool {
    !line.trim().is_empty() && !line.trim_start().starts_with('#')
}

fn unquoted(value: &str) -> &str {
    let inner = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

/// Stands for a value that is not known: 32 bytes in base64, so that it is also a session key.
const ASSUMED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// A private key that stands for that of the variable `name`, in PEM (PKCS#8). It protects nothing.
fn assumed_pem(name: &str) -> String {
    let der = [ED25519_PKCS8, &Sha256::digest(name)].concat();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

/// The same as a JWK.
fn assumed_jwk(name: &str) -> String {
    let seed: [u8; 32] = Sha256::digest(name).into();
    let public = SigningKey::from_bytes(&seed).verifying_key();
    let [d, x] = [seed, public.to_bytes()].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    json!({ "kty": "OKP", "crv": "Ed25519", "d": d, "x": x }).to_string()
}

/// What stands before the 32 bytes of an Ed25519 key in PKCS#8 (RFC 8410 section 7).
const ED25519_PKCS8: &[u8] = &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
