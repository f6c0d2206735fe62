//! What Python does with values of any type: iteration, order, truth, conversions.

use minijinja::value::{Tuple, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

use crate::objects::{Generator, Group, Range, View};
use crate::variables::LongInteger;

pub(crate) fn refuse(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason)
}

/// No value of a template needs so many bytes.
const LARGEST: usize = 64 << 20;

/// Pays for `bytes` of data before they are made.
pub(crate) fn charge(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    let left = state.fuel_levels().map_or(u64::MAX, |(_, left)| left);
    let cost = if bytes > LARGEST {
        u64::MAX
    } else {
        bytes as u64 / 32 + 1
    };
    // Work that cannot be paid for must not begin.
    state.consume_fuel(cost.min(left.saturating_add(1)))
}

pub(crate) fn type_name(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::Undefined => "undefined",
        ValueKind::None => "none",
        ValueKind::Bool => "a Boolean",
        ValueKind::Number if value.is_integer() => "an integer",
        ValueKind::Number => "a float",
        ValueKind::String => "text",
        ValueKind::Bytes => "bytes",
        ValueKind::Seq if is_tuple(value) => "a tuple",
        ValueKind::Seq if value.downcast_object_ref::<Range>().is_some() => "a range",
        ValueKind::Seq => "a list",
        ValueKind::Map if is_macro(value) => "a macro",
        ValueKind::Map => "a dict",
        ValueKind::Iterable => "an iterator",
        _ if value.downcast_object_ref::<LongInteger>().is_some() => "an integer",
        _ => "a function",
    }
}

fn object_type(value: &Value) -> &'static str {
    value.as_object().map_or("", |object| object.type_name())
}

pub(crate) fn is_macro(value: &Value) -> bool {
    object_type(value).ends_with("::Macro")
}

pub(crate) fn is_function(value: &Value) -> bool {
    let name = object_type(value);
    name.ends_with("::BoxedFunction") || name.ends_with("::DictFunction")
}

pub(crate) fn is_namespace(value: &Value) -> bool {
    object_type(value).ends_with("::Namespace")
}

/// A dict, which a namespace or macro is not, though minijinja shows them as maps.
pub(crate) fn is_dict(value: &Value) -> bool {
    value.kind() == ValueKind::Map
        && !matches!(
            object_type(value).rsplit("::").next(),
            Some("Macro" | "Namespace" | "Loop")
        )
}

/// A tuple, also one whose parts have names.
pub(crate) fn is_tuple(value: &Value) -> bool {
    value.is_tuple() || value.downcast_object_ref::<Group>().is_some()
}

pub(crate) fn is_list(value: &Value) -> bool {
    value.kind() == ValueKind::Seq
        && !is_tuple(value)
        && value.downcast_object_ref::<Range>().is_none()
}

pub(crate) fn truth(value: &Value) -> bool {
    value.is_true()
}

/// The items that a loop over `value` sees.
pub(crate) fn items(state: &State<'_, '_>, value: &Value) -> Result<Vec<Value>, Error> {
    if value.is_none() || (value.kind() == ValueKind::Map && !is_dict(value)) {
        return Err(refuse(format!("{} is not iterable", type_name(value))));
    }
    let iterator = value
        .try_iter()
        .map_err(|_| refuse(format!("{} is not iterable", type_name(value))))?;
    let mut items = Vec::new();
    for (at, item) in iterator.checked().enumerate() {
        if at % 4 == 0 {
            state.consume_fuel(3)?;
        }
        items.push(item?);
    }
    Ok(items)
}

/// The length of text in code points, of a container in items; iterators have none.
pub(crate) fn length(value: &Value) -> Option<usize> {
    match value.kind() {
        ValueKind::Undefined => Some(0),
        ValueKind::Iterable => value.downcast_object_ref::<View>().map(View::len),
        ValueKind::Map if !is_dict(value) => None,
        _ => value.len(),
    }
}

/// An integer where Python wants one: Booleans are integers, floats are not.
pub(crate) fn index(value: &Value) -> Result<i64, Error> {
    match value.kind() {
        ValueKind::Bool => Ok(i64::from(value.is_true())),
        ValueKind::Number if value.is_integer() => Ok(integer(value).map_or(0, |i| {
            i64::try_from(i).unwrap_or(if i < 0 { i64::MIN } else { i64::MAX })
        })),
        _ => Err(refuse(format!(
            "an integer expected, not {}",
            type_name(value)
        ))),
    }
}

/// The value of an integer or Boolean.
pub(crate) fn integer(value: &Value) -> Option<i128> {
    match value.kind() {
        ValueKind::Bool => Some(i128::from(value.is_true())),
        ValueKind::Number if value.is_integer() => i128::try_from(value.clone()).ok(),
        _ => None,
    }
}

/// The value of any number as a float.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value.kind() {
        ValueKind::Number if !value.is_integer() => f64::try_from(value.clone()).ok(),
        _ => integer(value).map(|i| i as f64),
    }
}

pub(crate) fn tuple(values: Vec<Value>) -> Value {
    Value::from(Tuple::from(values))
}

pub(crate) fn list(state: &State<'_, '_>, values: Vec<Value>) -> Result<Value, Error> {
    charge(state, values.len() * 8)?;
    Ok(Value::from_object(values))
}

pub(crate) fn generator(state: &State<'_, '_>, values: Vec<Value>) -> Result<Value, Error> {
    charge(state, values.len() * 8)?;
    Ok(Value::from_object(Generator::new(values)))
}

pub(crate) fn text(state: &State<'_, '_>, text: String) -> Result<Value, Error> {
    charge(state, text.len())?;
    Ok(Value::from(text))
}
