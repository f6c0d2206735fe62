//! Methods of lists and tuples.

use minijinja::{Error, State, Value};

use crate::arguments::{Callable, bind};
use crate::operators::{bounds, same};
use crate::python::{self, refuse};

pub(super) fn find(name: &str) -> Option<Callable> {
    Some(match name {
        "count" => count,
        "index" => index,
        "copy" => copy,
        _ => return None,
    })
}

fn count(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("count", &arguments[1..], ["/value"], 1)?;
    let items = python::items(state, &arguments[0])?;
    let count = items
        .iter()
        .filter(|item| same(item, bound.required(0)))
        .count();
    Ok(Value::from(count))
}

fn index(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("index", &arguments[1..], ["/value", "/start", "/stop"], 1)?;
    let items = python::items(state, &arguments[0])?;
    let start = bound.integer(1, 0)?;
    let stop = bound.integer(2, i64::MAX)?;
    let (start, stop) = bounds(items.len(), Some(start), Some(stop), 1);
    (start..stop)
        .find(|at| usize::try_from(*at).is_ok_and(|at| same(&items[at], bound.required(0))))
        .map(Value::from)
        .ok_or_else(|| refuse("the list does not hold this value"))
}

/// Nothing can change a list, so a copy is the list.
fn copy(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("copy", &arguments[1..], [], 0)?;
    Ok(arguments[0].clone())
}
