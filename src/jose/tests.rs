//! Tests of keys in PEM and JWK, of key sets, and of signatures with known vectors.

use serde_json::{Map, Value, json};

use super::*;
use crate::base::encoding::{base64, base64url, from_base64url};

const RSA: &str = include_str!("../../tests/vectors/keys/rsa.public.pem");
const RSA_PKCS1: &str = include_str!("../../tests/vectors/keys/rsa.pkcs1.pem");
const RSA_1024: &str = include_str!("../../tests/vectors/keys/rsa1024.public.pem");
const EC: &str = include_str!("../../tests/vectors/keys/ec.public.pem");
const P384: &str = include_str!("../../tests/vectors/keys/p384.public.pem");
const SECP256K1: &str = include_str!("../../tests/vectors/keys/secp256k1.public.pem");
const ED: &str = include_str!("../../tests/vectors/keys/ed.public.pem");
const CERTIFICATE: &str = include_str!("../../tests/vectors/keys/certificate.pem");
const PRIVATE: [&str; 4] = [
    include_str!("../../tests/vectors/keys/rsa.private.pem"),
    include_str!("../../tests/vectors/keys/ec.private.pem"),
    include_str!("../../tests/vectors/keys/ec.sec1.private.pem"),
    include_str!("../../tests/vectors/keys/ed.private.pem"),
];

fn jwk(value: Value) -> Result<VerificationKey, KeyError> {
    parse_jwk(value.as_object().unwrap())
}

fn problem(result: Result<VerificationKey, KeyError>) -> String {
    result.unwrap_err().to_string()
}

fn verifies(key: &VerificationKey, message: &[u8], signature: &[u8]) -> bool {
    key.verify(message, signature, Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::NONE })
}

/// Asserts that the key verifies `signature` over `message`, and rejects a modified, shortened,
/// extended, empty or zero signature and a modified message.
fn assert_verifies_only_this(key: &VerificationKey, message: &[u8], signature: &[u8]) {
    assert!(verifies(key, message, signature));
    let mut tampered = signature.to_vec();
    tampered[5] ^= 1;
    assert!(!verifies(key, message, &tampered));
    assert!(!verifies(key, &[message, b"x"].concat(), signature));
    assert!(!verifies(key, message, &[signature, &[0]].concat()));
    assert!(!verifies(key, message, &signature[1..]));
    assert!(!verifies(key, message, &[]));
    assert!(!verifies(key, message, &vec![0; signature.len()]));
}

fn assert_verifies_jws(key: &VerificationKey, jws: &str) {
    let (message, signature) = jws.rsplit_once('.').unwrap();
    assert_verifies_only_this(key, message.as_bytes(), &from_base64url(signature).unwrap());
}

#[test]
fn rs256_as_openssl_signs() {
    let signature = from_base64url(
        "nHXi4BncvON7lnwHAAuRiSotM7mMQM_5Maq2-X2sPtWQzMbV50atHAO3W0pND87LZI_0aS3dh4CBidsEYpKBEPRhwsqnuoSpHSc1CW9Wh5Mait\
         KhV1kjSqU61AhaBzLKx03xrO1R8krfhc8fNowfWL2h1j5dH36iv6qi-0YR9X_Oc3MhubXIW2Cwa9xTKrZttPOsedX5q6zPpG2piz36umsYXui\
         moafcsNS4UCkBoi9RtlDMTSdMguX16eTnVAKuhDsJmtX_zW7M2igwP3W2n6no1582vqPLzRkzy8oYmVakstJO_DZsOchu_KcrOu4tHnmTOxXv\
         oTNYOORWeUYZLw",
    );
    let key = parse_pem(RSA).unwrap();
    assert_eq!(key.algorithm(), SignatureAlgorithm::Rs256);
    assert_verifies_only_this(&key, b"message", &signature.unwrap());
}

#[test]
fn es256_of_rfc_7515_appendix_a_3() {
    let key = jwk(json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }));
    assert_verifies_jws(
        &key.unwrap(),
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0\
         cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    );
}

#[test]
fn eddsa_and_thumbprint_of_rfc_8037_appendix_a() {
    let key =
        jwk(json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })).unwrap();
    assert_eq!(key.thumbprint().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_verifies_jws(
        &key,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4k\
         i4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
}

/// RFC 7638 section 3.1, and RFC 9449 sections 4.1 and 6.1.
#[test]
fn thumbprints_of_the_standards() {
    let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi\
                   FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgn\
                   Yb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqb\
                   w0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let rsa = jwk(json!({ "kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" })).unwrap();
    assert_eq!(rsa.thumbprint().to_string(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    let (x, y) = ("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA");
    let elliptic = jwk(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })).unwrap();
    assert_eq!(elliptic.thumbprint().to_string(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
}

#[test]
fn every_pem_form_of_a_key_is_accepted() {
    assert_eq!(parse_pem(RSA).unwrap().thumbprint(), parse_pem(RSA_PKCS1).unwrap().thumbprint());
    assert_eq!(
        parse_pem(&format!("\n\n  {}\n", EC.replace('\n', "\r\n"))).unwrap().algorithm(),
        SignatureAlgorithm::Es256
    );
    assert_eq!(parse_pem(ED).unwrap().algorithm(), SignatureAlgorithm::EdDsa);
}

#[test]
fn the_error_for_an_unusable_pem_says_what_it_is() {
    for private in PRIVATE {
        let problem = problem(parse_pem(private));
        assert!(
            problem.starts_with("is a private key; give the public key only (openssl pkey -in key.pem -pubout)"),
            "{problem}"
        );
        assert!(private.lines().all(|line| !problem.contains(line)), "{problem}");
    }
    assert!(problem(parse_pem(CERTIFICATE)).starts_with("is a certificate; give its public key (openssl x509"));
    assert_eq!(problem(parse_pem(RSA_1024)), "RSA modulus has 1024 bits; at least 2048 are required");
    assert_eq!(parse_pem(P384).unwrap().algorithm(), SignatureAlgorithm::Es384);
    let other = problem(parse_pem(SECP256K1));
    assert!(
        other.starts_with("an elliptic curve other than P-256, P-384 and P-521 is not supported; keys are RSA"),
        "{other}"
    );
    assert_eq!(problem(parse_pem(&format!("{RSA}{EC}"))), "holds more than one block; list each key on its own");
    assert!(problem(parse_pem("")).starts_with("is not a public key: it does not begin with"));
    assert_eq!(problem(parse_pem(&RSA.replace("MIIB", "MI*B"))), "is not a public key: damaged PEM");
    assert_eq!(problem(parse_pem(&EC.replace('\n', " "))), "is not a public key: damaged PEM");
    assert_eq!(
        problem(parse_pem(&EC.replace("PUBLIC KEY", "CERTIFICATE REQUEST"))),
        "is not a public key: the PEM label is neither \"PUBLIC KEY\" nor \"RSA PUBLIC KEY\""
    );
    let mixed = RSA.replace("BEGIN PUBLIC KEY", "BEGIN RSA PUBLIC KEY").replace("END PUBLIC KEY", "END RSA PUBLIC KEY");
    assert_eq!(problem(parse_pem(&mixed)), "is not a public key: damaged RSA public key");
}

#[test]
fn a_damaged_private_key_does_not_sign() {
    let problem = |text: &str| SigningKey::from_pem(text).unwrap_err().to_string();
    let [rsa, ec, sec1, ed] = PRIVATE;
    for (text, algorithm) in
        [(rsa, SignatureAlgorithm::Rs256), (ec, SignatureAlgorithm::Es256), (ed, SignatureAlgorithm::EdDsa)]
    {
        assert_eq!(SigningKey::from_pem(text).unwrap().algorithm(), algorithm);
        let (_, mut der) = pem::block(text).unwrap();
        let pem = |der: &[u8]| format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", base64(der));
        assert_eq!(SigningKey::from_pem(&pem(&der)).unwrap().algorithm(), algorithm);
        der.pop();
        assert!(problem(&pem(&der)).ends_with("that can sign: damaged PKCS#8"));
    }
    // The last byte is that of the public key.
    let (_, mut der) = pem::block(ec).unwrap();
    *der.last_mut().unwrap() ^= 1;
    let foreign = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", base64(&der));
    for text in [&foreign, include_str!("../../tests/vectors/keys/p384.private.pem")] {
        assert!(problem(text).ends_with("that can sign: the curve is not P-256, or the key is damaged"));
    }
    assert!(problem(sec1).contains("its PEM is not PKCS#8"));
    assert!(problem(&ec.replace("END PRIVATE", "END")).ends_with("damaged PKCS#8"));
}

fn ed(members: Value) -> Value {
    let mut key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    key.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    key
}

#[test]
fn a_jwk_with_an_unsuitable_member_is_rejected() {
    assert_eq!(
        jwk(ed(json!({ "kid": "k", "alg": "EdDSA", "use": "sig", "key_ops": ["verify"] }))).unwrap().kid(),
        Some("k")
    );
    for (members, expected) in [
        (json!({ "d": "secret" }), "is a private key"),
        (json!({ "kty": "oct", "k": "secret" }), "is a symmetric key"),
        (json!({ "alg": "ES256" }), "`alg` is \"ES256\", but a key of this type verifies EdDSA"),
        (json!({ "use": "enc" }), "is not for signatures"),
        (json!({ "key_ops": ["sign"] }), "is not for signatures"),
        (json!({ "key_ops": "verify" }), "is not a public key: `key_ops` is not an array"),
        (json!({ "crv": "X25519" }), "`crv` \"X25519\" is not supported"),
        (json!({ "kty": "EC" }), "`crv` \"Ed25519\" is not supported"),
        (json!({ "kty": "RSA" }), "is not a public key: a member that its `kty` requires is missing"),
        (json!({ "kty": "RSA", "alg": "RSA-OAEP" }), "`alg` \"RSA-OAEP\" is not supported"),
        (json!({ "kty": "LMS" }), "`kty` \"LMS\" is not supported"),
        (json!({ "kty": 1 }), "is not a public key: a member that must be a string has another type"),
        (json!({ "kid": 1 }), "is not a public key: a member that must be a string has another type"),
        (json!({ "x": "11qY=" }), "is not a public key: a member is not base64url without padding"),
        (json!({ "x": "11qY" }), "is not a public key: an Ed25519 key has 32 bytes"),
    ] {
        let problem = problem(jwk(ed(members)));
        assert!(problem.starts_with(expected), "{problem}");
        assert!(!problem.contains("secret"), "{problem}");
    }
    assert_eq!(problem(parse_jwk(&Map::new())), "is not a public key: `kty` is missing");
}

#[test]
fn weak_exponents_are_refused() {
    let modulus = json!(base64url(&[0xff; 256]));
    for exponent in ["AA", "AQ", "Ag", "BA"] {
        let key = jwk(json!({ "kty": "RSA", "n": modulus, "e": exponent }));
        assert_eq!(problem(key), "RSA exponent is even or under 3", "{exponent}");
    }
    let modulus = json!(base64url(&[0xff; 1025]));
    let key = jwk(json!({ "kty": "RSA", "n": modulus, "e": "AQAB" }));
    assert_eq!(problem(key), "RSA modulus has 8200 bits; at most 8192 are accepted");
}

#[test]
fn a_point_off_the_curve_is_refused() {
    let zeros = base64url(&[0; 32]);
    let key = jwk(json!({ "kty": "EC", "crv": "P-256", "x": zeros, "y": zeros }));
    assert_eq!(problem(key), "is not a public key: the point is not on P-256");
}

#[test]
fn a_configured_set_may_have_unsupported_keys_and_no_invalid_ones() {
    let encryption = ed(json!({ "use": "enc" }));
    let unknown = json!({ "kty": "AKP", "alg": "ML-DSA-44" });
    let good = parse_jwks(&[encryption.clone(), unknown, ed(json!({ "kid": "k" }))]).unwrap();
    assert_eq!(good.iter().map(VerificationKey::kid).collect::<Vec<_>>(), [Some("k")]);
    let wrong = parse_jwks(&[encryption, ed(json!({ "d": "secret" })), json!(1)]).unwrap_err();
    assert_eq!(wrong.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_set_without_keys_or_with_duplicates_is_rejected() {
    let key = |pem: &str, kid: &str| parse_pem(pem).unwrap().with_kid(Some(kid.to_owned()));
    let problem = |keys| KeySet::new(keys).unwrap_err().to_string();
    assert!(problem(vec![]).starts_with("there is no key"));
    assert_eq!(problem(vec![key(RSA, "a"), key(EC, "a")]), "two keys have the `kid` \"a\"; a `kid` names one key");
    assert_eq!(problem(vec![key(RSA, "a"), key(RSA_PKCS1, "b")]), "the same key is listed twice");
    let unnamed = || parse_pem(EC).unwrap();
    assert!(problem(vec![unnamed(), unnamed(), unnamed()]).starts_with("more than two keys for ES256 have no `kid`"));
}

#[test]
fn candidates_have_the_algorithm_and_the_kid() {
    let with_kid = parse_pem(RSA).unwrap().with_kid(Some("a".to_owned()));
    let set = KeySet::new(vec![with_kid, parse_pem(EC).unwrap()]).unwrap();
    let count = |algorithm, kid| set.candidates(algorithm, kid).count();
    assert_eq!(count(SignatureAlgorithm::Rs256, Some("a")), 1);
    assert_eq!(count(SignatureAlgorithm::Rs256, None), 1);
    assert_eq!(count(SignatureAlgorithm::Rs256, Some("b")), 0);
    assert_eq!(count(SignatureAlgorithm::Es256, Some("b")), 1);
    assert_eq!(count(SignatureAlgorithm::EdDsa, None), 0);
}

/// A configured key may be larger, because an operator has chosen it.
#[test]
fn a_published_rsa_key_is_no_costly_one() {
    let jwk = |bits: usize, exponent: &[u8]| {
        let mut modulus = vec![0xff; bits / 8];
        modulus[0] = 0x80;
        json!({ "kty": "RSA", "n": base64url(&modulus), "e": base64url(exponent) })
    };
    for (bits, exponent, published, configured) in [
        (2040, &[1, 0, 1][..], 0, false),
        (2048, &[1, 0, 1], 1, true),
        (2048, &[3], 1, true),
        (4096, &[0, 1, 0, 1], 1, true),
        (4104, &[1, 0, 1], 0, true),
        (8192, &[3], 0, true),
        (2048, &[1, 0, 3], 0, true),
        (2048, &[1, 0, 0, 1], 0, true),
        (2048, &[1, 0, 0], 0, false),
        (2048, &[1], 0, false),
    ] {
        let keys = [jwk(bits, exponent)];
        assert_eq!(read_jwks(&keys).len(), published, "{bits} {exponent:?}");
        assert_eq!(parse_jwks(&keys).is_ok(), configured, "{bits} {exponent:?}");
    }
}

#[test]
fn both_names_of_ed25519_are_for_the_same_keys() {
    let with = |alg: &str| jwk(json!({ "kty": "OKP", "crv": "Ed25519", "alg": alg, "x": ED_X }));
    assert_eq!(with("Ed25519").unwrap().algorithm(), SignatureAlgorithm::EdDsa);
    assert_eq!(with("Ed25519").unwrap().thumbprint(), with("EdDSA").unwrap().thumbprint());
    assert!(matches!(with("Ed448"), Err(KeyError::Unsupported(_))));
    assert!(matches!(with("ES256"), Err(KeyError::AlgorithmMismatch { .. })));
    assert!(parse_pem(RSA).unwrap().for_algorithm("Ed25519").is_err());
    assert_eq!(parse_pem(ED).unwrap().for_algorithm("Ed25519").unwrap().algorithm(), SignatureAlgorithm::EdDsa);
}

/// RFC 8037 appendix A.2.
const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
