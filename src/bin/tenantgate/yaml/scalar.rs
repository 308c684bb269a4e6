//! The type of a scalar, as Envoy 1.40 decides it. The cases were tried with `envoy --mode
//! validate`.

use serde_json::Value;

use super::node::{Scalar, Style};

impl Scalar {
    /// The value. Only a plain scalar can be something else than a string. A number with a fraction
    /// or an exponent is a string for Envoy.
    pub(crate) fn value(&self) -> Value {
        let text = self.text.as_str();
        if self.style != Style::Plain {
            return Value::String(text.to_owned());
        }
        if matches!(text, "" | "~" | "null" | "Null" | "NULL") {
            return Value::Null;
        }
        if let Some(value) = boolean(text) {
            return Value::Bool(value);
        }
        match integer(text) {
            Some(number) if number.unsigned_abs() < MAX_INTEGER => Value::from(number),
            _ => Value::String(text.to_owned()),
        }
    }
}

/// `true`, `yes`, `on`, `y` and their opposites, in lower case, in upper case, and with one upper
/// case letter at the beginning.
fn boolean(text: &str) -> Option<bool> {
    let lower = text.to_ascii_lowercase();
    let is_capitalized = text.get(1..) == lower.get(1..);
    if !is_capitalized && text != text.to_ascii_uppercase() {
        return None;
    }
    match lower.as_str() {
        "true" | "yes" | "on" | "y" => Some(true),
        "false" | "no" | "off" | "n" => Some(false),
        _ => None,
    }
}

/// A whole number: decimal, hexadecimal with `0x`, or octal with a leading zero.
fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1_i64, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(digits, radix).ok()?.checked_mul(sign)
}

/// From this number on, Envoy hands a whole number over as a string.
const MAX_INTEGER: u64 = 1 << 53;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_those_of_envoy() {
        for (text, expected) in [
            ("yes", json!(true)),
            ("Yes", json!(true)),
            ("y", json!(true)),
            ("N", json!(false)),
            ("OFF", json!(false)),
            ("TRUE", json!(true)),
            ("tRue", json!("tRue")),
            ("yEs", json!("yEs")),
            ("1", json!(1)),
            ("-1", json!(-1)),
            ("+1", json!(1)),
            ("0x10", json!(16)),
            ("017", json!(15)),
            ("019", json!("019")),
            ("0o17", json!("0o17")),
            ("1_000", json!("1_000")),
            ("1e5", json!("1e5")),
            ("1.5", json!("1.5")),
            (".inf", json!(".inf")),
            ("~", json!(null)),
            ("", json!(null)),
            ("Null", json!(null)),
            ("nUll", json!("nUll")),
            ("2026-11-26", json!("2026-11-26")),
            ("9007199254740993", json!("9007199254740993")),
            ("12345678901234567890", json!("12345678901234567890")),
            ("é", json!("é")),
        ] {
            let scalar = |style| Scalar { text: text.to_owned(), style };
            assert_eq!(scalar(Style::Plain).value(), expected, "{text}");
            assert_eq!(scalar(Style::Quoted).value(), json!(text));
        }
    }
}
