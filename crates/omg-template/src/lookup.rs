//! Attributes and items as Jinja2 looks them up: `value.name` asks for an attribute first, `value['name']` for an item.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

use crate::compare::hashable;
use crate::methods;
use crate::objects::BoundMethod;
use crate::python::{is_dict, refuse};

/// `value.name`; what is not there is undefined.
pub(crate) fn attribute(value: &Value, name: &str) -> Value {
    method(value, name).unwrap_or_else(|| value.get_attr(name).unwrap_or_default())
}

/// `value[key]`; what is not there is undefined.
pub(crate) fn item(state: &State<'_, '_>, value: &Value, key: &Value) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(refuse("undefined has no items"));
    }
    if let Err(error) = hashable(state, key) {
        // What is no key finds nothing, which Jinja2 says by an undefined value.
        return if error.kind() == ErrorKind::OutOfFuel {
            Err(error)
        } else {
            Ok(Value::UNDEFINED)
        };
    }
    let is_number = matches!(key.kind(), ValueKind::Number | ValueKind::Bool);
    let by_number = matches!(
        value.kind(),
        ValueKind::Seq | ValueKind::String | ValueKind::Bytes
    );
    let found = if by_number && (!is_number || !key.is_integer() && key.kind() != ValueKind::Bool) {
        Value::UNDEFINED
    } else {
        value.get_item(key).unwrap_or_default()
    };
    Ok(match key.as_str() {
        Some(name) if found.is_undefined() && !has_key(value, key) => attribute(value, name),
        _ => found,
    })
}

fn has_key(value: &Value, key: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|object| is_dict(value) && object.get_value(key).is_some())
}

pub(crate) fn method(value: &Value, name: &str) -> Option<Value> {
    methods::has(value, name).then(|| {
        Value::from_object(BoundMethod {
            of: value.clone(),
            name: name.to_owned(),
        })
    })
}

/// The path of an `attribute` of a filter: names and numbers with points between them.
#[derive(Debug)]
pub(crate) struct Path(Vec<Value>);

impl Path {
    pub(crate) fn new(attribute: &Value) -> Result<Self, Error> {
        Ok(Self(match attribute.as_str() {
            Some(path) => path
                .split('.')
                .map(|part| {
                    part.parse::<u32>()
                        .map_or_else(|_| Value::from(part), Value::from)
                })
                .collect(),
            None if attribute.is_integer() => vec![attribute.clone()],
            None => return Err(refuse("an attribute is a text or a number")),
        }))
    }

    /// What the path leads to from `value`. An undefined step on the way is refused.
    pub(crate) fn of(&self, state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
        let mut value = value.clone();
        for part in &self.0 {
            if value.is_undefined() {
                return Err(refuse(format!("undefined has no attribute {part}")));
            }
            value = item(state, &value, part)?;
        }
        Ok(value)
    }
}
