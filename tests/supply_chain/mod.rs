//! docs/supply-chain.md has exactly the crates that cargo builds the module of.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::{is_test, read};

const PAGE: &str = "docs/supply-chain.md";

/// The output of cargo about this package.
fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    let output = command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A crate below the package itself, as often as something depends on it.
struct Node {
    depth: usize,
    name: String,
    version: String,
}

/// What the module is built of, along these edges. `cargo metadata` would have crates that only the
/// tests switch on.
fn tree(edges: &str) -> Vec<Node> {
    let shape = ["tree", "--locked", "--color", "never", "--no-dedupe", "--prefix", "depth", "--format", "|{p}"];
    let text = cargo(&[&shape[..], &["--target", "wasm32-wasip1", "--edges", edges]].concat());
    let nodes = text.lines().skip(1).map(|line| {
        let (depth, package) = line.split_once('|').unwrap();
        let mut words = package.split(' ').map(str::to_owned);
        let (name, version) = (words.next().unwrap(), words.next().unwrap());
        Node { depth: depth.parse().unwrap(), name, version: version.trim_start_matches('v').to_owned() }
    });
    nodes.collect()
}

fn module_tree() -> Vec<Node> {
    tree("normal,no-proc-macro")
}

/// The versions of each crate.
fn versions(nodes: &[Node]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    for Node { name, version, .. } in nodes {
        versions.entry(name.as_str()).or_default().insert(version.as_str());
    }
    versions
}

/// The first cell of the row of a crate: `name`, and what tells several versions apart.
fn cell(name: &str, versions: &BTreeSet<&str>) -> String {
    if versions.len() == 1 {
        return format!("`{name}`");
    }
    let mut numbers: Vec<Vec<u32>> = versions
        .iter()
        .map(|version| {
            let numbers: Vec<u32> = version.split('.').take(2).map(|number| number.parse().unwrap()).collect();
            if numbers[0] == 0 { numbers } else { vec![numbers[0]] }
        })
        .collect();
    numbers.sort_unstable();
    let short: Vec<String> =
        numbers.iter().map(|numbers| numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(".")).collect();
    format!("`{name}` {}", short.join(", "))
}

/// The cells of the rows below a heading of the page, without the heading of the table.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let page = read(PAGE);
    let section = page.split(&format!("# {heading}\n")).nth(1).unwrap_or_else(|| panic!("{PAGE}: {heading}"));
    let section = section.split("\n#").next().unwrap();
    let lines = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    lines.skip(1).map(|line| line.split(" | ").map(str::to_owned).collect()).collect()
}

fn assert_same(written: Vec<String>, expected: Vec<String>) {
    let missing: Vec<&String> = expected.iter().filter(|row| !written.contains(row)).collect();
    let unknown: Vec<&String> = written.iter().filter(|row| !expected.contains(row)).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "{PAGE}: missing: {missing:#?}\ntoo much: {unknown:#?}");
    assert_eq!(written.len(), expected.len(), "a row is there twice");
}

const DIRECT: &str = "direct";
const CRATES: &str = "Crates";
const AT_COMPILE_TIME: &str = "On the machine that builds";

/// Each crate has a row, with the direct dependencies that bring it.
#[test]
fn the_table_has_every_crate_of_the_module() {
    let nodes = module_tree();
    let mut through = BTreeMap::<&str, BTreeSet<&str>>::new();
    let mut direct = "";
    for Node { depth, name, .. } in &nodes {
        if *depth == 1 {
            direct = name;
        }
        through.entry(name).or_default().insert(if *depth == 1 { DIRECT } else { direct });
    }
    let expected = versions(&nodes).into_iter().map(|(name, versions)| {
        let through = &through[name];
        let crates: Vec<String> = through.iter().map(|name| format!("`{name}`")).collect();
        let through = if through.contains(DIRECT) { DIRECT.to_owned() } else { crates.join(", ") };
        format!("| {} | {through} |", cell(name, &versions))
    });
    let written = rows(CRATES).into_iter().map(|cells| format!("| {} | {} |", cells[0], cells[1]));
    assert_same(written.collect(), expected.collect());
}

/// Procedural macros, build scripts, and what these depend on.
#[test]
fn the_table_has_every_crate_that_runs_at_compile_time() {
    let linked: BTreeSet<(String, String)> =
        module_tree().into_iter().map(|Node { name, version, .. }| (name, version)).collect();
    let mut nodes = tree("normal,build");
    nodes.retain(|Node { name, version, .. }| !linked.contains(&(name.clone(), version.clone())));
    let expected = versions(&nodes).into_iter().map(|(name, versions)| cell(name, &versions));
    let written = rows(AT_COMPILE_TIME).into_iter().map(|cells| cells[0].clone());
    assert_same(written.collect(), expected.collect());
}

/// Whoever adds a dependency to Cargo.toml says what it is for.
#[test]
fn every_direct_crate_has_a_reason() {
    let text = cargo(&["metadata", "--locked", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&text).unwrap();
    let dependencies = metadata["packages"][0]["dependencies"].as_array().unwrap();
    let in_module = dependencies.iter().filter(|dependency| {
        let is_for_all = dependency["target"].is_null();
        dependency["kind"].is_null() && (is_for_all || dependency["target"] == "cfg(target_family = \"wasm\")")
    });
    let names: Vec<&str> = in_module.map(|dependency| dependency["name"].as_str().unwrap()).collect();
    assert!(names.len() > 15 && names.contains(&"proxy-wasm"));
    let rows = rows(CRATES);
    for name in names {
        let row = rows.iter().find(|cells| cells[0].split('`').nth(1) == Some(name));
        let row = row.unwrap_or_else(|| panic!("{PAGE} has no row for {name}"));
        assert!(row[1] == DIRECT && !row[2].trim().is_empty(), "{PAGE}: {name} has no reason");
    }
}

/// Each figure is rounded.
#[test]
fn the_sizes_add_up() {
    let size = |cells: &Vec<String>| -> f64 {
        let text = cells.last().unwrap().replace(',', "");
        if text == "< 0.1" { 0.0 } else { text.parse().unwrap_or_else(|_| panic!("{cells:?}")) }
    };
    let assert_sum = |what: &str, parts: &[Vec<String>], whole: f64| {
        let sizes: Vec<f64> = parts.iter().map(size).collect();
        let sum: f64 = sizes.iter().sum();
        // Rounding is as often up as down.
        let rounded = sizes.iter().filter(|size| **size > 0.0).count();
        let tolerance = 0.1 * f64::from(u32::try_from(rounded).unwrap()).sqrt();
        assert!((sum - whole).abs() <= tolerance, "{PAGE}: {what} have {sum:.1} KB, and together {whole}");
    };
    let mut parts = rows("What the module is made of");
    let module = size(&parts.pop().unwrap());
    assert!(module > 500.0);
    assert_sum("the parts", &parts, module);
    let of_crates = parts.iter().find(|cells| cells[0].contains("crates")).unwrap();
    assert_sum("the crates", &rows(CRATES), size(of_crates));
}

/// Every crate comes from crates.io, and every crate and npm package is the one with this checksum.
#[test]
fn every_package_is_locked_by_checksum() {
    for (file, own) in [("Cargo.lock", &["tenantgate"][..]), ("fuzz/Cargo.lock", &["tenantgate", "tenantgate-fuzz"])] {
        let lock = read(file);
        let mut count = 0;
        for package in lock.split("\n[[package]]\n").skip(1) {
            let field = |name: &str| -> Option<&str> {
                package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
            };
            let name = field("name").unwrap();
            if own.contains(&name) {
                continue;
            }
            let is_of_registry = field("source").is_some_and(|source| source.ends_with("rust-lang/crates.io-index"));
            assert!(is_of_registry, "{file}: {name} is not of crates.io");
            assert!(field("checksum").is_some_and(|checksum| checksum.len() == 64), "{file}: {name} has no checksum");
            count += 1;
        }
        assert!(count > 100, "{file}");
    }
    let file = "tests/e2e/package-lock.json";
    let lock: Value = serde_json::from_str(&read(file)).unwrap();
    let packages = lock["packages"].as_object().unwrap();
    assert!(packages.contains_key("node_modules/binaryen"));
    for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
        let is_locked = package["integrity"].as_str().is_some_and(|integrity| integrity.starts_with("sha512-"));
        assert!(is_locked, "{file}: {name} has no checksum");
    }
}

/// The tests that the page names exist.
#[test]
fn tests_of_the_supply_chain_exist() {
    let page = read(PAGE);
    let mut count = 0;
    for link in page.split("[`").skip(1) {
        let (name, rest) = link.split_once("`](../").unwrap();
        let file = rest.split(')').next().unwrap();
        assert!(is_test(name, file), "{name} is no test of {file}");
        count += 1;
    }
    assert!(count > 8);
}
