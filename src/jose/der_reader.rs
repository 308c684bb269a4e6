//! Reads the elements of DER (X.690), as far as keys have them.

use sha2::digest::const_oid::ObjectIdentifier;

/// The elements that were not read yet.
pub(super) struct Reader<'a>(&'a [u8]);

/// The algorithm of a key, and its curve if it is an elliptic one.
pub(super) type KeyAlgorithm = (ObjectIdentifier, Option<ObjectIdentifier>);

impl<'a> Reader<'a> {
    /// The elements in `der`.
    pub(super) fn new(der: &'a [u8]) -> Self {
        Self(der)
    }

    /// The elements of the SEQUENCE that `der` is.
    pub(super) fn sequence(der: &'a [u8]) -> Option<Self> {
        let mut outer = Self(der);
        let elements = outer.element(SEQUENCE)?;
        outer.end().map(|()| Self(elements))
    }

    /// The content of the next element. `None`, and nothing is read, if it has another tag.
    pub(super) fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
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
    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        self.element(INTEGER).filter(|digits| match digits {
            [] => false,
            [0, second, ..] => *second >= 0x80,
            [first, ..] => *first < 0x80,
        })
    }

    /// The next element, a BIT STRING of whole bytes.
    pub(super) fn bit_string(&mut self) -> Option<&'a [u8]> {
        self.element(BIT_STRING)?.strip_prefix(&[0])
    }

    /// A BIT STRING that is all there is.
    pub(super) fn only_bit_string(mut self) -> Option<&'a [u8]> {
        let bytes = self.bit_string()?;
        self.end().map(|()| bytes)
    }

    /// The next element, an AlgorithmIdentifier. Of its parameters only the name of a curve is
    /// read.
    pub(super) fn algorithm(&mut self) -> Option<KeyAlgorithm> {
        let mut algorithm = Self(self.element(SEQUENCE)?);
        let name = ObjectIdentifier::from_bytes(algorithm.element(OBJECT_IDENTIFIER)?).ok()?;
        let curve = algorithm.element(OBJECT_IDENTIFIER).and_then(|name| ObjectIdentifier::from_bytes(name).ok());
        Some((name, curve))
    }

    /// Whether all elements were read.
    pub(super) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
pub(super) const PRIMITIVE_1: u8 = 0x81;
pub(super) const CONSTRUCTED_0: u8 = 0xa0;
pub(super) const CONSTRUCTED_1: u8 = 0xa1;

#[cfg(test)]
mod tests {
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
}
