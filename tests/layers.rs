//! The rooms of the source are layers: a file imports only rooms below its own, and no two files
//! import each other, not even in a circle of several.
#![allow(clippy::restriction, clippy::disallowed_methods, unreachable_pub, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the bottom up. ARCHITECTURE.md has the same list as a picture.
const ROOMS: [&str; 20] = [
    "base",
    "http",
    "jose",
    "env",
    "etcd",
    "tenant",
    "seal",
    "tenant_documents",
    "token",
    "identity",
    "access",
    "oauth",
    "session",
    "upstream",
    "error",
    "runtime",
    "flow",
    "filter",
    "config",
    "shell",
];

/// One file of `src/`, without its tests.
struct Source {
    path: PathBuf,
    /// Its module path without `crate`: `["http", "host"]`.
    module: Vec<String>,
    text: String,
}

/// Every file but `lib.rs`, the tool, and what only tests use.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    let source = |path: PathBuf| {
        let relative = path.strip_prefix(&root).unwrap().with_extension("");
        let mut module: Vec<String> = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        if module.last().is_some_and(|name| name == "mod") {
            module.pop();
        }
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
        Source { path, module, text }
    };
    let is_source = |path: &PathBuf| {
        let relative = path.strip_prefix(&root).unwrap();
        !relative.starts_with("bin") && relative != Path::new("lib.rs") && !is_of_tests(path)
    };
    files.into_iter().filter(is_source).map(source).collect()
}

/// Whether only the tests have this module.
fn is_of_tests(path: &Path) -> bool {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let declares = |file: &str| {
        let text = fs::read_to_string(path.with_file_name(file)).unwrap_or_default();
        text.contains(&format!("#[cfg(test)]\nmod {name};\n"))
    };
    declares("mod.rs") || declares("lib.rs")
}

/// The module paths that a file names, in `use` lines and elsewhere, as absolute paths without
/// `crate`.
fn imports(source: &Source) -> BTreeSet<Vec<String>> {
    let code: String =
        source.text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect();
    let mut found = BTreeSet::new();
    for (position, _) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        let before = code[..position].chars().next_back();
        // `super::super::` is read from its first part.
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        for path in expand(&code[position..]) {
            found.insert(absolute(&path, &source.module));
        }
    }
    found
}

/// The paths of a `use` tree, or the one path of an expression, that `text` begins with.
fn expand(text: &str) -> Vec<Vec<String>> {
    fn tree(text: &str, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
        let mut path = prefix.to_vec();
        let mut at = 0;
        loop {
            let rest = &text[at..];
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if rest.starts_with('{') {
                at += 1;
                loop {
                    let rest = text[at..].trim_start_matches([' ', '\n', ',']);
                    at = text.len() - rest.len();
                    // The name after `as` is another name for the path before it.
                    if let Some(alias) = rest.strip_prefix("as ") {
                        at = text.len() - alias.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').len();
                        continue;
                    }
                    if text[at..].starts_with('}') || text[at..].is_empty() {
                        return at + 1;
                    }
                    at += tree(&text[at..], &path, found).max(1);
                }
            }
            if name.is_empty() {
                break;
            }
            at += name.len();
            path.push(name);
            match text[at..].strip_prefix("::") {
                Some(_) => at += 2,
                None => break,
            }
        }
        found.push(path);
        at
    }
    let mut found = Vec::new();
    tree(text, &[], &mut found);
    found
}

fn absolute(path: &[String], module: &[String]) -> Vec<String> {
    let mut base: Vec<String> = Vec::new();
    let mut rest = path;
    if rest.first().is_some_and(|part| part == "crate") {
        rest = &rest[1..];
    } else {
        base = module.to_vec();
        while rest.first().is_some_and(|part| part == "super") {
            base.pop();
            rest = &rest[1..];
        }
    }
    base.extend(rest.iter().filter(|part| *part != "self").cloned());
    base
}

fn rank(room: &str) -> Option<usize> {
    ROOMS.iter().position(|known| *known == room)
}

#[test]
fn every_file_is_in_a_room() {
    let sources = sources();
    let rooms: BTreeSet<&str> = sources.iter().map(|source| source.module[0].as_str()).collect();
    assert_eq!(rooms, ROOMS.into_iter().collect());
}

#[test]
fn imports_go_down() {
    let mut wrong = Vec::new();
    for source in sources() {
        let room = &source.module[0];
        for import in imports(&source) {
            let Some(target) = import.first() else { continue };
            match rank(target) {
                Some(target_rank) if target == room || target_rank < rank(room).unwrap() => {}
                Some(_) => wrong.push(format!("{}: {} is above {room}", source.path.display(), import.join("::"))),
                None => wrong.push(format!("{}: {} is no room", source.path.display(), import.join("::"))),
            }
        }
    }
    assert!(wrong.is_empty(), "a room imports only rooms below it:\n{}", wrong.join("\n"));
}

/// No flow knows another: what they share is in the rooms below.
#[test]
fn flows_do_not_import_each_other() {
    for source in sources().iter().filter(|source| source.module[0] == "flow" && source.module.len() > 1) {
        for import in imports(source).iter().filter(|import| import[0] == "flow" && import.len() > 1) {
            assert_eq!(import[1], source.module[1], "{}: {}", source.path.display(), import.join("::"));
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = sources();
    let modules: BTreeSet<&Vec<String>> = sources.iter().map(|source| &source.module).collect();
    // A `mod.rs` stands for its room. Files of the room that go through it would hide a circle, so
    // they may not.
    let file_of = |import: &[String]| {
        (1..=import.len()).rev().map(|length| import[..length].to_vec()).find(|module| modules.contains(module))
    };
    let mut graph: BTreeMap<&Vec<String>, BTreeSet<Vec<String>>> = BTreeMap::new();
    for source in &sources {
        let targets = imports(source).iter().filter_map(|import| file_of(import)).collect::<BTreeSet<_>>();
        let targets = targets.into_iter().filter(|target| *target != source.module);
        graph.entry(&source.module).or_default().extend(targets);
        // A parent re-exports its children.
        let children = sources
            .iter()
            .filter(|other| other.module.len() == source.module.len() + 1 && other.module.starts_with(&source.module));
        graph.entry(&source.module).or_default().extend(children.map(|child| child.module.clone()));
    }
    fn visit<'a>(
        module: &'a Vec<String>,
        graph: &'a BTreeMap<&Vec<String>, BTreeSet<Vec<String>>>,
        path: &mut Vec<&'a Vec<String>>,
        done: &mut BTreeSet<&'a Vec<String>>,
    ) {
        if let Some(start) = path.iter().position(|known| *known == module) {
            let circle: Vec<String> = path[start..].iter().map(|module| module.join("::")).collect();
            panic!("these files import each other in a circle: {}", circle.join(" -> "));
        }
        if !done.insert(module) {
            return;
        }
        path.push(module);
        for target in graph.get(module).into_iter().flatten() {
            visit(target, graph, path, done);
        }
        path.pop();
    }
    let mut done = BTreeSet::new();
    for module in graph.keys() {
        visit(module, &graph, &mut Vec::new(), &mut done);
    }
}

#[test]
fn paths_are_read_out_of_every_form() {
    let source = Source {
        path: PathBuf::new(),
        module: ["flow", "login", "begin"].map(str::to_owned).into(),
        text: "use super::{a, b::{self, C}};\nuse crate::http::{\n    page::Page,\n    host::Host as H,\n};\n\
               // crate::not::this\nfn f(x: crate::env::Env) { super::super::bearer::g() }\n"
            .to_owned(),
    };
    let found: Vec<String> = imports(&source).iter().map(|path| path.join("::")).collect();
    let expected = [
        "env::Env",
        "flow::bearer::g",
        "flow::login::a",
        "flow::login::b",
        "flow::login::b::C",
        "http::host::Host",
        "http::page::Page",
    ];
    assert_eq!(found, expected);
}
