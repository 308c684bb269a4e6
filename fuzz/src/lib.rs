//! The targets of `tests/fuzzing`, for the programs of the fuzzer.

#[path = "../../tests/fuzzing/mod.rs"]
mod fuzzing;
mod support;

/// Runs the target with this name.
pub fn run(name: &str, bytes: &[u8]) {
    let (_, target) = fuzzing::TARGETS.into_iter().find(|(known, _)| *known == name).expect("a target");
    target(bytes);
}
