//! Where the module can panic: the list in `sites.txt` is exact, and says of each site why no
//! request, answer or configuration reaches it. And what the largest inputs need of the memory.  A
//! call that panics names its place in the source, as a `core::panic::Location` in the data of the
//! module. A site is such a place whose address an instruction loads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use wasmparser::{DataKind, Operator, Parser, Payload};

use super::support::clock::Clock;
use super::support::configuration::{configuration, tenant};
use super::support::harness::Lines;
use super::support::host::{Host, RequestState, module_bytes};
use super::support::http::base64url;
use super::support::issuer::Issuer;
use super::support::signer::Signer;

/// The segments of the memory at the start.
#[derive(Default)]
struct Memory(Vec<(u32, Vec<u8>)>);

impl Memory {
    fn read(&self, address: u32, length: u32) -> Option<&[u8]> {
        self.0.iter().find_map(|(start, bytes)| {
            let from = usize::try_from(address.checked_sub(*start)?).unwrap();
            bytes.get(from..from + usize::try_from(length).unwrap())
        })
    }

    fn number(&self, address: u32) -> Option<u32> {
        Some(u32::from_le_bytes(self.read(address, 4)?.try_into().unwrap()))
    }

    /// The file and the line of the `Location` at this address.
    fn location(&self, address: u32) -> Option<(String, u32)> {
        let at = |field: u32| self.number(address.checked_add(4 * field)?);
        let (file, length, line, column) = (at(0)?, at(1)?, at(2)?, at(3)?);
        let file = std::str::from_utf8(self.read(file, length)?).ok()?;
        let is_location = file.ends_with(".rs") && (1..100_000).contains(&line) && (1..1_000).contains(&column);
        is_location.then(|| (without_versions(file), line))
    }
}

/// The path of a source without the version of its crate or compiler: an update moves no site.
fn without_versions(file: &str) -> String {
    let parts = file.trim_start_matches('/').split('/').enumerate().filter_map(|(index, part)| match (index, part) {
        (0, "tenantgate" | "rustc") => None,
        (1, hash) if file.starts_with("/rustc/") && hash.len() == 40 => None,
        (1, name) if file.starts_with("/crates/") => Some(name.rsplit_once('-').map_or(name, |(name, _)| name)),
        (2, name) if file.starts_with("/rust/deps/") => Some(name.rsplit_once('-').map_or(name, |(name, _)| name)),
        _ => Some(part),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The sites of a module: file and line.
fn sites(module: &[u8]) -> BTreeSet<(String, u32)> {
    let (mut memory, mut constants) = (Memory::default(), BTreeSet::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload.unwrap() {
            Payload::DataSection(segments) => {
                for segment in segments {
                    let segment = segment.unwrap();
                    let DataKind::Active { offset_expr, .. } = segment.kind else { panic!("a passive segment") };
                    let Operator::I32Const { value } = offset_expr.get_operators_reader().read().unwrap() else {
                        panic!("an offset that is no constant")
                    };
                    memory.0.push((value.cast_unsigned(), segment.data.to_vec()));
                }
            }
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader().unwrap() {
                    if let Operator::I32Const { value } = operator.unwrap() {
                        constants.insert(value.cast_unsigned());
                    }
                }
            }
            _ => {}
        }
    }
    constants.into_iter().filter_map(|address| memory.location(address)).collect()
}

/// The list: the number of sites of each file. A paragraph of words is the argument for the files
/// below it, up to the next one.
fn listed() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/panics/sites.txt")).unwrap();
    let mut listed = BTreeMap::new();
    let mut is_argued = false;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.split_once(' ') {
            Some((file, count)) if file.ends_with(".rs") => {
                assert!(is_argued, "{file} has no argument above it");
                assert!(listed.insert(file.to_owned(), count.parse().unwrap()).is_none(), "{file} is listed twice");
            }
            // The first line of a paragraph ends the argument before it.
            Some(_) => is_argued = true,
            None => is_argued = false,
        }
    }
    listed
}

#[test]
fn the_list_of_panic_sites_is_exact() {
    let mut found = BTreeMap::<String, usize>::new();
    for (file, _) in sites(&module_bytes()) {
        *found.entry(file).or_default() += 1;
    }
    let listed = listed();
    let files: BTreeSet<_> = found.keys().chain(listed.keys()).collect();
    let changed: Vec<String> = files
        .into_iter()
        .filter(|file| found.get(*file) != listed.get(*file))
        .map(|file| format!("{file} {} (listed: {:?})", found.get(file).unwrap_or(&0), listed.get(file)))
        .collect();
    assert!(changed.is_empty(), "tests/panics/sites.txt differs:\n{}", changed.join("\n"));
}

/// The largest inputs leave most of the stack free, and a stack that overflows would end the VM: it
/// lies at the lowest addresses.
#[test]
fn the_largest_inputs_fit_the_stack() {
    let signer = Signer::rsa("PS512");
    let issuer = Issuer::new("https://login.acme.example", "client_secret_basic", signer, Clock::simulated());
    let mut acme = tenant("acme", &issuer);
    acme["bearer"] = json!({ "audiences": ["api"] });
    // The longest patterns, and as many rules as a tenant may have.
    let path = "/a/*".repeat(32);
    let rule = |number: usize| json!({ "paths": [format!("{path}{number}/*")], "allow": { "groups": ["admins"] } });
    acme["access"] = (0..1_000).map(rule).collect();
    let (mut host, taken) = Host::start(configuration(&[acme]).to_string().as_bytes(), &[], Clock::simulated());
    assert!(taken, "{:?}", host.state().log);
    let mut used = vec![("the configuration", host.stack_used())];

    // As deep as JSON may be nested, and deeper.
    for depth in [127, 100_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!host.configure(format!("{{\"tenants\": {nested}}}").as_bytes()));
    }
    used.push(("a configuration of nested values", host.stack_used()));
    let nested = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let token = |header: &Value, claims: &str| {
        let header = header.to_string();
        format!("Bearer {}.{}.{}", base64url(header), base64url(claims), base64url([1; 256]))
    };
    let signed = json!({ "alg": "PS512", "typ": "at+jwt" });
    let heads = [
        ("cookie", format!("__Host-tenantgate-session={}", "A".repeat(60_000))),
        ("cookie", "a=b; ".repeat(12_000)),
        ("authorization", token(&signed, &nested(120))),
        ("authorization", token(&signed, &nested(5_000))),
        ("authorization", format!("Bearer {}", "a".repeat(60_000))),
        ("accept", "text/html;q=0.1,".repeat(3_700)),
        ("x-forwarded-for", "1.1.1.1,".repeat(7_000)),
    ];
    let paths = ["/".to_owned(), "/a".repeat(30_000), format!("/?{}", "a=%2e&".repeat(10_000))];
    for (name, value) in &heads {
        for path in &paths {
            let lines = [(":method", "GET"), (":authority", "acme.example"), (":path", path), (name, value)];
            let head: Lines = lines.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).into();
            assert!(matches!(host.request(&head).1, RequestState::Replied(_)));
        }
    }
    used.push(("requests", host.stack_used()));
    println!("bytes of the stack: {used:?}; memory: {}", host.memory());
    let most = used.iter().map(|(_, bytes)| *bytes).max().unwrap();
    assert!(most > 1_000, "nothing was measured");
    assert!(most < 128 * 1024, "{used:?}");
}
