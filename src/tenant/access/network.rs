//! Networks of IP addresses.

use std::fmt;
use std::net::IpAddr;

/// A network in CIDR notation (RFC 4632 section 3.1, RFC 4291 section 2.3), or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    /// The number of bits that all addresses have in common, from 0 to the length of an address.
    prefix: u32,
}

impl Network {
    /// Reads `10.0.0.0/8`, `2001:db8::/32` or one address.
    ///
    /// # Errors
    /// [`NetworkError`] with the reason.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let first: IpAddr = address.parse().map_err(|_| NetworkError::Form)?;
        if first.to_canonical() != first {
            return Err(NetworkError::Mapped);
        }
        let longest = if first.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(digits) if digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| NetworkError::Form)?
            }
            Some(_) => return Err(NetworkError::Form),
        };
        let network = Self { first, prefix };
        // The bits after the prefix, at the left end.
        let rest = bits(first).checked_shl(prefix).unwrap_or_default();
        match prefix <= longest {
            true if rest == 0 => Ok(network),
            true => Err(NetworkError::BitsAfterPrefix),
            false => Err(NetworkError::Form),
        }
    }

    /// Whether the network has this address. An IPv4 address counts as such in the form of IPv6,
    /// too (`::ffff:10.0.0.1`).
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let unused = 128_u32.saturating_sub(self.prefix);
        let differs = (bits(self.first) ^ bits(address)).checked_shr(unused).unwrap_or_default() != 0;
        self.first.is_ipv4() == address.is_ipv4() && !differs
    }
}

/// The bits of an address, from the left.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()).wrapping_shl(96),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The reason why a text is not a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// It has another form.
    Form,
    /// A bit after the prefix is set.
    BitsAfterPrefix,
    /// The address is one of IPv4 in the form of IPv6. No client would be in the network, because
    /// clients with such an address count as clients of IPv4.
    Mapped,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "is not a network; write it as \"10.0.0.0/8\" or \"2001:db8::/32\"",
            Self::BitsAfterPrefix => {
                "names an address within the network; write its first address, with zeros after the prefix"
            }
            Self::Mapped => "is a network of IPv4 in the form of IPv6; write it as \"10.0.0.0/8\"",
        })
    }
}

impl std::error::Error for NetworkError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_with_its_prefix() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("10.0.0.0/8", "::ffff:10.1.1.1", "::10.1.1.1"),
            ("192.0.2.128/25", "192.0.2.255", "192.0.2.127"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::/0", "2001:db8::", "10.0.0.1"),
            ("::1", "::1", "::2"),
        ] {
            let network = Network::parse(network).unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network:?} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{network:?} {outside}");
        }
    }

    #[test]
    fn an_invalid_network_is_rejected_with_its_reason() {
        for (text, error) in [
            ("", NetworkError::Form),
            ("10.0.0.0/33", NetworkError::Form),
            ("::/129", NetworkError::Form),
            ("10.0.0.0/", NetworkError::Form),
            ("10.0.0.0/+8", NetworkError::Form),
            ("10.0.0.0/0008", NetworkError::Form),
            ("10.0.0/8", NetworkError::Form),
            ("office", NetworkError::Form),
            ("10.0.0.1/8", NetworkError::BitsAfterPrefix),
            ("2001:db8::1/64", NetworkError::BitsAfterPrefix),
            ("1.0.0.0/0", NetworkError::BitsAfterPrefix),
            ("::ffff:10.0.0.0/104", NetworkError::Mapped),
            ("::ffff:10.0.0.1", NetworkError::Mapped),
            ("::ffff:0:0/96", NetworkError::Mapped),
            ("fe80::1%eth0", NetworkError::Form),
            ("10.0.0.1:80", NetworkError::Form),
        ] {
            assert_eq!(Network::parse(text), Err(error), "{text}");
        }
    }
}
