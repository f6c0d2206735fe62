//! Filters for text.

use std::borrow::Cow;

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

use super::markup::as_safe_as;
use crate::arguments::{bind, split};
use crate::format::percent;
use crate::methods::{capitalized, centered, lines, replaced, strip};
use crate::objects::dict_of;
use crate::python::{self, charge, refuse, type_name};
use crate::python_text::{repr_of, text_of};
use crate::wrap::wrapped;

/// `value` as text; what is text already is not copied.
pub(crate) fn soft<'a>(state: &State<'_, '_>, value: &'a Value) -> Result<Cow<'a, str>, Error> {
    match value.as_str() {
        Some(text) => {
            charge(state, text.len())?;
            Ok(Cow::Borrowed(text))
        }
        None => text_of(state, value).map(Cow::Owned),
    }
}

pub(super) fn string(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("string", &arguments[1..], [], 0)?;
    match arguments[0].kind() {
        ValueKind::String => Ok(arguments[0].clone()),
        _ => text_of(state, &arguments[0]).map(Value::from),
    }
}

fn changed(
    state: &State<'_, '_>,
    arguments: &[Value],
    change: impl Fn(&str) -> String,
) -> Result<Value, Error> {
    bind("it", &arguments[1..], [], 0)?;
    let text = python::text(state, change(&soft(state, &arguments[0])?))?;
    Ok(as_safe_as(&arguments[0], text))
}

pub(super) fn capitalize(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    changed(state, arguments, capitalized)
}

pub(super) fn lower(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    changed(state, arguments, str::to_lowercase)
}

pub(super) fn upper(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    changed(state, arguments, str::to_uppercase)
}

/// Words start after white space, a hyphen or an opening bracket.
pub(super) fn title(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    changed(state, arguments, |text| {
        let mut out = String::with_capacity(text.len());
        let mut in_word = false;
        for c in text.chars() {
            if c.is_whitespace() || "-({[<".contains(c) {
                in_word = false;
                out.push(c);
            } else if in_word {
                out.extend(c.to_lowercase());
            } else {
                in_word = true;
                out.extend(c.to_uppercase());
            }
        }
        out
    })
}

pub(super) fn trim(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("trim", &arguments[1..], ["chars"], 0)?;
    let set = if bound.set(0).is_some() {
        bound.text(0)?
    } else {
        None
    };
    let text = soft(state, &arguments[0])?;
    Ok(as_safe_as(
        &arguments[0],
        Value::from(strip(&text, set, true, true)),
    ))
}

pub(super) fn center(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("center", &arguments[1..], ["width"], 0)?;
    let text = soft(state, &arguments[0])?;
    centered(state, &text, bound.integer(0, 80)?)
}

pub(super) fn replace(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("replace", &arguments[1..], ["old", "new", "count"], 2)?;
    let count = match bound.set(2) {
        Some(count) => usize::try_from(python::index(count)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let text = soft(state, &arguments[0])?;
    let (old, new) = (
        soft(state, bound.required(0))?,
        soft(state, bound.required(1))?,
    );
    replaced(state, &text, &old, &new, count).map(Value::from)
}

pub(super) fn indent(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("indent", &arguments[1..], ["width", "first", "blank"], 0)?;
    let value = &arguments[0];
    let text = value
        .as_str()
        .ok_or_else(|| refuse(format!("indent takes text, not {}", type_name(value))))?;
    let width = match bound.get(0) {
        Some(width) => match width.as_str() {
            Some(text) => text.to_owned(),
            None => {
                let width = usize::try_from(python::index(width)?).unwrap_or(0);
                charge(state, width)?;
                " ".repeat(width)
            }
        },
        None => "    ".to_owned(),
    };
    let (first, blank) = (bound.truth(1, false), bound.truth(2, false));
    // A break at the end stays, as there is an empty line behind it.
    let text = format!("{text}\n");
    let lines = lines(&text, false);
    charge(
        state,
        text.len()
            .saturating_add(lines.len().saturating_mul(width.len())),
    )?;
    let mut out = String::new();
    for (at, line) in lines.into_iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        if (at == 0 && first) || (at > 0 && (blank || !line.is_empty())) {
            out.push_str(&width);
        }
        out.push_str(line);
    }
    Ok(Value::from(out))
}

pub(super) fn truncate(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let names = ["length", "killwords", "end", "leeway"];
    let bound = bind("truncate", &arguments[1..], names, 0)?;
    let text = soft(state, &arguments[0])?;
    let end = bound.text(2)?.unwrap_or("...");
    let length = bound.integer(0, 255)?;
    let leeway = if bound.set(3).is_some() {
        bound.integer(3, 5)?
    } else {
        5
    };
    let kept = length - i64::try_from(end.chars().count()).unwrap_or(i64::MAX);
    let (Ok(kept), true) = (usize::try_from(kept), leeway >= 0) else {
        return Err(refuse("truncate leaves no room for its end"));
    };
    let most = length.saturating_add(leeway);
    if i64::try_from(text.chars().count()).unwrap_or(i64::MAX) <= most {
        return Ok(Value::from(&*text));
    }
    let at = text
        .char_indices()
        .nth(kept)
        .map_or(text.len(), |(at, _)| at);
    let cut = &text[..at];
    let cut = if bound.truth(1, false) {
        cut
    } else {
        cut.rsplit_once(' ').map_or(cut, |(before, _)| before)
    };
    python::text(state, format!("{cut}{end}"))
}

pub(super) fn wordcount(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("wordcount", &arguments[1..], [], 0)?;
    let text = soft(state, &arguments[0])?;
    let words = text.split(|c: char| c != '_' && !c.is_alphanumeric());
    Ok(Value::from(words.filter(|word| !word.is_empty()).count()))
}

pub(super) fn wordwrap(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let names = [
        "width",
        "break_long_words",
        "wrapstring",
        "break_on_hyphens",
    ];
    let bound = bind("wordwrap", &arguments[1..], names, 0)?;
    let value = &arguments[0];
    let text = value
        .as_str()
        .ok_or_else(|| refuse(format!("wordwrap takes text, not {}", type_name(value))))?;
    let width = usize::try_from(bound.integer(0, 79)?).unwrap_or(0);
    if width == 0 {
        return Err(refuse("wordwrap needs a width"));
    }
    let end = if bound.set(2).is_some() {
        bound.text(2)?
    } else {
        None
    }
    .unwrap_or("\n");
    charge(state, text.len().saturating_mul(128))?;
    let mut out = Vec::new();
    for line in lines(text, false) {
        let wrapped = wrapped(line, width, bound.truth(1, true), bound.truth(3, true));
        charge(state, wrapped.len().saturating_mul(end.len()))?;
        out.push(wrapped.join(end));
    }
    python::text(state, out.join(end))
}

pub(super) fn format(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let (positional, named) = split(&arguments[1..]);
    let text = soft(state, &arguments[0])?;
    if named.is_empty() {
        return percent(state, &text, &python::tuple(positional.to_vec()));
    }
    if !positional.is_empty() {
        return Err(refuse("format takes values in a row or by name, not both"));
    }
    percent(state, &text, &dict_of(named))
}

/// Dicts by their keys; other than Python's it breaks no long lines.
pub(super) fn pprint(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("pprint", &arguments[1..], [], 0)?;
    let sorted = sorted(state, &arguments[0], 0)?;
    repr_of(state, &sorted).map(Value::from)
}

fn sorted(state: &State<'_, '_>, value: &Value, depth: usize) -> Result<Value, Error> {
    if depth > crate::python_text::DEEPEST {
        return Err(refuse("a value is nested too deeply to be written"));
    }
    state.consume_fuel(1)?;
    let inner = |item: &Value| sorted(state, item, depth + 1);
    if python::is_dict(value) {
        let mut keys = python::items(state, value)?;
        keys.sort();
        let pairs = keys
            .into_iter()
            .map(|key| {
                let item = inner(&value.get_item(&key)?)?;
                Ok((key, item))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        return Ok(dict_of(pairs));
    }
    if value.kind() == ValueKind::Seq && (value.is_tuple() || python::is_list(value)) {
        let items = python::items(state, value)?;
        let items = items.iter().map(inner).collect::<Result<Vec<_>, Error>>()?;
        return Ok(if value.is_tuple() {
            python::tuple(items)
        } else {
            Value::from_object(items)
        });
    }
    Ok(value.clone())
}
