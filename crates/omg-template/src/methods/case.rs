//! Methods that change the case of text.

use minijinja::{Error, State, Value};

use super::text::text;
use crate::arguments::{Callable, bind};
use crate::python;

pub(super) fn find(name: &str) -> Option<Callable> {
    Some(match name {
        "capitalize" => |state, arguments| changed(state, arguments, capitalized),
        "casefold" => |state, arguments| changed(state, arguments, folded),
        "lower" => |state, arguments| changed(state, arguments, str::to_lowercase),
        "swapcase" => |state, arguments| changed(state, arguments, swapped),
        "title" => |state, arguments| changed(state, arguments, titled),
        "upper" => |state, arguments| changed(state, arguments, str::to_uppercase),
        _ => return None,
    })
}

fn changed(
    state: &State<'_, '_>,
    arguments: &[Value],
    change: impl Fn(&str) -> String,
) -> Result<Value, Error> {
    bind("it", &arguments[1..], [], 0)?;
    python::text(state, change(text(&arguments[0])))
}

/// The first character in title case, the rest in lower case.
pub(crate) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => title_of(first) + &chars.as_str().to_lowercase(),
        None => String::new(),
    }
}

/// The character that stands at the start of a word.
fn title_of(c: char) -> String {
    // Letters that are a pair of letters have a form of their own.
    let pair = match c as u32 {
        code @ 0x1c4..=0x1cc => Some(0x1c5 + (code - 0x1c4) / 3 * 3),
        0x1f1..=0x1f3 => Some(0x1f2),
        _ => None,
    };
    if let Some(c) = pair.and_then(char::from_u32) {
        return c.to_string();
    }
    let mut upper = c.to_uppercase();
    let mut out = String::from(upper.next().unwrap_or(c));
    out.extend(upper.flat_map(char::to_lowercase));
    out
}

/// Whether a character has a case, so that the next one is within a word.
fn has_case(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase() || matches!(c as u32, 0x1c5 | 0x1c8 | 0x1cb | 0x1f2)
}

fn titled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        if in_word {
            out.extend(c.to_lowercase());
        } else {
            out.push_str(&title_of(c));
        }
        in_word = has_case(c);
    }
    out
}

fn swapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_uppercase() {
            out.extend(c.to_lowercase());
        } else if c.is_lowercase() {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
    }
    out
}

/// Case folding is the lower case of the upper case for all letters but these.
fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c as u32 {
            0x131 => out.push(c),
            0x13a0..=0x13f5 => out.push(c),
            0xab70..=0xabbf => out.extend(char::from_u32(c as u32 - 0xab70 + 0x13a0)),
            _ => out.extend(c.to_uppercase().flat_map(char::to_lowercase)),
        }
    }
    out
}
