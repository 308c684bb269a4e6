//! Tier `corpora`: the inputs of the fuzzer that are kept, on their targets.
#![allow(clippy::restriction, clippy::disallowed_methods, unreachable_pub, reason = "tests")]

mod fuzzing;
mod support;

use std::fs;
use std::path::PathBuf;

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// Every target takes its whole corpus, and the empty input.
#[test]
fn what_is_kept_holds() {
    for (name, target) in fuzzing::TARGETS {
        target(b"");
        let files = fs::read_dir(top().join("corpus").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let inputs: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for input in inputs {
            println!("{}", input.display());
            target(&fs::read(input).unwrap());
        }
    }
}

/// `fuzz/` has a program for each target, and no others.
#[test]
fn every_target_has_its_program() {
    let files = fs::read_dir(top().join("fuzz_targets")).unwrap();
    let mut programs: Vec<String> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    programs.sort();
    assert_eq!(programs, fuzzing::TARGETS.map(|(name, _)| name));
}
