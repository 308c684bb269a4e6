//! Signatures that the host verifies. Envoy uses BoringSSL, which is about twenty times faster for
//! RSA and ten times faster for ECDSA than the filter itself.

use super::algorithm::{Hash, SignatureAlgorithm};

/// A host that can verify signatures, and possibly make them.
pub trait HostVerifier {
    /// Whether `signature` is a valid signature over `message` (hashed with `hash`) for the key in
    /// `public_key` (DER, SubjectPublicKeyInfo). RSA signatures are PKCS#1 v1.5, ECDSA signatures
    /// are in DER. `None` if the host cannot verify it.
    fn verify_signature(&self, hash: Hash, public_key: &[u8], signature: &[u8], message: &[u8]) -> Option<bool>;

    /// The PKCS#1 v1.5 signature over `message` (hashed with `hash`) with the RSA key in
    /// `private_key` (DER, PKCS#8). `None` if the host cannot sign.
    fn sign(&self, _hash: Hash, _private_key: &[u8], _message: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// A host that cannot verify signatures.
pub struct NoHostVerifier;

impl HostVerifier for NoHostVerifier {
    fn verify_signature(&self, _hash: Hash, _public_key: &[u8], _signature: &[u8], _message: &[u8]) -> Option<bool> {
        None
    }
}

/// The algorithms that the host is trusted to verify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostAlgorithms(u16);

impl HostAlgorithms {
    /// No algorithm.
    pub const NONE: Self = Self(0);

    /// Every algorithm that a host can be trusted with. It is used to check a configuration outside
    /// of Envoy, where there is no host to probe.
    pub const ASSUMED: Self = Self(0b01_1100_0111);

    /// Determines the algorithms that `host` verifies correctly. For each algorithm the host has to
    /// accept a valid signature, and to reject a modified one and the same one for another message.
    pub fn probe(host: &dyn HostVerifier) -> Self {
        Self::from_algorithms(
            KNOWN_ANSWERS.iter().filter(|known| known.is_answered_by(host)).map(|known| known.algorithm),
        )
    }

    fn from_algorithms(algorithms: impl Iterator<Item = SignatureAlgorithm>) -> Self {
        Self(algorithms.fold(0, |set, algorithm| set | algorithm.bit()))
    }

    /// Whether the host is trusted with `algorithm`.
    pub fn has(self, algorithm: SignatureAlgorithm) -> bool {
        self.0 & algorithm.bit() != 0
    }
}

/// A public key and a valid signature over [`MESSAGE`], made with `openssl dgst -sign`.
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

    /// A host that gives the same answer for every signature.
    struct Stubborn(Option<bool>);

    impl HostVerifier for Stubborn {
        fn verify_signature(&self, _: Hash, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
            self.0
        }
    }

    #[test]
    fn a_host_that_always_gives_the_same_answer_is_not_trusted() {
        for answer in [None, Some(true), Some(false)] {
            assert_eq!(HostAlgorithms::probe(&Stubborn(answer)), HostAlgorithms::NONE, "{answer:?}");
        }
    }

    /// A host that answers correctly for one algorithm, and with the second field for every other
    /// one.
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
    fn a_host_is_trusted_only_with_the_algorithms_that_it_verifies_correctly() {
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
    fn the_assumed_algorithms_are_those_with_a_known_answer() {
        assert_eq!(
            HostAlgorithms::from_algorithms(KNOWN_ANSWERS.iter().map(|known| known.algorithm)),
            HostAlgorithms::ASSUMED
        );
    }
}
