//! Filters that reach into items: by attribute, filter or test.

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, State, Value};

use super::is_known;
use crate::arguments::{bind, split};
use crate::lookup::{self, Path};
use crate::python::{self, refuse, truth};

pub(super) fn attr(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("attr", &arguments[1..], ["name"], 1)?;
    let value = &arguments[0];
    let name = bound.text(0)?.unwrap_or("");
    if python::is_dict(value) {
        // What a dict holds are items, not attributes.
        return Ok(lookup::method(value, name).unwrap_or_default());
    }
    Ok(lookup::attribute(value, name))
}

pub(super) fn default(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("default", &arguments[1..], ["default_value", "boolean"], 0)?;
    let value = &arguments[0];
    if value.is_undefined() || (bound.truth(1, false) && !truth(value)) {
        return Ok(bound.get(0).cloned().unwrap_or_else(|| Value::from("")));
    }
    Ok(value.clone())
}

/// As the filters that choose, it finds nothing in what is false, whether or not that could be gone through.
pub(super) fn map(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let (positional, named) = split(arguments);
    let mut out = Vec::new();
    if !truth(&arguments[0]) {
        return python::generator(state, out);
    }
    if positional.len() == 1 && named.iter().any(|(name, _)| name == "attribute") {
        let bound = bind("map", &arguments[1..], ["attribute", "default"], 1)?;
        let path = Path::new(bound.required(0))?;
        for item in python::items(state, &arguments[0])? {
            state.consume_fuel(1)?;
            let found = path.of(state, &item)?;
            out.push(match bound.get(1) {
                Some(default) if found.is_undefined() => default.clone(),
                _ => found,
            });
        }
        return python::generator(state, out);
    }
    let [items, name, rest @ ..] = positional else {
        return Err(Error::new(
            ErrorKind::MissingArgument,
            "map needs a filter or an attribute",
        ));
    };
    let name = name.to_string();
    let mut all = vec![Value::UNDEFINED];
    all.extend_from_slice(rest);
    all.extend(named_again(named));
    for item in python::items(state, items)? {
        all[0] = item;
        state.consume_fuel(1)?;
        out.push(state.apply_filter(known(&name)?, &all)?);
    }
    python::generator(state, out)
}

/// The name of a filter of Jinja2: those that stand for operators are not for templates.
fn known(name: &str) -> Result<&str, Error> {
    if is_known(name) {
        return Ok(name);
    }
    Err(refuse(format!("there is no filter '{name}'")))
}

fn named_again(named: Vec<(String, Value)>) -> Option<Value> {
    (!named.is_empty()).then(|| Value::from(named.into_iter().collect::<Kwargs>()))
}

pub(super) fn select(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    chosen(state, arguments, false, true)
}

pub(super) fn reject(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    chosen(state, arguments, false, false)
}

pub(super) fn selectattr(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    chosen(state, arguments, true, true)
}

pub(super) fn rejectattr(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    chosen(state, arguments, true, false)
}

/// The items of which, or of whose attribute, a test holds, or does not. Without a test it is the truth of the value.
fn chosen(
    state: &mut State<'_, '_>,
    arguments: &[Value],
    by_attribute: bool,
    wanted: bool,
) -> Result<Value, Error> {
    let (positional, named) = split(arguments);
    if !truth(&positional[0]) {
        return python::generator(state, Vec::new());
    }
    let mut rest = &positional[1..];
    let mut path = None;
    if by_attribute {
        let (attribute, after) = rest.split_first().ok_or_else(|| {
            Error::new(
                ErrorKind::MissingArgument,
                "the name of an attribute is missing",
            )
        })?;
        path = Some(Path::new(attribute)?);
        rest = after;
    }
    let test = match rest.split_first() {
        None => None,
        Some((name, rest)) => {
            let name = name
                .as_str()
                .ok_or_else(|| refuse("the name of a test is a text"))?;
            let mut all = vec![Value::UNDEFINED];
            all.extend_from_slice(rest);
            all.extend(named_again(named));
            Some((name.to_owned(), all))
        }
    };
    let mut test = test;
    let mut out = Vec::new();
    for item in python::items(state, &positional[0])? {
        state.consume_fuel(1)?;
        let value = match &path {
            Some(path) => path.of(state, &item)?,
            None => item.clone(),
        };
        let holds = match &mut test {
            None => truth(&value),
            Some((name, all)) => {
                all[0] = value;
                state.perform_test(name, all)?
            }
        };
        if holds == wanted {
            out.push(item);
        }
    }
    python::generator(state, out)
}
