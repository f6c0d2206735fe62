//! The functions of Jinja2 and of transformers.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use crate::arguments::{bind, raw, split};
use crate::compare::hashable;
use crate::environment::Raised;
use crate::objects::{Cycler, Joiner, Range, dict_of};
use crate::python::{self, charge, is_dict, refuse};
use crate::python_text::text_of;
use crate::strftime;

pub(crate) fn add(environment: &mut Environment<'static>) {
    environment.add_function("cycler", raw(cycler));
    environment.add_function("joiner", raw(joiner));
    environment.add_function("namespace", raw(namespace));
    environment.add_function("raise_exception", raw(raise_exception));
    environment.add_function("range", raw(range));
    environment.add_function("strftime_now", raw(strftime_now));
    environment.add_global("dict", Value::from_object(DictFunction));
}

fn raise_exception(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("raise_exception", arguments, ["message"], 1)?;
    let message = text_of(state, bound.required(0))?;
    Err(refuse(message.clone()).with_source(Raised(message)))
}

fn strftime_now(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("strftime_now", arguments, ["/format"], 1)?;
    let format = bound.text(0)?.unwrap_or("");
    charge(state, format.len().saturating_mul(16))?;
    strftime::strftime_now(format)
}

fn range(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("range", arguments, ["/start", "/stop", "/step"], 1)?;
    let (start, stop) = match bound.get(1) {
        None => (0, bound.integer(0, 0)?),
        Some(_) => (bound.integer(0, 0)?, bound.integer(1, 0)?),
    };
    let step = bound.integer(2, 1)?;
    if step == 0 {
        return Err(refuse("a range has a step of zero"));
    }
    let range = Range { start, stop, step };
    // The limit of Jinja2's sandbox.
    if range.len() > 100_000 {
        return Err(refuse("a range is longer than 100000"));
    }
    Ok(Value::from_object(range))
}

fn cycler(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let (values, named) = split(arguments);
    if values.is_empty() || !named.is_empty() {
        return Err(refuse("cycler takes values in a row, at least one"));
    }
    Ok(Value::from_object(Cycler::new(values.to_vec())))
}

fn joiner(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("joiner", arguments, ["sep"], 0)?;
    let separator = bound.get(0).cloned().unwrap_or_else(|| Value::from(", "));
    Ok(Value::from_object(Joiner::new(separator)))
}

fn namespace(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let pairs = pairs(state, "namespace", arguments)?;
    for (name, _) in &pairs {
        if name.as_str().is_some_and(|name| name.starts_with('_')) {
            return Err(refuse(format!(
                "a namespace takes no name with a leading underscore: '{name}'"
            )));
        }
    }
    // An empty one would be false.
    let pairs = std::iter::once((Value::from(""), Value::from(()))).chain(pairs);
    minijinja::functions::namespace(Some(ValueOrKwargs::from(dict_of(pairs))))
}

/// The pairs of a dict, of a list of pairs and of keyword arguments.
fn pairs(
    state: &State<'_, '_>,
    name: &str,
    arguments: &[Value],
) -> Result<Vec<(Value, Value)>, Error> {
    let (positional, named) = split(arguments);
    let mut pairs = Vec::new();
    match positional {
        [] => {}
        [value] if value.is_undefined() => {
            return Err(refuse(format!("{name} takes no undefined value")));
        }
        [dict] if is_dict(dict) => {
            for key in python::items(state, dict)? {
                let value = dict.get_item(&key)?;
                pairs.push((key, value));
            }
        }
        [list] => {
            for pair in python::items(state, list)? {
                let pair = python::items(state, &pair)?;
                let [key, value] = pair.as_slice() else {
                    return Err(refuse(format!("{name} takes pairs")));
                };
                hashable(state, key)?;
                pairs.push((key.clone(), value.clone()));
            }
        }
        _ => {
            return Err(Error::new(
                ErrorKind::TooManyArguments,
                format!("{name} takes one value and names"),
            ));
        }
    }
    pairs.extend(
        named
            .into_iter()
            .map(|(name, value)| (Value::from(name), value)),
    );
    charge(state, pairs.len() * 64)?;
    Ok(pairs)
}

/// `dict` and `dict.fromkeys`.
#[derive(Debug)]
struct DictFunction;

impl Object for DictFunction {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str()? == "fromkeys").then(|| Value::from_function(raw(fromkeys)))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        pairs(state, "dict", args).map(dict_of)
    }
}

fn fromkeys(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("fromkeys", arguments, ["/keys", "/value"], 1)?;
    let value = bound.get(1).cloned().unwrap_or_else(|| Value::from(()));
    let keys = python::items(state, bound.required(0))?;
    keys.iter().try_for_each(|key| hashable(state, key))?;
    charge(state, keys.len() * 64)?;
    Ok(dict_of(keys.into_iter().map(|key| (key, value.clone()))))
}
