//! Reads the structures of DER (X.690) that contain keys.

use sha2::digest::const_oid::ObjectIdentifier;

/// The elements of a SEQUENCE that were not read yet.
pub(super) struct Reader<'a>(&'a [u8]);

/// The algorithm of a key, and its curve if it is an elliptic one.
pub(super) type KeyAlgorithm = (ObjectIdentifier, Option<ObjectIdentifier>);

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
    let point = match key.element(CONSTRUCTED_1).map(Reader) {
        Some(mut tagged) => Some(tagged.bit_string().filter(|_| tagged.0.is_empty())?),
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

impl<'a> Reader<'a> {
    /// The elements of the SEQUENCE that `der` is.
    fn sequence(der: &'a [u8]) -> Option<Self> {
        let mut outer = Self(der);
        let elements = outer.element(SEQUENCE)?;
        outer.end().map(|()| Self(elements))
    }

    /// The content of the next element. `None`, and nothing is read, if it has another tag.
    fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&[found, first], rest) = self.0.split_first_chunk()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // The least form is the only one in DER. No key needs more than two bytes.
            0x81 => rest.split_first().map(|(&low, rest)| (usize::from(low), rest)).filter(|it| it.0 >= 0x80)?,
            0x82 => {
                let (&length, rest) = rest.split_first_chunk()?;
                Some((usize::from(u16::from_be_bytes(length)), rest)).filter(|it| it.0 >= 0x100)?
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        (found == tag).then(|| {
            self.0 = rest;
            content
        })
    }

    /// The next element, an INTEGER that is not negative.
    fn integer(&mut self) -> Option<&'a [u8]> {
        self.element(INTEGER).filter(|digits| match digits {
            [] => false,
            [0, second, ..] => *second >= 0x80,
            [first, ..] => *first < 0x80,
        })
    }

    /// The next element, a BIT STRING of whole bytes.
    fn bit_string(&mut self) -> Option<&'a [u8]> {
        self.element(BIT_STRING)?.strip_prefix(&[0])
    }

    /// The next element, an AlgorithmIdentifier. Of its parameters only the name of a curve is
    /// read.
    fn algorithm(&mut self) -> Option<KeyAlgorithm> {
        let mut algorithm = Self(self.element(SEQUENCE)?);
        let name = ObjectIdentifier::from_bytes(algorithm.element(OBJECT_IDENTIFIER)?).ok()?;
        let curve = algorithm.element(OBJECT_IDENTIFIER).and_then(|name| ObjectIdentifier::from_bytes(name).ok());
        Some((name, curve))
    }

    /// Whether all elements were read.
    fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const PRIMITIVE_1: u8 = 0x81;
const CONSTRUCTED_0: u8 = 0xa0;
const CONSTRUCTED_1: u8 = 0xa1;

#[cfg(test)]
mod tests {
    use super::super::der::rsa_public_key_info;
    use super::super::pem::{P256, block};
    use super::*;

    #[test]
    fn lengths_are_minimal_and_inside() {
        let read = |der: &[u8]| Reader(der).element(OCTET_STRING).map(<[u8]>::len);
        let long = |head: &[u8], length: usize| [head, &vec![0; length]].concat();
        assert_eq!(read(&[4, 0]), Some(0));
        assert_eq!(read(&[4, 1, 7, 9]), Some(1));
        assert_eq!(read(&long(&[4, 0x81, 0x80], 128)), Some(128));
        assert_eq!(read(&long(&[4, 0x82, 1, 0], 256)), Some(256));
        let bad: [&[u8]; 8] = [
            &[],
            &[4],
            &[4, 1],
            &[5, 0],
            &[4, 0x80, 0, 0],
            &[4, 0x81, 1, 7],
            &[4, 0x82, 0, 0x80],
            &[4, 0x83, 0, 0, 1, 7],
        ];
        for der in bad {
            assert_eq!(read(&long(der, if der.len() == 4 { 128 } else { 0 })), None, "{der:?}");
        }
        assert_eq!(read(&long(&[4, 0x82, 1, 0], 255)), None);
    }

    #[test]
    fn integers_are_minimal_and_not_negative() {
        let read = |der: &'static [u8]| Reader(der).integer();
        assert_eq!(read(&[2, 1, 0]), Some(&[0][..]));
        assert_eq!(read(&[2, 2, 0, 0x80]), Some(&[0, 0x80][..]));
        for der in [&[2, 0][..], &[2, 1, 0x80], &[2, 2, 0, 0x7f]] {
            assert_eq!(read(der), None, "{der:?}");
        }
    }

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
