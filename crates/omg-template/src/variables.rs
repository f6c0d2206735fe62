//! The variables of a render: JSON text to values, with every digit and the order of keys kept.

use std::fmt;
use std::sync::Arc;

use jiter::JsonValue;
use minijinja::Value;
use minijinja::value::{Object, ObjectRepr};
use num_bigint::BigInt;

use crate::arithmetic;

/// Reads a JSON object. Of a repeated key the last value counts, as in Python.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    match JsonValue::parse(text.as_bytes(), false) {
        Ok(value @ JsonValue::Object(_)) => Ok(value_of(&value)),
        Ok(_) => Err("it is something else".to_owned()),
        Err(error) => Err(error.description(text.as_bytes())),
    }
}

fn value_of(value: &JsonValue<'_>) -> Value {
    match value {
        JsonValue::Null => Value::from(()),
        JsonValue::Bool(b) => Value::from(*b),
        JsonValue::Int(i) => Value::from(*i),
        JsonValue::BigInt(big) => arithmetic::long(big.clone()),
        JsonValue::Float(f) => Value::from(*f),
        JsonValue::Str(s) => Value::from(s.as_ref()),
        JsonValue::Array(items) => items.iter().map(value_of).collect(),
        JsonValue::Object(members) => Value::from_pairs(
            members
                .iter()
                .map(|(key, value)| (key.as_ref(), value_of(value))),
        ),
    }
}

/// An integer beyond 128 bits.
#[derive(Debug)]
pub(crate) struct LongInteger(BigInt);

impl Object for LongInteger {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl LongInteger {
    pub(crate) fn new(value: BigInt) -> Self {
        Self(value)
    }

    pub(crate) fn value(&self) -> &BigInt {
        &self.0
    }

    pub(crate) fn digits(&self) -> String {
        self.0.to_string()
    }
}
