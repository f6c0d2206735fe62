//! Methods of lists and tuples.

use minijinja::{Error, State, Value};

use crate::arguments::{Callable, bind};
use crate::compare::same;
use crate::operators::bounds;
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
    let mut count = 0;
    for item in &items {
        count += usize::from(same(state, item, bound.required(0))?);
    }
    Ok(Value::from(count))
}

fn index(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("index", &arguments[1..], ["/value", "/start", "/stop"], 1)?;
    let items = python::items(state, &arguments[0])?;
    let start = bound.integer(1, 0)?;
    let stop = bound.integer(2, i64::MAX)?;
    let (start, stop) = bounds(items.len(), Some(start), Some(stop), 1);
    for at in start..stop {
        let found = usize::try_from(at).ok().and_then(|at| items.get(at));
        if let Some(found) = found
            && same(state, found, bound.required(0))?
        {
            return Ok(Value::from(at));
        }
    }
    Err(refuse("the list does not hold this value"))
}

/// Nothing can change a list, so a copy is the list.
fn copy(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("copy", &arguments[1..], [], 0)?;
    Ok(arguments[0].clone())
}
