//! Tags to tokens.

use super::literal;
use super::tokens::{Tag, Token};

/// More than any tag has; it bounds how deep an expression can be.
const MOST_TOKENS: usize = 16_384;

/// Longer ones come first.
const OPERATORS: [&str; 27] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";", "!",
];

/// The length of a `{% raw %}` that `text` starts with.
pub(super) fn raw(text: &str) -> Option<usize> {
    named(text, "raw", &["-%}", "%}"])
}

/// Where the `{% endraw %}` of a raw text is, and its length.
pub(super) fn end_of_raw(text: &str) -> Option<(usize, usize)> {
    text.match_indices("{%").find_map(|(at, _)| {
        named(&text[at..], "endraw", &["+%}", "-%}", "%}"]).map(|length| (at, length))
    })
}

fn named(text: &str, name: &str, ends: &[&str]) -> Option<usize> {
    let rest = text.strip_prefix("{%")?;
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest).trim_start();
    let rest = rest.strip_prefix(name)?.trim_start();
    let rest = ends.iter().find_map(|end| rest.strip_prefix(end))?;
    Some(text.len() - rest.len())
}

/// The tag that `text` starts with.
pub(super) fn tag(text: &str, is_block: bool) -> Result<Tag, String> {
    let mut at = 2;
    let open = control(&text[at..]);
    at += open.len();
    let mut tokens = Vec::new();
    let mut brackets: Vec<char> = Vec::new();
    loop {
        let rest = &text[at..];
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        if brackets.is_empty()
            && let Some((close, length)) = end_of_tag(trimmed, is_block)
        {
            return Ok(Tag {
                is_block,
                open,
                close,
                tokens,
                length: at + length,
            });
        }
        let Some(first) = trimmed.chars().next() else {
            return Err("a tag has no end".to_owned());
        };
        if tokens.len() >= MOST_TOKENS {
            return Err(format!("a tag has more than {MOST_TOKENS} parts"));
        }
        let (token, length) = match first {
            '\'' | '"' => literal::text(trimmed)?,
            '0'..='9' => literal::number(trimmed, tokens.last() == Some(&Token::Operator(".")))?,
            c if c == '_' || c.is_alphabetic() => {
                let end = trimmed
                    .find(|c: char| c != '_' && !c.is_alphanumeric())
                    .unwrap_or(trimmed.len());
                (Token::Name(trimmed[..end].to_owned()), end)
            }
            _ => {
                let operator = OPERATORS
                    .into_iter()
                    .find(|operator| trimmed.starts_with(operator))
                    .ok_or_else(|| format!("unexpected character '{}'", first.escape_debug()))?;
                (Token::Operator(operator), operator.len())
            }
        };
        match first {
            '(' | '[' | '{' => brackets.push(first),
            ')' | ']' | '}' => {
                let opened = match first {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                if brackets.pop() != Some(opened) {
                    return Err(format!("unexpected '{first}'"));
                }
            }
            _ => {}
        }
        tokens.push(token);
        at += length;
    }
}

fn control(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'-') => "-",
        Some(b'+') => "+",
        _ => "",
    }
}

/// Only blocks end with `+`; after an expression it would be a sum.
fn end_of_tag(text: &str, is_block: bool) -> Option<(&'static str, usize)> {
    let delimiter = if is_block { "%}" } else { "}}" };
    if text.starts_with(delimiter) {
        return Some(("", 2));
    }
    let control = match text.as_bytes().first() {
        Some(b'-') => "-",
        Some(b'+') if is_block => "+",
        _ => return None,
    };
    text[1..].starts_with(delimiter).then_some((control, 3))
}
