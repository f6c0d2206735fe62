//! Methods of dicts.

use minijinja::{Error, State, Value};

use crate::arguments::{Callable, bind};
use crate::compare::hashable;
use crate::objects::{View, ViewOf};

pub(super) fn find(name: &str) -> Option<Callable> {
    Some(match name {
        "get" => get,
        "items" => |_, arguments| view(arguments, ViewOf::Items),
        "keys" => |_, arguments| view(arguments, ViewOf::Keys),
        "values" => |_, arguments| view(arguments, ViewOf::Values),
        "copy" => copy,
        _ => return None,
    })
}

fn get(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("get", &arguments[1..], ["/key", "/default"], 1)?;
    let key = bound.required(0);
    hashable(state, key)?;
    let found = arguments[0]
        .as_object()
        .and_then(|dict| dict.get_value(key));
    Ok(found.unwrap_or_else(|| bound.get(1).cloned().unwrap_or(Value::from(()))))
}

fn view(arguments: &[Value], of: ViewOf) -> Result<Value, Error> {
    bind("it", &arguments[1..], [], 0)?;
    Ok(Value::from_object(View {
        dict: arguments[0].clone(),
        of,
    }))
}

/// Nothing can change a dict, so a copy is the dict.
fn copy(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("copy", &arguments[1..], [], 0)?;
    Ok(arguments[0].clone())
}
