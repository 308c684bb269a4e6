//! Text in one case, so that two spellings of a path can be compared.

use std::borrow::Cow;

/// The text in one case.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
        text.chars().map(fold_char).collect()
    } else {
        Cow::Borrowed(text)
    }
}

/// Maps Latin, Greek and Cyrillic letters to lower case, and the letters of other blocks that some
/// server maps to one of ASCII. The tables of the standard library for all of Unicode would make
/// the module 20 KB larger.
fn fold_char(c: char) -> char {
    let code = u32::from(c);
    let lower = match code {
        0x41..=0x5a | 0xc0..=0xd6 | 0xd8..=0xde | 0x391..=0x3ab | 0x410..=0x42f => code.saturating_add(0x20),
        0x388..=0x38a => code.saturating_add(0x25),
        0x38e | 0x38f => code.saturating_add(0x3f),
        0x400..=0x40f => code.saturating_add(0x50),
        // The wide forms of digits and letters.
        0xff10..=0xff19 | 0xff41..=0xff5a => code.saturating_sub(0xfee0),
        0xff21..=0xff3a => code.saturating_sub(0xfec0),
        _ if is_in(&EVEN, code) => code | 1,
        _ if is_in(&ODD, code) => code.saturating_add(code & 1),
        _ => SINGLE.iter().find(|(upper, _)| u32::from(*upper) == code).map_or(code, |(_, lower)| (*lower).into()),
    };
    char::from_u32(lower).unwrap_or(c)
}

fn is_in(blocks: &[(u16, u16)], code: u32) -> bool {
    blocks.iter().any(|(first, last)| (u32::from(*first)..=u32::from(*last)).contains(&code))
}

/// Blocks of letters in pairs, with the upper case at even numbers and the lower case after it.
#[rustfmt::skip]
const EVEN: [(u16, u16); 23] = [
    (0x100, 0x12f), (0x132, 0x137), (0x14a, 0x177), (0x182, 0x185), (0x198, 0x199), (0x1a0, 0x1a5),
    (0x1ac, 0x1ad), (0x1b8, 0x1b9), (0x1bc, 0x1bd), (0x1de, 0x1ef), (0x1f4, 0x1f5), (0x1f8, 0x21f),
    (0x222, 0x233), (0x246, 0x24f), (0x370, 0x373), (0x376, 0x377), (0x3d8, 0x3ef), (0x3fa, 0x3fb),
    (0x460, 0x481), (0x48a, 0x4bf), (0x4d0, 0x52f), (0x1e00, 0x1e95), (0x1ea0, 0x1eff),
];

/// The same with the upper case at odd numbers.
#[rustfmt::skip]
const ODD: [(u16, u16); 13] = [
    (0x139, 0x148), (0x179, 0x17e), (0x187, 0x188), (0x18b, 0x18c), (0x191, 0x192), (0x1a7, 0x1a8),
    (0x1af, 0x1b0), (0x1b3, 0x1b6), (0x1cd, 0x1dc), (0x23b, 0x23c), (0x241, 0x242), (0x3f7, 0x3f8),
    (0x4c1, 0x4ce),
];

/// The letters whose lower case has no place beside them, and letters that some server maps to one
/// of ASCII, or to another form of themselves.
#[rustfmt::skip]
const SINGLE: [(u16, u16); 55] = [
    (0x130, 0x69), (0x131, 0x69), (0x17f, 0x73), (0x212a, 0x6b), (0x212b, 0xe5), (0x178, 0xff),
    (0x181, 0x253), (0x186, 0x254), (0x189, 0x256), (0x18a, 0x257), (0x18e, 0x1dd), (0x18f, 0x259),
    (0x190, 0x25b), (0x193, 0x260), (0x194, 0x263), (0x196, 0x269), (0x197, 0x268), (0x19c, 0x26f),
    (0x19d, 0x272), (0x19f, 0x275), (0x1a6, 0x280), (0x1a9, 0x283), (0x1ae, 0x288), (0x1b1, 0x28a),
    (0x1b2, 0x28b), (0x1b7, 0x292), (0x1c4, 0x1c6), (0x1c5, 0x1c6), (0x1c7, 0x1c9), (0x1c8, 0x1c9),
    (0x1ca, 0x1cc), (0x1cb, 0x1cc), (0x1f1, 0x1f3), (0x1f2, 0x1f3), (0x1f6, 0x195), (0x1f7, 0x1bf),
    (0x220, 0x19e), (0x23a, 0x2c65), (0x23d, 0x19a), (0x23e, 0x2c66), (0x243, 0x180),
    (0x244, 0x289), (0x245, 0x28c), (0x37f, 0x3f3), (0x386, 0x3ac), (0x38c, 0x3cc), (0x3c2, 0x3c3),
    (0x3cf, 0x3d7), (0x3f4, 0x3b8), (0x3f9, 0x3f2), (0x3fd, 0x37b), (0x3fe, 0x37c), (0x3ff, 0x37d),
    (0x4c0, 0x4cf), (0x1e9e, 0xdf),
];

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// The letters of these blocks fold as the standard library maps them to lower case.
    #[test]
    fn latin_greek_and_cyrillic_letters_have_one_case() {
        let blocks = [0x41..=0x24f, 0x370..=0x3ff, 0x400..=0x52f, 0x1e00..=0x1eff];
        let letters = || blocks.clone().into_iter().flatten().filter_map(char::from_u32);
        let lower = |c: char| c.to_uppercase().flat_map(char::to_lowercase).collect::<String>();
        let wrong: String = letters().filter(|c| fold(&c.to_lowercase().to_string()) != fold(&c.to_string())).collect();
        assert_eq!(wrong, "İ");
        // Different letters stay different. These two have lower cases of several letters.
        let mut known = HashMap::new();
        let wrong: String =
            letters().filter(|c| known.entry(fold_char(*c)).or_insert_with(|| lower(*c)) != &lower(*c)).collect();
        assert_eq!(wrong, "İẞ");
    }
}
