//! The DER encodings that the interface to the host needs: a public key as SubjectPublicKeyInfo,
//! and an ECDSA signature as a SEQUENCE.

/// A NIST curve and its encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    /// The number of bytes of a coordinate, and of each half of a JWS signature (RFC 7518 section
    /// 3.4).
    pub(super) fn coordinate(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The name of the curve in `crv`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The SubjectPublicKeyInfo (RFC 5480 section 2) of an uncompressed point on this curve.
    pub(super) fn subject_public_key_info(self, point: &[u8]) -> Vec<u8> {
        let head: &[u8] = match self {
            Self::P256 => b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00",
            Self::P384 => b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00",
            Self::P521 => b"\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23\x03\x81\x86\x00",
        };
        [head, point].concat()
    }

    /// Converts a JWS signature to `SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 section 2.2.3).
    /// `None` if it does not have the length of this curve.
    pub(super) fn signature(self, jws: &[u8]) -> Option<Vec<u8>> {
        let (r, s) = jws.split_at_checked(self.coordinate())?;
        if s.len() != self.coordinate() {
            return None;
        }
        element(0x30, &[integer(r)?, integer(s)?].concat())
    }
}

/// The SubjectPublicKeyInfo (RFC 3279 section 2.3.1) of an RSA key. `None` for a key that is longer
/// than any.
pub(super) fn rsa_public_key_info(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    let algorithm = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let key = element(0x30, &[integer(modulus)?, integer(exponent)?].concat())?;
    let bits = element(3, &[&[0], &*key].concat())?;
    element(0x30, &[&algorithm[..], &bits].concat())
}

/// A big-endian number as INTEGER: without leading zeros, except the one that keeps the number
/// positive.
fn integer(number: &[u8]) -> Option<Vec<u8>> {
    let digits = without_zeros(number);
    let pad: &[u8] = if digits.first().is_none_or(|&first| first >= 0x80) { &[0] } else { &[] };
    element(2, &[pad, digits].concat())
}

/// A big-endian number without its leading zeros.
pub(super) fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// An element: the tag, the length in the least form, and the content.
fn element(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let [high, low] = u16::try_from(content.len()).ok()?.to_be_bytes();
    let head: &[u8] = match (high, low) {
        (0, 0..=0x7f) => &[tag, low],
        (0, _) => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    Some([head, content].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_minimal_and_positive() {
        assert_eq!(integer(&[0, 0, 1]).unwrap(), [2, 1, 1]);
        assert_eq!(integer(&[0, 0x80]).unwrap(), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0x7f, 0]).unwrap(), [2, 2, 0x7f, 0]);
        assert_eq!(integer(&[0, 0]).unwrap(), [2, 1, 0]);
    }

    #[test]
    fn signatures_of_another_length_are_rejected() {
        assert_eq!(Curve::P256.signature(&[1; 64]).unwrap().len(), 2 + 2 * 34);
        assert_eq!(Curve::P521.signature(&[0xff; 132]).unwrap().get(..3), Some(&[0x30, 0x81, 138][..]));
        for length in [0, 31, 32, 63, 65, 128] {
            assert_eq!(Curve::P256.signature(&vec![1; length]), None, "{length}");
        }
    }
}
