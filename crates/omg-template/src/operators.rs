//! Operators of which minijinja asks less than Python does, as the filters that `source` writes for them.

use std::cmp::Ordering;

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, State, Value};

use crate::arguments::raw;
use crate::arithmetic;
use crate::compare::{hashable, order, same};
use crate::format;
use crate::lookup;
use crate::objects::{Generator, Macro, Missing, Range};
use crate::python::{self, charge, is_dict, refuse, type_name};
use crate::python_text::text_of;
use crate::source::names;

pub(crate) fn add(environment: &mut Environment<'static>) {
    environment.add_filter(names::ATTRIBUTE, raw(attribute));
    environment.add_filter(
        names::ITEM,
        raw(|state, arguments| lookup::item(state, &arguments[0], &arguments[1])),
    );
    environment.add_filter(
        names::EQUAL,
        raw(|state, a| same(state, &a[0], &a[1]).map(Value::from)),
    );
    environment.add_filter(
        names::KEY,
        raw(|state, a| hashable(state, &a[0]).map(|()| a[0].clone())),
    );
    environment.add_filter(names::SLICE, raw(slice));
    environment.add_filter(names::ADD, raw(arithmetic::add));
    environment.add_filter(names::SUBTRACT, raw(arithmetic::subtract));
    environment.add_filter(names::MULTIPLY, raw(arithmetic::multiply));
    environment.add_filter(names::DIVIDE, raw(arithmetic::divide));
    environment.add_filter(names::FLOOR_DIVIDE, raw(arithmetic::floor_divide));
    environment.add_filter(names::POWER, raw(arithmetic::power));
    environment.add_filter(names::POSITIVE, raw(arithmetic::positive));
    environment.add_filter(names::NEGATIVE, raw(arithmetic::negative));
    environment.add_filter(names::MACRO, raw(new_macro));
    environment.add_filter(names::UNPACK, raw(unpacked));
    environment.add_filter(names::EACH_UNPACKED, raw(each_unpacked));
    environment.add_test(names::MISSING, |value: &Value| {
        value.downcast_object_ref::<Missing>().is_some()
    });
    environment.add_filter(names::MODULO, raw(modulo));
    environment.add_filter(names::TEXT, raw(text));
    environment.add_filter(names::EACH, raw(each));
    environment.add_filter(
        names::CONTAINS,
        raw(|state, arguments| contains(state, &arguments[0], &arguments[1]).map(Value::from)),
    );
    environment.add_filter(
        names::LESS,
        raw(|state, a| ordered(state, a, Ordering::is_lt)),
    );
    environment.add_filter(
        names::LESS_OR_EQUAL,
        raw(|state, a| ordered(state, a, Ordering::is_le)),
    );
    environment.add_filter(
        names::GREATER,
        raw(|state, a| ordered(state, a, Ordering::is_gt)),
    );
    environment.add_filter(
        names::GREATER_OR_EQUAL,
        raw(|state, a| ordered(state, a, Ordering::is_ge)),
    );
}

fn attribute(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    if arguments[0].is_undefined() {
        return Err(refuse("undefined has no attributes"));
    }
    Ok(lookup::attribute(
        &arguments[0],
        arguments[1].as_str().unwrap_or_default(),
    ))
}

fn ordered(
    state: &State<'_, '_>,
    arguments: &[Value],
    holds: fn(Ordering) -> bool,
) -> Result<Value, Error> {
    let is_nan = |value: &Value| python::number(value).is_some_and(f64::is_nan);
    if arguments.iter().any(is_nan) {
        return Ok(Value::from(false));
    }
    order(state, &arguments[0], &arguments[1]).map(|ordering| Value::from(holds(ordering)))
}

fn text(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    Ok(match arguments[0].kind() {
        ValueKind::String => arguments[0].clone(),
        _ => Value::from(text_of(state, &arguments[0])?),
    })
}

/// What a loop goes over: text as its characters, a dict as its keys.
fn each(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let value = &arguments[0];
    match value.kind() {
        ValueKind::Seq => Ok(value.clone()),
        _ => python::items(state, value).map(Value::from_object),
    }
}

/// What a loop with several names goes over.
fn each_unpacked(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let items = each(state, arguments)?;
    let is_plain = |item: Value| item.kind() == ValueKind::Seq;
    if items.try_iter()?.all(is_plain) {
        return Ok(items);
    }
    let mut out = Vec::new();
    for item in python::items(state, &items)? {
        out.push(unpacked(state, &[item])?);
    }
    python::list(state, out)
}

/// `item in container`.
pub(crate) fn contains(
    state: &State<'_, '_>,
    container: &Value,
    item: &Value,
) -> Result<bool, Error> {
    if let Some(text) = container.as_str() {
        let part = item
            .as_str()
            .ok_or_else(|| refuse(format!("{} is not in text", type_name(item))))?;
        charge(state, text.len())?;
        return Ok(text.contains(part));
    }
    if is_dict(container) {
        hashable(state, item)?;
        return Ok(container
            .as_object()
            .is_some_and(|dict| dict.get_value(item).is_some()));
    }
    if let Some(generator) = container.downcast_object_ref::<Generator>() {
        while let Some(found) = generator.next() {
            state.consume_fuel(1)?;
            if same(state, &found, item)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let items = python::items(state, container)?;
    for found in &items {
        if same(state, found, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn modulo(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let [a, b] = arguments else {
        return Err(refuse("'%' takes two values"));
    };
    if let Some(format) = a.as_str() {
        return format::percent(state, format, b);
    }
    arithmetic::modulo(state, a, b)
}

/// Makes a macro of one that minijinja made: name, parameters, and whether it takes more values, names and a caller.
fn new_macro(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let [
        inner,
        name,
        parameters,
        takes_more,
        takes_names,
        takes_caller,
    ] = arguments
    else {
        return Err(refuse("a macro takes five parts"));
    };
    let parameters = parameters
        .try_iter()?
        .map(|name| name.to_string())
        .collect();
    Ok(Value::from_object(Macro {
        inner: inner.clone(),
        name: name.to_string(),
        parameters,
        takes_more: takes_more.is_true(),
        takes_names: takes_names.is_true(),
        takes_caller: takes_caller.is_true(),
    }))
}

/// A value whose items are taken apart into names: text is its characters.
fn unpacked(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    match arguments[0].kind() {
        ValueKind::Seq => Ok(arguments[0].clone()),
        _ => python::items(state, &arguments[0]).map(Value::from_object),
    }
}

/// `value[start:stop:step]`.
fn slice(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let [value, start, stop, step] = arguments else {
        return Err(refuse("a slice takes three parts"));
    };
    let part = |part: &Value| {
        if part.is_none() {
            Ok(None)
        } else {
            python::index(part).map(Some)
        }
    };
    let (start, stop, step) = (part(start)?, part(stop)?, part(step)?.unwrap_or(1));
    if step == 0 {
        return Err(refuse("a slice has a step of zero"));
    }
    let at = |length: usize| indices(length, start, stop, step);
    match value.kind() {
        ValueKind::Undefined => Err(refuse("undefined has no slices")),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            charge(state, text.len())?;
            let chars: Vec<char> = text.chars().collect();
            let cut: String = at(chars.len()).map(|at| chars[at]).collect();
            Ok(Value::from(cut))
        }
        ValueKind::Bytes => {
            let bytes = value.as_bytes().unwrap_or_default();
            let cut: Vec<u8> = at(bytes.len()).map(|at| bytes[at]).collect();
            Ok(Value::from_bytes(cut))
        }
        ValueKind::Seq => {
            if let Some(range) = value.downcast_object_ref::<Range>() {
                return Ok(Value::from_object(range.slice(start, stop, step)));
            }
            let all = python::items(state, value)?;
            let cut: Vec<Value> = at(all.len()).map(|at| all[at].clone()).collect();
            if value.is_tuple() {
                Ok(python::tuple(cut))
            } else {
                Ok(Value::from_object(cut))
            }
        }
        _ => Ok(Value::UNDEFINED),
    }
}

/// The bounds of a slice of `length` items: where it starts and stops, within the items or one before them.
pub(crate) fn bounds(
    length: usize,
    start: Option<i64>,
    stop: Option<i64>,
    step: i64,
) -> (i64, i64) {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let (lowest, highest) = if step > 0 {
        (0, length)
    } else {
        (-1, length - 1)
    };
    let clamp = |at: Option<i64>, default: i64| match at {
        None => default,
        Some(at) if at < 0 => at.saturating_add(length).max(lowest),
        Some(at) => at.min(highest),
    };
    if step > 0 {
        (clamp(start, lowest), clamp(stop, highest))
    } else {
        (clamp(start, highest), clamp(stop, lowest))
    }
}

fn indices(
    length: usize,
    start: Option<i64>,
    stop: Option<i64>,
    step: i64,
) -> impl Iterator<Item = usize> {
    let (start, stop) = bounds(length, start, stop, step);
    let range = Range { start, stop, step };
    (0..range.len()).map(move |at| usize::try_from(start + at as i64 * step).unwrap_or(0))
}
