//! Methods that strip and fill text.

use minijinja::{Error, State, Value};

use super::text::text;
use crate::arguments::{Callable, bind};
use crate::python::{self, charge, refuse};

pub(super) fn find(name: &str) -> Option<Callable> {
    Some(match name {
        "center" => |state, arguments| {
            filled(state, arguments, |missing, width| {
                missing / 2 + (missing & width & 1)
            })
        },
        "expandtabs" => expandtabs,
        "ljust" => |state, arguments| filled(state, arguments, |_, _| 0),
        "lstrip" => |state, arguments| stripped(state, arguments, true, false),
        "rjust" => |state, arguments| filled(state, arguments, |missing, _| missing),
        "rstrip" => |state, arguments| stripped(state, arguments, false, true),
        "strip" => |state, arguments| stripped(state, arguments, true, true),
        "zfill" => zfill,
        _ => return None,
    })
}

/// What Python's `isspace` holds of.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `text` without the characters of `set`, or white space, at its ends.
pub(crate) fn strip<'a>(text: &'a str, set: Option<&str>, left: bool, right: bool) -> &'a str {
    let is_in = |c: char| set.map_or_else(|| is_space(c), |set| set.contains(c));
    let text = if left {
        text.trim_start_matches(is_in)
    } else {
        text
    };
    if right {
        text.trim_end_matches(is_in)
    } else {
        text
    }
}

fn stripped(
    state: &State<'_, '_>,
    arguments: &[Value],
    left: bool,
    right: bool,
) -> Result<Value, Error> {
    let bound = bind("it", &arguments[1..], ["/chars"], 0)?;
    let text = text(&arguments[0]);
    let set = if bound.set(0).is_some() {
        bound.text(0)?
    } else {
        None
    };
    charge(state, text.len())?;
    Ok(Value::from(strip(text, set, left, right)))
}

/// `text` with spaces at both ends. Python puts the odd one on the left where the width is odd.
pub(crate) fn centered(state: &State<'_, '_>, text: &str, width: i64) -> Result<Value, Error> {
    fill(state, text, width, ' ', |missing, width| {
        missing / 2 + (missing & width & 1)
    })
}

fn filled(
    state: &State<'_, '_>,
    arguments: &[Value],
    left: fn(usize, usize) -> usize,
) -> Result<Value, Error> {
    let bound = bind("it", &arguments[1..], ["/width", "/fill"], 1)?;
    let mut chars = bound.text(1)?.unwrap_or(" ").chars();
    let (Some(c), None) = (chars.next(), chars.next()) else {
        return Err(refuse("text is filled with one character"));
    };
    fill(state, text(&arguments[0]), bound.integer(0, 0)?, c, left)
}

fn fill(
    state: &State<'_, '_>,
    text: &str,
    width: i64,
    c: char,
    left: fn(usize, usize) -> usize,
) -> Result<Value, Error> {
    let width = usize::try_from(width).unwrap_or(0);
    let missing = width.saturating_sub(text.chars().count());
    charge(
        state,
        text.len()
            .saturating_add(missing.saturating_mul(c.len_utf8())),
    )?;
    let left = left(missing, width);
    let fill = |n: usize| c.to_string().repeat(n);
    Ok(Value::from(format!(
        "{}{text}{}",
        fill(left),
        fill(missing - left)
    )))
}

fn zfill(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("zfill", &arguments[1..], ["/width"], 1)?;
    let text = text(&arguments[0]);
    let width = usize::try_from(bound.integer(0, 0)?).unwrap_or(0);
    let missing = width.saturating_sub(text.chars().count());
    charge(state, text.len().saturating_add(missing))?;
    let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
    Ok(Value::from(format!(
        "{sign}{}{digits}",
        "0".repeat(missing)
    )))
}

fn expandtabs(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("expandtabs", &arguments[1..], ["tabsize"], 0)?;
    let size = usize::try_from(bound.integer(0, 8)?).unwrap_or(0);
    let mut out = String::new();
    let mut column = 0;
    for c in text(&arguments[0]).chars() {
        match c {
            '\t' if size > 0 => {
                let spaces = size - column % size;
                charge(state, spaces)?;
                out.push_str(&" ".repeat(spaces));
                column += spaces;
            }
            '\t' => {}
            c => {
                out.push(c);
                column = if matches!(c, '\n' | '\r') {
                    0
                } else {
                    column + 1
                };
            }
        }
    }
    python::text(state, out)
}
