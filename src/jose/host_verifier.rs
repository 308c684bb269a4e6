//! Signatures that the host verifies: Envoy does it with BoringSSL, some twenty times faster for RSA and ten times for ECDSA
//! than the module itself.

use super::algorithm::{Hash, SignatureAlgorithm};

/// A host that can verify signatures, and maybe make them.
pub trait HostVerifier {
    /// Whether `signature` is one over `message` (hashed with `hash`) by the key in `public_key` (DER, SubjectPublicKeyInfo).
    /// RSA signatures are PKCS#1 v1.5, ECDSA signatures are in DER. `None` if the host cannot do that.
    fn verify_signature(&self, hash: Hash, public_key: &[u8], signature: &[u8], message: &[u8]) -> Option<bool>;

    /// The signature over `message` (hashed with `hash`) by the RSA key in `private_key` (DER, PKCS#8), in PKCS#1 v1.5. `None` if the
    /// host cannot do that.
    fn sign(&self, _hash: Hash, _private_key: &[u8], _message: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// A host that verifies nothing.
pub struct NoHostVerifier;

impl HostVerifier for NoHostVerifier {
    fn verify_signature(&self, _hash: Hash, _public_key: &[u8], _signature: &[u8], _message: &[u8]) -> Option<bool> {
        None
    }
}

/// The algorithms that a host is trusted with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostAlgorithms(u16);

impl HostAlgorithms {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// Every algorithm that a host could be trusted with, for looking at a configuration where there is no host to ask.
    pub const ASSUMED: Self = Self(0b01_1100_0111);

    /// Asks `host` for each algorithm about a good signature and about the same one tampered. Only right answers to both make it
    /// trusted.
    pub fn probe(host: &dyn HostVerifier) -> Self {
        Self::from_algorithms(
            KNOWN_ANSWERS.iter().filter(|known| known.is_answered_by(host)).map(|known| known.algorithm),
        )
    }

    fn from_algorithms(algorithms: impl Iterator<Item = SignatureAlgorithm>) -> Self {
        Self(algorithms.fold(0, |set, algorithm| set | bit(algorithm)))
    }

    /// Whether the host is trusted with `algorithm`.
    pub fn has(self, algorithm: SignatureAlgorithm) -> bool {
        self.0 & bit(algorithm) != 0
    }
}

fn bit(algorithm: SignatureAlgorithm) -> u16 {
    let position = SignatureAlgorithm::ALL.iter().position(|&other| other == algorithm);
    position.and_then(|position| 1_u16.checked_shl(position.try_into().ok()?)).unwrap_or(0)
}

/// A key and a good signature of it over [`MESSAGE`], made with `openssl dgst -sign`.
struct KnownAnswer {
    algorithm: SignatureAlgorithm,
    public_key: &'static [u8],
    signature: &'static [u8],
}

impl KnownAnswer {
    fn is_answered_by(&self, host: &dyn HostVerifier) -> bool {
        let ask = |signature: &[u8], message: &[u8]| {
            host.verify_signature(self.algorithm.hash(), self.public_key, signature, message)
        };
        let mut tampered = self.signature.to_vec();
        if let Some(last) = tampered.last_mut() {
            *last ^= 1;
        }
        ask(self.signature, MESSAGE) == Some(true)
            && ask(&tampered, MESSAGE) == Some(false)
            && ask(self.signature, b"another message") == Some(false)
    }
}

const MESSAGE: &[u8] = b"tenantgate known answer";

const KNOWN_ANSWERS: [KnownAnswer; 6] = [
    KnownAnswer {
        algorithm: SignatureAlgorithm::Rs256,
        public_key: include_bytes!("known_answers/rsa.der"),
        signature: include_bytes!("known_answers/rs256.sig"),
    },
    KnownAnswer {
        algorithm: SignatureAlgorithm::Rs384,
        public_key: include_bytes!("known_answers/rsa.der"),
        signature: include_bytes!("known_answers/rs384.sig"),
    },
    KnownAnswer {
        algorithm: SignatureAlgorithm::Rs512,
        public_key: include_bytes!("known_answers/rsa.der"),
        signature: include_bytes!("known_answers/rs512.sig"),
    },
    KnownAnswer {
        algorithm: SignatureAlgorithm::Es256,
        public_key: include_bytes!("known_answers/p256.der"),
        signature: include_bytes!("known_answers/es256.sig"),
    },
    KnownAnswer {
        algorithm: SignatureAlgorithm::Es384,
        public_key: include_bytes!("known_answers/p384.der"),
        signature: include_bytes!("known_answers/es384.sig"),
    },
    KnownAnswer {
        algorithm: SignatureAlgorithm::Es512,
        public_key: include_bytes!("known_answers/p521.der"),
        signature: include_bytes!("known_answers/es512.sig"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the same answer to everything.
    struct Stubborn(Option<bool>);

    impl HostVerifier for Stubborn {
        fn verify_signature(&self, _: Hash, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
            self.0
        }
    }

    #[test]
    fn a_host_that_does_not_tell_good_from_bad_is_not_trusted() {
        for answer in [None, Some(true), Some(false)] {
            assert_eq!(HostAlgorithms::probe(&Stubborn(answer)), HostAlgorithms::NONE, "{answer:?}");
        }
    }

    /// Knows the answers of one algorithm, and says `otherwise` to all else.
    struct Knows(SignatureAlgorithm, Option<bool>);

    impl HostVerifier for Knows {
        fn verify_signature(&self, hash: Hash, key: &[u8], signature: &[u8], message: &[u8]) -> Option<bool> {
            let Self(algorithm, otherwise) = *self;
            let known = KNOWN_ANSWERS.iter().find(|known| known.algorithm == algorithm).unwrap();
            if (hash, key) != (algorithm.hash(), known.public_key) {
                return otherwise;
            }
            Some((signature, message) == (known.signature, MESSAGE))
        }
    }

    #[test]
    fn a_host_is_trusted_with_what_it_knows_and_no_other_algorithm() {
        for algorithm in KNOWN_ANSWERS.map(|known| known.algorithm) {
            for otherwise in [None, Some(true), Some(false)] {
                let trusted = HostAlgorithms::probe(&Knows(algorithm, otherwise));
                assert_eq!(
                    trusted,
                    HostAlgorithms::from_algorithms([algorithm].into_iter()),
                    "{algorithm} {otherwise:?}"
                );
            }
        }
    }

    #[test]
    fn every_known_answer_is_assumed_and_nothing_else() {
        assert_eq!(
            HostAlgorithms::from_algorithms(KNOWN_ANSWERS.iter().map(|known| known.algorithm)),
            HostAlgorithms::ASSUMED
        );
    }
}
