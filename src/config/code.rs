//! The codes of mistakes, by which an operator finds their explanation.

use std::fmt;

/// The code of a kind of mistake, such as `TG014`. A code keeps its meaning in all releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

impl Code {
    /// The text is neither JSON nor what Envoy makes of YAML.
    pub const SYNTAX: Self = Self(1);
    /// A field is missing.
    pub const MISSING: Self = Self(2);
    /// A field is not known at its place.
    pub const UNKNOWN_FIELD: Self = Self(3);
    /// A value has another type than the field.
    pub const TYPE: Self = Self(4);
    /// A list is empty.
    pub const EMPTY: Self = Self(5);
    /// A duration or a time is none, or is out of range.
    pub const TIME: Self = Self(6);
    /// A URL is none, or none that is allowed there.
    pub const URL: Self = Self(7);
    /// An environment variable is not set or empty.
    pub const VARIABLE: Self = Self(8);
    /// Two tenants have the same name or host, or take each other's requests or cookies.
    pub const SHARED: Self = Self(9);
    /// `tenants[].name`.
    pub const NAME: Self = Self(10);
    /// `tenants[].hosts`.
    pub const HOSTS: Self = Self(11);
    /// `tenants[].issuer`.
    pub const ISSUER: Self = Self(12);
    /// `tenants[].client_id`, `client_secret` and `client_key`.
    pub const CLIENT: Self = Self(13);
    /// `tenants[].provider`.
    pub const PROVIDER: Self = Self(14);
    /// `tenants[].keys`, and the algorithms of ID tokens.
    pub const KEYS: Self = Self(15);
    /// `tenants[].login`.
    pub const LOGIN: Self = Self(16);
    /// `tenants[].csrf`.
    pub const CSRF: Self = Self(17);
    /// `tenants[].refresh`.
    pub const REFRESH: Self = Self(18);
    /// `tenants[].bearer` and `trusted_audiences`.
    pub const BEARER: Self = Self(19);
    /// `tenants[].identity`.
    pub const IDENTITY: Self = Self(20);
    /// `tenants[].roles`.
    pub const ROLES: Self = Self(21);
    /// `tenants[].access`.
    pub const ACCESS: Self = Self(22);
    /// `tenants[].headers`.
    pub const HEADERS: Self = Self(23);
    /// `tenants[].pages`.
    pub const PAGES: Self = Self(24);
    /// `session`.
    pub const SESSION: Self = Self(25);
    /// `assertion`.
    pub const ASSERTION: Self = Self(26);

    /// `store`.
    pub const STORE: Self = Self(27);

    /// `tenants_from`.
    pub const TENANTS_FROM: Self = Self(28);

    /// The code with this number. Numbers from 100 on are those of the command-line tool.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number of the code.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// Writes `TG` and three digits.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TG{:03}", self.0)
    }
}
