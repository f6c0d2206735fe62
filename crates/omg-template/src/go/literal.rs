//! The literals of Go: strings, characters and numbers, from their spelling to their value.

/// A number without a type yet. What it is depends on its spelling and, as an argument, on what is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Int(i64),
    /// Beyond `i64`: only what wants an unsigned integer could take it, and nothing here does.
    TooLarge,
    Float(f64),
}

/// `"…"` with its quotation marks.
pub(super) fn quoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        rest = element(rest, '"', &mut bytes)?;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// `` `…` `` with its marks. Carriage returns are no part of the text.
pub(super) fn raw_quoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('`')?.strip_suffix('`')?;
    Some(inner.replace('\r', ""))
}

/// `'x'` with its marks.
pub(super) fn character(text: &str) -> Option<Number> {
    let inner = text.strip_prefix('\'')?;
    let mut bytes = Vec::new();
    let rest = element(inner, '\'', &mut bytes)?;
    if rest != "'" {
        return None;
    }
    let code = match std::str::from_utf8(&bytes) {
        Ok(text) => u32::from(text.chars().next()?),
        Err(_) => u32::from(*bytes.first()?),
    };
    Some(Number::Int(i64::from(code)))
}

/// Appends the first character of `text`, which may be an escape, and returns what follows it.
fn element<'a>(text: &'a str, quote: char, out: &mut Vec<u8>) -> Option<&'a str> {
    let mut chars = text.chars();
    let first = chars.next()?;
    if first == quote || first == '\n' {
        return None;
    }
    if first != '\\' {
        out.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
        return Some(chars.as_str());
    }
    let escape = chars.next()?;
    let simple = match escape {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        '\'' | '"' if escape == quote => escape as u8,
        'x' => return byte(chars.as_str(), 2, 16, out),
        '0'..='7' => return byte(&text[1..], 3, 8, out),
        'u' => return unicode(chars.as_str(), 4, out),
        'U' => return unicode(chars.as_str(), 8, out),
        _ => return None,
    };
    out.push(simple);
    Some(chars.as_str())
}

fn byte<'a>(text: &'a str, digits: usize, radix: u32, out: &mut Vec<u8>) -> Option<&'a str> {
    let value = digits_of(text, digits, radix)?;
    out.push(u8::try_from(value).ok()?);
    Some(&text[digits..])
}

fn unicode<'a>(text: &'a str, digits: usize, out: &mut Vec<u8>) -> Option<&'a str> {
    let c = char::from_u32(digits_of(text, digits, 16)?)?;
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    Some(&text[digits..])
}

fn digits_of(text: &str, digits: usize, radix: u32) -> Option<u32> {
    let text = text.get(..digits)?;
    let valid = text.chars().all(|c| c.is_digit(radix));
    valid
        .then(|| u32::from_str_radix(text, radix).ok())
        .flatten()
}

pub(super) fn number(text: &str) -> Option<Number> {
    if let Some(integer) = integer(text) {
        return Some(match i64::try_from(integer) {
            Ok(value) => Number::Int(value),
            Err(_) if u64::try_from(integer).is_ok() => Number::TooLarge,
            Err(_) => return None,
        });
    }
    if !text.contains(['.', 'e', 'E', 'p', 'P']) {
        return None;
    }
    let value = float(text)?;
    value.is_finite().then_some(Number::Float(value))
}

fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    let prefixed = digits.len() != lower.len();
    let value = i128::from_str_radix(&separated(digits, prefixed)?, radix).ok()?;
    Some(if negative { -value } else { value })
}

/// The digits without underscores, which may stand between digits and behind a prefix.
fn separated(digits: &str, prefixed: bool) -> Option<String> {
    let misplaced =
        digits.ends_with('_') || digits.contains("__") || !prefixed && digits.starts_with('_');
    if misplaced || digits.starts_with(['+', '-']) {
        return None;
    }
    Some(digits.replace('_', ""))
}

fn float(text: &str) -> Option<f64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let lower = separated(&digits.to_ascii_lowercase(), false)?;
    match lower.strip_prefix("0x") {
        Some(hex) => hex_float(hex).map(|value| sign * value),
        None if lower.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            lower.parse::<f64>().ok().map(|value| sign * value)
        }
        None => None,
    }
}

/// `1.8p3`: a mantissa in hexadecimal digits, an exponent of two in decimal ones, which must be there.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let exponent: i32 = exponent.parse().ok()?;
    let shift = exponent.checked_sub(i32::try_from(4 * fraction.len()).ok()?)?;
    Some(value * 2f64.powi(shift))
}
