//! Literals: Python's escapes and numbers.

use super::tokens::Token;

/// The text literal that `source` starts with, and its length.
pub(super) fn text(source: &str) -> Result<(Token, usize), String> {
    let quote = source.as_bytes()[0] as char;
    let mut escaped = false;
    for (at, c) in source.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Ok((Token::Text(unescape(&source[1..at])?), at + 1)),
            _ => {}
        }
    }
    Err("a text has no end".to_owned())
}

fn unescape(text: &str) -> Result<String, String> {
    if !text.contains('\\') {
        return Ok(text.to_owned());
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    // Two escapes may be the halves of one character.
    let mut high: Option<u32> = None;
    while let Some(c) = chars.next() {
        let mut code = None;
        if c != '\\' {
            code = Some(c as u32);
        } else {
            match chars.next() {
                Some('\n') => continue,
                Some('n') => code = Some(10),
                Some('t') => code = Some(9),
                Some('r') => code = Some(13),
                Some('a') => code = Some(7),
                Some('b') => code = Some(8),
                Some('f') => code = Some(12),
                Some('v') => code = Some(11),
                Some(c @ ('\\' | '\'' | '"')) => code = Some(c as u32),
                Some('x') => code = Some(hexadecimal(&mut chars, 2)?),
                Some('u') => code = Some(hexadecimal(&mut chars, 4)?),
                Some('U') => code = Some(hexadecimal(&mut chars, 8)?),
                Some('N') => return Err("characters by name are not supported".to_owned()),
                Some(c @ '0'..='7') => {
                    let mut value = c as u32 - '0' as u32;
                    for _ in 0..2 {
                        if let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) {
                            value = value * 8 + digit;
                            chars.next();
                        }
                    }
                    code = Some(value);
                }
                // Jinja2 has escaped all beyond ASCII by now, so the backslash becomes one of two.
                Some(c) if !c.is_ascii() => out.push_str(&escaped(c)),
                Some(c) => {
                    out.push('\\');
                    out.push(c);
                }
                None => out.push('\\'),
            }
        }
        let Some(mut code) = code else { continue };
        if let Some(high) = high.take() {
            if !(0xdc00..0xe000).contains(&code) {
                return Err("a text has half a character".to_owned());
            }
            code = 0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00);
        } else if (0xd800..0xdc00).contains(&code) {
            high = Some(code);
            continue;
        }
        out.push(char::from_u32(code).ok_or("a text has half a character")?);
    }
    if high.is_some() {
        return Err("a text has half a character".to_owned());
    }
    Ok(out)
}

fn escaped(c: char) -> String {
    match c as u32 {
        code @ 0..=0xff => format!("\\x{code:02x}"),
        code @ 0x100..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

fn hexadecimal(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    digits: usize,
) -> Result<u32, String> {
    let mut value = 0u32;
    for _ in 0..digits {
        let digit = chars.next().and_then(|c| c.to_digit(16));
        value = value.wrapping_mul(16) + digit.ok_or("an escape lacks digits")?;
    }
    Ok(value)
}

/// A text as a literal that minijinja reads.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// The number that `source` starts with. After a point it is a subscript, which has no fraction.
pub(super) fn number(source: &str, after_point: bool) -> Result<(Token, usize), String> {
    for (prefix, radix) in [("0b", 2), ("0o", 8), ("0x", 16)] {
        let lower = source.get(..2).map(str::to_ascii_lowercase);
        if lower.as_deref() == Some(prefix) {
            let length = run(&source[2..], radix, true);
            let digits = source[2..2 + length].replace('_', "");
            let value = i128::from_str_radix(&digits, radix)
                .map_err(|_| "a number lacks digits or is too large".to_owned())?;
            return Ok((Token::Integer(value.to_string()), 2 + length));
        }
    }
    let whole = run(source, 10, false);
    let mut end = whole;
    let mut is_float = false;
    if !after_point {
        if let Some(rest) = source[end..].strip_prefix('.') {
            let fraction = run(rest, 10, false);
            if fraction > 0 {
                end += 1 + fraction;
                is_float = true;
            }
        }
        if let Some(rest) = source[end..].strip_prefix(['e', 'E']) {
            let sign = usize::from(rest.starts_with(['+', '-']));
            let digits = run(&rest[sign..], 10, false);
            if digits > 0 {
                end += 1 + sign + digits;
                is_float = true;
            }
        }
    }
    let digits = source[..end].replace('_', "");
    if is_float {
        let value: f64 = digits
            .parse()
            .map_err(|_| format!("'{digits}' is no number"))?;
        let text = if value.is_finite() {
            format!("{value:?}")
        } else {
            "1e999".to_owned()
        };
        return Ok((Token::Float(text), end));
    }
    if digits.starts_with('0') && digits.bytes().any(|digit| digit != b'0') {
        return Err(format!("the number '{digits}' starts with a zero"));
    }
    let trimmed = digits.trim_start_matches('0');
    let digits = if trimmed.is_empty() { "0" } else { trimmed };
    Ok((Token::Integer(digits.to_owned()), end))
}

/// The length of digits with single underscores between them.
fn run(text: &str, radix: u32, may_start_with_underscore: bool) -> usize {
    let mut end = 0;
    let mut may_separate = may_start_with_underscore;
    for (at, c) in text.char_indices() {
        if c.is_digit(radix) {
            end = at + 1;
            may_separate = true;
        } else if c == '_' && may_separate {
            may_separate = false;
        } else {
            break;
        }
    }
    end
}
