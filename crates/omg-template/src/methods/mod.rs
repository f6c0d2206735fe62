//! Methods of Python's types. None that changes its value is here: a template has no business with them.

mod case;
mod dict;
mod layout;
mod list;
mod places;
mod predicates;
mod split;
mod text;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

pub(crate) use case::capitalized;
pub(crate) use layout::{centered, strip};
pub(crate) use predicates::decimal;
pub(crate) use split::lines;
pub(crate) use text::replaced;

use crate::arguments::Callable;
use crate::filters::markup::as_safe_as;
use crate::python::{is_dict, type_name};

/// Calls a method that `value` itself does not have.
pub(crate) fn call(
    state: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let method = find(value, name).ok_or_else(|| {
        Error::new(
            ErrorKind::UnknownMethod,
            format!("{} has no method '{name}'", type_name(value)),
        )
    })?;
    let mut all = Vec::with_capacity(arguments.len() + 1);
    all.push(value.clone());
    all.extend_from_slice(arguments);
    Ok(as_safe_as(value, method(state, &all)?))
}

/// Whether `value` has the method.
pub(crate) fn has(value: &Value, name: &str) -> bool {
    find(value, name).is_some()
}

/// Whether values of any type have the method.
pub(crate) fn is_known(name: &str) -> bool {
    text::find(name).is_some() || dict::find(name).is_some() || list::find(name).is_some()
}

fn find(value: &Value, name: &str) -> Option<Callable> {
    match value.kind() {
        ValueKind::String => text::find(name),
        ValueKind::Bytes => (name == "decode").then_some(text::decode as Callable),
        ValueKind::Seq => list::find(name).filter(|_| name != "copy" || !value.is_tuple()),
        ValueKind::Map if is_dict(value) => dict::find(name),
        ValueKind::Number if value.is_integer() => {
            (name == "bit_length").then_some(bit_length as Callable)
        }
        ValueKind::Number => (name == "is_integer").then_some(is_integer as Callable),
        _ => None,
    }
}

fn bit_length(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let value = crate::python::integer(&arguments[0]).unwrap_or(0);
    Ok(Value::from(
        i128::BITS - value.unsigned_abs().leading_zeros(),
    ))
}

fn is_integer(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let value = crate::python::number(&arguments[0]).unwrap_or(f64::NAN);
    Ok(Value::from(value.is_finite() && value.fract() == 0.0))
}
