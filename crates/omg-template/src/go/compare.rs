//! `eq`, `lt` and what follows from them.

use std::rc::Rc;

use super::value::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basic {
    Bool,
    Int,
    Float,
    Text,
    Unsigned,
    None,
}

fn basic(value: &Value) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Int(_) => Basic::Int,
        Value::Byte(_) => Basic::Unsigned,
        Value::Float(_) | Value::Spelled(_) => Basic::Float,
        Value::Text(_) => Basic::Text,
        _ => Basic::None,
    }
}

/// Whether the first equals any of the others.
pub(super) fn equals_any(first: &Value, others: &[Value]) -> Result<bool, String> {
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        if equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => return Ok(a == b),
        (Value::Int(a), Value::Int(b)) => return Ok(a == b),
        (Value::Byte(a), Value::Byte(b)) => return Ok(a == b),
        (Value::Text(a), Value::Text(b)) => return Ok(a == b),
        (Value::Int(int), Value::Byte(byte)) | (Value::Byte(byte), Value::Int(int)) => {
            return Ok(*int == i64::from(*byte));
        }
        _ => {}
    }
    if let (Some(a), Some(b)) = (a.float(), b.float()) {
        return Ok(a == b);
    }
    let is_absent = |value: &Value| matches!(value, Value::Missing | Value::Nil);
    if basic(a) != basic(b) {
        if is_absent(a) || is_absent(b) {
            return Ok(false);
        }
        return Err(incompatible(a, b));
    }
    if a.is_nil() || b.is_nil() {
        let comparable = is_absent(a) || is_absent(b) || same_kind(a, b);
        return if comparable {
            Ok(a.is_nil() == b.is_nil())
        } else {
            Err(incompatible(a, b))
        };
    }
    match (a, b) {
        (Value::Struct(a), Value::Struct(b)) if a.shape.is_pointer && b.shape.is_pointer => {
            Ok(Rc::ptr_eq(a, b))
        }
        _ => Err(format!("non-comparable type {}", b.type_name())),
    }
}

fn same_kind(a: &Value, b: &Value) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

pub(super) fn less(a: &Value, b: &Value) -> Result<bool, String> {
    if basic(a) == Basic::None || basic(b) == Basic::None {
        return Err("invalid type for comparison".to_owned());
    }
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => return Ok(a < b),
        (Value::Byte(a), Value::Byte(b)) => return Ok(a < b),
        (Value::Text(a), Value::Text(b)) => return Ok(a < b),
        (Value::Int(a), Value::Byte(b)) => return Ok(*a < i64::from(*b)),
        (Value::Byte(a), Value::Int(b)) => return Ok(i64::from(*a) < *b),
        (Value::Bool(_), Value::Bool(_)) => return Err("invalid type for comparison".to_owned()),
        _ => {}
    }
    match (a.float(), b.float()) {
        (Some(a), Some(b)) => Ok(a < b),
        _ => Err(incompatible(a, b)),
    }
}

pub(super) fn less_or_equal(a: &Value, b: &Value) -> Result<bool, String> {
    Ok(less(a, b)? || equal(a, b)?)
}

fn incompatible(a: &Value, b: &Value) -> String {
    format!(
        "incompatible types for comparison: {} and {}",
        a.type_name(),
        b.type_name()
    )
}
