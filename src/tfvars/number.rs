//! Numbers as exact decimal text.
//!
//! Terraform 1.11 keeps numbers as binary floats of 512 bits and writes the shortest decimal
//! that gives the same float: for up to 153 significant digits that is the number itself.

use std::fmt;

/// Significant digits that Terraform keeps whatever the number is.
const MAX_DIGITS: usize = 153;
/// Digits that are written out at most: a short text such as `1e999999999` must not fill memory.
const MAX_LENGTH: usize = 1024;

/// Why a text is no usable number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberError {
    Malformed,
    TooLong,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a decimal number",
            Self::TooLong => "the number has more digits than can be kept exactly",
        })
    }
}

/// The canonical text of a decimal number: no exponent, no needless zeros. Minus
/// zero keeps its sign, as in Terraform 1.11.
pub(super) fn canonical(text: &str) -> Result<String, NumberError> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = split_exponent(text)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return Err(NumberError::Malformed);
    }
    let digits = format!("{whole}{fraction}");
    let point = exponent.saturating_add(length(whole));
    let magnitude = place_point(&digits, point)?;
    Ok(if negative { format!("-{magnitude}") } else { magnitude })
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

fn split_exponent(text: &str) -> Result<(&str, i64), NumberError> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return Ok((text, 0)) };
    let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Malformed);
    }
    Ok((mantissa, exponent.parse().map_err(|_| NumberError::TooLong)?))
}

/// Writes out `0.digits * 10^point`.
fn place_point(digits: &str, point: i64) -> Result<String, NumberError> {
    let significant = digits.trim_start_matches('0');
    let point = point.saturating_sub(length(digits) - length(significant));
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return Ok("0".to_owned());
    }
    let shift = usize::try_from(point.unsigned_abs()).unwrap_or(usize::MAX);
    if significant.len() > MAX_DIGITS || shift > MAX_LENGTH {
        return Err(NumberError::TooLong);
    }
    let zeros = |count: usize| "0".repeat(count);
    Ok(if point <= 0 {
        format!("0.{}{significant}", zeros(shift))
    } else if shift >= significant.len() {
        format!("{significant}{}", zeros(shift - significant.len()))
    } else {
        let (whole, fraction) = significant.split_at(shift);
        format!("{whole}.{fraction}")
    })
}

#[cfg(test)]
mod tests {
    use super::{NumberError, canonical};

    #[test]
    fn writes_numbers_out() {
        for (text, expected) in [
            ("5", "5"),
            ("007", "7"),
            ("1.50", "1.5"),
            ("100.0", "100"),
            ("1e3", "1000"),
            ("1.25e1", "12.5"),
            ("12E-4", "0.0012"),
            ("-0.50", "-0.5"),
            ("-0.0", "-0"),
            ("0e999999999999999999", "0"),
            ("18446744073709551616", "18446744073709551616"),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_number_or_too_long() {
        for text in ["", "-", ".", "1e", "0x1F", " 1", "1 ", "1_000", "e5", "--1", "Inf"] {
            assert_eq!(canonical(text), Err(NumberError::Malformed), "{text}");
        }
        for text in ["1e999999999", "1e-99999", "1e99999999999999999999"] {
            assert_eq!(canonical(text), Err(NumberError::TooLong), "{text}");
        }
    }
}
