//! The colors of the pages. A [`Palette`] can be read: its constructor refuses colors that are too
//! close to each other (WCAG 2.2, success criteria 1.4.3 and 1.4.11).

use std::fmt;

/// A color of sRGB with eight bits for each channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color([u8; 3]);

impl Color {
    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 6)?.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    /// The relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// The contrast with `other`.
    fn contrast(self, other: Self) -> Contrast {
        let (this, other) = (self.luminance() + 0.05, other.luminance() + 0.05);
        let hundredths = 100.0 * this.max(other) / this.min(other);
        Contrast((0..=2100).rev().find(|&whole| f64::from(whole) <= hundredths).unwrap_or(0))
    }
}

/// The linear intensity of a channel. A power by 2.4 is the square and its fifth root, which the
/// method of Newton finds; the function of the standard library makes the module larger.
fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.04045 {
        return value / 12.92;
    }
    let base = (value + 0.055) / 1.055;
    let square = base * base;
    let root = (0..16).fold(1.0, |root: f64, _| (4.0 * root + square / (root * root * root * root)) / 5.0);
    square * root
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// A contrast ratio, in hundredths: 450 is 4.5:1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contrast(u16);

impl Contrast {
    /// The least contrast of text.
    const OF_TEXT: Self = Self(450);
    /// The least contrast of what is not text: a button, and the ring around what has the focus.
    const OF_SHAPES: Self = Self(300);
}

impl fmt::Display for Contrast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}:1", self.0 / 100, self.0 % 100)
    }
}

/// The colors of a page, for a light or a dark screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    accent: Color,
    background: Color,
    text: Color,
}

/// A color has too little contrast with the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LowContrast {
    /// That of the button.
    Accent(Contrast),
    /// That of the text and of the ring around what has the focus.
    Text(Contrast),
}

impl fmt::Display for LowContrast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (found, least) = match self {
            Self::Accent(found) => (found, Contrast::OF_SHAPES),
            Self::Text(found) => (found, Contrast::OF_TEXT),
        };
        write!(f, "has a contrast of {found} with `background`; at least {least} is needed")
    }
}

impl std::error::Error for LowContrast {}

impl Palette {
    /// The default colors for a light screen.
    pub const LIGHT: Self = Self {
        accent: Color([0x0b, 0x57, 0xd0]),
        background: Color([0xf5, 0xf6, 0xf8]),
        text: Color([0x1b, 0x1f, 0x24]),
    };
    /// The default colors for a dark screen.
    pub const DARK: Self = Self {
        accent: Color([0x8a, 0xb4, 0xf8]),
        background: Color([0x16, 0x18, 0x1c]),
        text: Color([0xe6, 0xe6, 0xe6]),
    };

    /// These colors, and those of `self` in place of the ones that are absent.
    ///
    /// # Errors
    /// [`LowContrast`] if the button or the text could hardly be seen.
    pub fn with(
        self,
        accent: Option<Color>,
        background: Option<Color>,
        text: Option<Color>,
    ) -> Result<Self, LowContrast> {
        let background = background.unwrap_or(self.background);
        let (accent, text) = (accent.unwrap_or(self.accent), text.unwrap_or(self.text));
        let (of_accent, of_text) = (accent.contrast(background), text.contrast(background));
        if of_text < Contrast::OF_TEXT {
            return Err(LowContrast::Text(of_text));
        }
        if of_accent < Contrast::OF_SHAPES {
            return Err(LowContrast::Accent(of_accent));
        }
        Ok(Self { accent, background, text })
    }

    /// The colors as custom properties of CSS. The text of the button is white or black: one of the
    /// two has a contrast of 4.58 or more with any color, the root of the 21 between them.
    pub(super) fn css(&self) -> String {
        let Self { accent, background, text } = self;
        let (white, black) = (Color([255; 3]), Color([0; 3]));
        let label = if accent.contrast(white) >= accent.contrast(black) { white } else { black };
        format!("--accent:{accent};--label:{label};--background:{background};--text:{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn color(text: &str) -> Color {
        Color::parse(text).unwrap()
    }

    #[test]
    fn a_color_has_six_digits() {
        assert_eq!(color("#0B57d0").to_string(), "#0b57d0");
        for text in ["", "#", "0b57d0", "#fff", "#0b57d", "#0b57d00", "#+b57d0", "#0b57dg", "red", "#0b57d\u{e9}"] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
    }

    /// The ratios of WebAIM's contrast checker.
    #[test]
    fn contrasts_are_those_of_wcag() {
        for (one, other, ratio) in [
            ("#000000", "#ffffff", "21.00:1"),
            ("#767676", "#ffffff", "4.54:1"),
            ("#777777", "#ffffff", "4.47:1"),
            ("#ff0000", "#ffffff", "3.99:1"),
            ("#0000ff", "#ffffff", "8.59:1"),
            ("#00ff00", "#000000", "15.30:1"),
            ("#123456", "#123456", "1.00:1"),
        ] {
            assert_eq!(color(one).contrast(color(other)).to_string(), ratio, "{one} {other}");
            assert_eq!(color(other).contrast(color(one)), color(one).contrast(color(other)));
        }
    }

    #[test]
    fn a_palette_can_be_read() {
        for palette in [Palette::LIGHT, Palette::DARK] {
            assert_eq!(palette.with(None, None, None), Ok(palette));
        }
        let light = |accent, text| Palette::LIGHT.with(Some(color(accent)), Some(color("#ffffff")), Some(color(text)));
        assert_eq!(light("#949494", "#767676").map(|_| ()), Ok(()));
        assert_eq!(light("#959595", "#767676"), Err(LowContrast::Accent(Contrast(299))));
        assert_eq!(light("#949494", "#777777"), Err(LowContrast::Text(Contrast(447))));
    }

    #[test]
    fn the_label_of_a_button_can_be_read_in_any_color() {
        for gray in 0..=255 {
            let accent = Color([gray; 3]);
            let css = Palette { accent, ..Palette::LIGHT }.css();
            let label = css.split("--label:").nth(1).unwrap().split(';').next().unwrap();
            assert!(accent.contrast(color(label)) >= Contrast::OF_TEXT, "{css}");
        }
    }
}
