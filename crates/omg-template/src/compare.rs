//! Equality, order and keys. Each value that is looked at is paid for: values that share their parts may be endless to compare.

use std::cmp::Ordering;

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

use crate::arithmetic;
use crate::objects::Range;
use crate::python::{self, charge, is_dict, is_list, is_tuple, refuse, type_name};
use crate::python_text::DEEPEST;
use crate::variables::LongInteger;

fn too_deep() -> Error {
    refuse("a value is nested too deeply to be compared")
}

/// `a == b`.
pub(crate) fn same(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<bool, Error> {
    same_below(state, a, b, 0)
}

fn same_below(state: &State<'_, '_>, a: &Value, b: &Value, depth: usize) -> Result<bool, Error> {
    if depth > DEEPEST {
        return Err(too_deep());
    }
    let are = |is: fn(&Value) -> bool| is(a) && is(b);
    if are(is_list) || are(is_tuple) {
        if a.len() != b.len() {
            return Ok(false);
        }
        for (x, y) in a.try_iter()?.zip(b.try_iter()?) {
            state.consume_fuel(2)?;
            if !same_below(state, &x, &y, depth + 1)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    if are(is_dict) {
        if a.len() != b.len() {
            return Ok(false);
        }
        for key in a.try_iter()? {
            charge(state, 64)?;
            hashable(state, &key)?;
            let find = |dict: &Value| dict.as_object().and_then(|dict| dict.get_value(&key));
            let (Some(x), Some(y)) = (find(a), find(b)) else {
                return Ok(false);
            };
            if !same_below(state, &x, &y, depth + 1)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    let range = |value: &Value| value.downcast_object_ref::<Range>().copied();
    if let (Some(a), Some(b)) = (range(a), range(b)) {
        return Ok(a.equals(b));
    }
    // Whatever else has parts is equal to itself alone, which minijinja does not tell.
    if has_parts(a) || has_parts(b) {
        return Ok(false);
    }
    charge(state, a.as_str().map_or(0, str::len))?;
    Ok(a == b)
}

fn has_parts(value: &Value) -> bool {
    matches!(
        value.kind(),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable
    )
}

/// `a < b` and its kin; what Python does not order is refused.
pub(crate) fn order(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Ordering, Error> {
    order_below(state, a, b, 0)
}

fn order_below(
    state: &State<'_, '_>,
    a: &Value,
    b: &Value,
    depth: usize,
) -> Result<Ordering, Error> {
    if depth > DEEPEST {
        return Err(too_deep());
    }
    let is_long = |value: &Value| value.downcast_object_ref::<LongInteger>().is_some();
    if (is_long(a) || is_long(b))
        && let (Some(a), Some(b)) = (arithmetic::big(a), arithmetic::big(b))
    {
        return Ok(a.cmp(&b));
    }
    match (kind_of_order(a), kind_of_order(b)) {
        (Some(x), Some(y)) if x == y && is_tuple(a) == is_tuple(b) => match x {
            ValueKind::Seq => {
                for (x, y) in a.try_iter()?.zip(b.try_iter()?) {
                    state.consume_fuel(2)?;
                    if !same_below(state, &x, &y, depth + 1)? {
                        return order_below(state, &x, &y, depth + 1);
                    }
                }
                Ok(a.len().cmp(&b.len()))
            }
            _ => {
                charge(state, a.as_str().map_or(0, str::len))?;
                Ok(a.cmp(b))
            }
        },
        _ => Err(refuse(format!(
            "{} and {} have no order",
            type_name(a),
            type_name(b)
        ))),
    }
}

fn kind_of_order(value: &Value) -> Option<ValueKind> {
    match value.kind() {
        ValueKind::Bool | ValueKind::Number => Some(ValueKind::Number),
        ValueKind::String => Some(ValueKind::String),
        ValueKind::Seq if value.downcast_object_ref::<Range>().is_none() => Some(ValueKind::Seq),
        _ => None,
    }
}

/// Sorts by keys that are made already; stable, also when reversed. The first pair without an order fails it.
pub(crate) fn sort_by_keys(
    state: &State<'_, '_>,
    items: &mut [(Value, Value)],
    reverse: bool,
) -> Result<(), Error> {
    let mut failure = None;
    if reverse {
        items.reverse();
    }
    items.sort_by(|a, b| {
        if failure.is_some() {
            return Ordering::Equal;
        }
        order(state, &a.0, &b.0).unwrap_or_else(|error| {
            failure = Some(error);
            Ordering::Equal
        })
    });
    if reverse {
        items.reverse();
    }
    failure.map_or(Ok(()), Err)
}

/// Refuses what is no key: lists and dicts, and tuples that hold them.
pub(crate) fn hashable(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    fn below(state: &State<'_, '_>, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > DEEPEST {
            return Err(too_deep());
        }
        charge(state, value.as_str().map_or(0, str::len))?;
        if is_list(value) || is_dict(value) {
            return Err(refuse(format!("{} is no key", type_name(value))));
        }
        if is_tuple(value) {
            for item in python::items(state, value)? {
                below(state, &item, depth + 1)?;
            }
        }
        Ok(())
    }
    below(state, value, 0)
}
