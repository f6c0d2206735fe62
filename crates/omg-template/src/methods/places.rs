//! Methods that look for text in text. Places are counted in code points.

use minijinja::{Error, State, Value};

use super::text::text;
use crate::arguments::{Bound, Callable, bind};
use crate::operators::bounds;
use crate::python::{self, charge, refuse, type_name};

pub(super) fn find(name: &str) -> Option<Callable> {
    Some(match name {
        "count" => count,
        "endswith" => |state, arguments| affix(state, arguments, |text, part| text.ends_with(part)),
        "find" => |state, arguments| place(state, arguments, false, true),
        "index" => |state, arguments| place(state, arguments, false, false),
        "removeprefix" => {
            |state, arguments| removed(state, arguments, |text, part| text.strip_prefix(part))
        }
        "removesuffix" => {
            |state, arguments| removed(state, arguments, |text, part| text.strip_suffix(part))
        }
        "rfind" => |state, arguments| place(state, arguments, true, true),
        "rindex" => |state, arguments| place(state, arguments, true, false),
        "startswith" => {
            |state, arguments| affix(state, arguments, |text, part| text.starts_with(part))
        }
        _ => return None,
    })
}

/// The part of a text between two places, and the place it starts at. None if it would start behind the end.
fn window<'a>(text: &'a str, bound: &Bound<3>) -> Result<Option<(&'a str, usize)>, Error> {
    let given =
        |at: usize| -> Result<Option<i64>, Error> { bound.set(at).map(python::index).transpose() };
    let (start, stop) = (given(1)?, given(2)?);
    if start.is_none() && stop.is_none() {
        return Ok(Some((text, 0)));
    }
    let length = text.chars().count();
    let beyond = start.is_some_and(|start| start > 0 && start.unsigned_abs() as usize > length);
    let (start, stop) = bounds(length, start, stop, 1);
    let (start, stop) = (
        usize::try_from(start).unwrap_or(0),
        usize::try_from(stop).unwrap_or(0),
    );
    if beyond || start > stop {
        return Ok(None);
    }
    let at = |place: usize| {
        text.char_indices()
            .nth(place)
            .map_or(text.len(), |(at, _)| at)
    };
    Ok(Some((&text[at(start)..at(stop)], start)))
}

fn place(
    state: &State<'_, '_>,
    arguments: &[Value],
    from_the_right: bool,
    may_be_missing: bool,
) -> Result<Value, Error> {
    let bound = bind("it", &arguments[1..], ["/part", "/start", "/end"], 1)?;
    let text = text(&arguments[0]);
    charge(state, text.len())?;
    let part = bound.text(0)?.unwrap_or("");
    let found = window(text, &bound)?.and_then(|(window, start)| {
        let at = if from_the_right {
            window.rfind(part)
        } else {
            window.find(part)
        };
        at.map(|at| start + window[..at].chars().count())
    });
    match found {
        Some(at) => Ok(Value::from(at)),
        None if may_be_missing => Ok(Value::from(-1)),
        None => Err(refuse("the text does not hold this part")),
    }
}

fn count(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("count", &arguments[1..], ["/part", "/start", "/end"], 1)?;
    let text = text(&arguments[0]);
    charge(state, text.len())?;
    let part = bound.text(0)?.unwrap_or("");
    Ok(Value::from(window(text, &bound)?.map_or(
        0,
        |(window, _)| {
            if part.is_empty() {
                window.chars().count() + 1
            } else {
                window.matches(part).count()
            }
        },
    )))
}

/// One text or a tuple of them, of which one must fit.
fn affix(
    state: &State<'_, '_>,
    arguments: &[Value],
    fits: fn(&str, &str) -> bool,
) -> Result<Value, Error> {
    let bound = bind("it", &arguments[1..], ["/part", "/start", "/end"], 1)?;
    let given = bound.required(0);
    let parts: Vec<Value> = if given.is_tuple() {
        python::items(state, given)?
    } else {
        vec![given.clone()]
    };
    let window = window(text(&arguments[0]), &bound)?;
    let mut found = false;
    for part in &parts {
        let part = part.as_str().ok_or_else(|| {
            refuse(format!(
                "a text or a tuple of texts expected, not {}",
                type_name(part)
            ))
        })?;
        found = found || window.is_some_and(|(window, _)| fits(window, part));
    }
    Ok(Value::from(found))
}

fn removed(
    state: &State<'_, '_>,
    arguments: &[Value],
    strip: for<'a> fn(&'a str, &str) -> Option<&'a str>,
) -> Result<Value, Error> {
    let bound = bind("it", &arguments[1..], ["/part"], 1)?;
    let text = text(&arguments[0]);
    charge(state, text.len())?;
    Ok(Value::from(
        strip(text, bound.text(0)?.unwrap_or("")).unwrap_or(text),
    ))
}
