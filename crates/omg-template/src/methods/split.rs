//! Methods that take text apart.

use minijinja::{Error, State, Value};

use super::layout::is_space;
use super::text::text;
use crate::arguments::{Callable, bind};
use crate::python::{self, charge, refuse};

pub(super) fn find(name: &str) -> Option<Callable> {
    Some(match name {
        "partition" => |state, arguments| partition(state, arguments, false),
        "rpartition" => |state, arguments| partition(state, arguments, true),
        "rsplit" => |state, arguments| split(state, arguments, true),
        "split" => |state, arguments| split(state, arguments, false),
        "splitlines" => splitlines,
        _ => return None,
    })
}

fn list(state: &State<'_, '_>, parts: Vec<&str>) -> Result<Value, Error> {
    python::list(state, parts.into_iter().map(Value::from).collect())
}

fn split(state: &State<'_, '_>, arguments: &[Value], from_the_right: bool) -> Result<Value, Error> {
    let bound = bind("it", &arguments[1..], ["sep", "maxsplit"], 0)?;
    let text = text(&arguments[0]);
    // A part costs more than its bytes.
    charge(state, text.len())?;
    let most = usize::try_from(bound.integer(1, -1)?).unwrap_or(usize::MAX);
    if bound.set(0).is_none() {
        let parts = split_at_spaces(text, most, from_the_right);
        return list(state, parts);
    }
    let separator = bound.text(0)?.unwrap_or("");
    if separator.is_empty() {
        return Err(refuse("text is not split at nothing"));
    }
    charge(
        state,
        text.matches(separator).count().min(most).saturating_mul(48),
    )?;
    let parts: Vec<&str> = match (from_the_right, most.checked_add(1)) {
        (false, None) => text.split(separator).collect(),
        (false, Some(n)) => text.splitn(n, separator).collect(),
        (true, limit) => {
            let mut parts: Vec<&str> = match limit {
                None => text.rsplit(separator).collect(),
                Some(n) => text.rsplitn(n, separator).collect(),
            };
            parts.reverse();
            parts
        }
    };
    list(state, parts)
}

fn split_at_spaces(text: &str, most: usize, from_the_right: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        rest = if from_the_right {
            rest.trim_end_matches(is_space)
        } else {
            rest.trim_start_matches(is_space)
        };
        if rest.is_empty() {
            break;
        }
        let at = if from_the_right {
            rest.rfind(is_space)
        } else {
            rest.find(is_space)
        };
        let Some(at) = at.filter(|_| parts.len() < most) else {
            parts.push(rest);
            break;
        };
        if from_the_right {
            let after = at + rest[at..].chars().next().map_or(1, char::len_utf8);
            parts.push(&rest[after..]);
            rest = &rest[..at];
        } else {
            parts.push(&rest[..at]);
            rest = &rest[at..];
        }
    }
    if from_the_right {
        parts.reverse();
    }
    parts
}

fn partition(
    state: &State<'_, '_>,
    arguments: &[Value],
    from_the_right: bool,
) -> Result<Value, Error> {
    let bound = bind("it", &arguments[1..], ["/sep"], 1)?;
    let text = text(&arguments[0]);
    charge(state, text.len())?;
    let separator = bound.text(0)?.unwrap_or("");
    if separator.is_empty() {
        return Err(refuse("text is not parted at nothing"));
    }
    let found = if from_the_right {
        text.rsplit_once(separator)
    } else {
        text.split_once(separator)
    };
    let parts = match found {
        Some((before, after)) => [before, separator, after],
        None if from_the_right => ["", "", text],
        None => [text, "", ""],
    };
    Ok(python::tuple(parts.into_iter().map(Value::from).collect()))
}

fn splitlines(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("splitlines", &arguments[1..], ["keepends"], 0)?;
    let text = text(&arguments[0]);
    charge(state, text.len())?;
    let lines = lines(text, bound.truth(0, false));
    list(state, lines)
}

/// The lines of a text by all breaks that Python knows.
pub(crate) fn lines(text: &str, keep_ends: bool) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let is_break = |c: char| {
            matches!(
                c,
                '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'
                    ..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
            )
        };
        let (end, next) = match rest.find(is_break) {
            None => (rest.len(), rest.len()),
            Some(end) if rest[end..].starts_with("\r\n") => (end, end + 2),
            Some(end) => (
                end,
                end + rest[end..].chars().next().map_or(1, char::len_utf8),
            ),
        };
        lines.push(&rest[..if keep_ends { next } else { end }]);
        rest = &rest[next..];
    }
    lines
}
