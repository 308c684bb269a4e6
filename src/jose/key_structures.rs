//! The structures in DER that contain keys.

use super::der_reader::{CONSTRUCTED_0, CONSTRUCTED_1, KeyAlgorithm, OCTET_STRING, PRIMITIVE_1, Reader};

/// An RSA key: modulus and public exponent.
pub(super) type RsaNumbers<'a> = (&'a [u8], &'a [u8]);

/// Reads a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
pub(super) fn subject_public_key_info(der: &[u8]) -> Option<(KeyAlgorithm, &[u8])> {
    let mut info = Reader::sequence(der)?;
    let algorithm = info.algorithm()?;
    let key = info.bit_string()?;
    info.end().map(|()| (algorithm, key))
}

/// Reads a PrivateKeyInfo, or a OneAsymmetricKey (RFC 5958 section 2). What it may have besides the
/// key is not needed.
pub(super) fn private_key_info(der: &[u8]) -> Option<(KeyAlgorithm, &[u8])> {
    let mut info = Reader::sequence(der)?;
    let version = info.integer()?;
    let algorithm = info.algorithm()?;
    let key = info.element(OCTET_STRING)?;
    let (_attributes, _public_key) = (info.element(CONSTRUCTED_0), info.element(PRIMITIVE_1));
    info.end().filter(|()| matches!(version, [0 | 1])).map(|()| (algorithm, key))
}

/// Reads an ECPrivateKey (RFC 5915 section 3): the key, and the point of its public key if it has
/// that.
pub(super) fn ec_private_key(der: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let mut key = Reader::sequence(der)?;
    let version = key.integer()?;
    let private = key.element(OCTET_STRING)?;
    let _parameters = key.element(CONSTRUCTED_0);
    let point = match key.element(CONSTRUCTED_1) {
        Some(tagged) => Some(Reader::new(tagged).only_bit_string()?),
        None => None,
    };
    key.end().filter(|()| version == [1]).map(|()| (private, point))
}

/// Reads an RSAPublicKey (RFC 8017 appendix A.1.1).
pub(super) fn rsa_public_key(der: &[u8]) -> Option<RsaNumbers<'_>> {
    let mut key = Reader::sequence(der)?;
    let numbers = (key.integer()?, key.integer()?);
    key.end().map(|()| numbers)
}

/// Reads an RSAPrivateKey with two primes (RFC 8017 appendix A.1.2).
pub(super) fn rsa_private_key(der: &[u8]) -> Option<RsaNumbers<'_>> {
    let mut key = Reader::sequence(der)?;
    let version = key.integer()?;
    let numbers = (key.integer()?, key.integer()?);
    // The private exponent, the primes, and three numbers that follow from these.
    for _ in 0..6 {
        key.integer()?;
    }
    key.end().filter(|()| version == [0]).map(|()| numbers)
}

#[cfg(test)]
mod tests {
    use super::super::der::rsa_public_key_info;
    use super::super::pem::{P256, block};
    use super::*;

    /// Whether `read` takes the whole of `der`, and nothing that is shorter or longer.
    fn is_all<T>(der: &[u8], read: fn(&[u8]) -> Option<T>) -> bool {
        let longer = [der, &[0]].concat();
        let parts = (0..der.len()).filter_map(|end| der.get(..end));
        read(der).is_some() && parts.chain([&*longer]).all(|other| read(other).is_none())
    }

    #[test]
    fn keys_of_openssl() {
        let block = |text| block(text).unwrap().1;
        let rsa = block(include_str!("../../tests/vectors/keys/rsa.public.pem"));
        assert!(is_all(&rsa, |der| subject_public_key_info(der).map(|_| ())));
        let (_, key) = subject_public_key_info(&rsa).unwrap();
        assert!(is_all(key, |der| rsa_public_key(der).map(|_| ())));
        let (modulus, exponent) = rsa_public_key(key).unwrap();
        assert_eq!(rsa_public_key_info(modulus, exponent), Some(rsa.clone()));

        let rsa = block(include_str!("../../tests/vectors/keys/rsa.private.pem"));
        assert!(is_all(&rsa, |der| private_key_info(der).map(|_| ())));
        let (_, key) = private_key_info(&rsa).unwrap();
        assert!(is_all(key, |der| rsa_private_key(der).map(|_| ())));
        assert_eq!(rsa_private_key(key).unwrap(), (modulus, exponent));

        let ec = block(include_str!("../../tests/vectors/keys/ec.private.pem"));
        let ((_, curve), key) = private_key_info(&ec).unwrap();
        assert_eq!(curve, Some(P256));
        assert!(is_all(key, |der| ec_private_key(der).map(|_| ())));
        let (private, public) = ec_private_key(key).unwrap();
        assert_eq!((private.len(), public.unwrap().len()), (32, 65));
    }

    #[test]
    fn nothing_may_follow() {
        let key = [0x30, 6, 2, 1, 5, 2, 1, 3];
        assert_eq!(rsa_public_key(&key), Some((&[5][..], &[3][..])));
        assert_eq!(rsa_public_key(&[&key[..], &[0]].concat()), None);
        assert_eq!(rsa_public_key(&[0x30, 9, 2, 1, 5, 2, 1, 3, 2, 1, 7]), None);
        assert_eq!(rsa_public_key(&[0x30, 3, 2, 1, 5]), None);
    }
}
