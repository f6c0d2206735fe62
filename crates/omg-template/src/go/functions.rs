//! The functions that templates call: those of `text/template`, and Ollama's own. `and` and `or` are the evaluator's, as they do not
//! evaluate all they are given.

use super::budget::Budget;
use super::compare::{equal, equals_any, less, less_or_equal};
use super::format::{printf, sprint, sprintln};
use super::json::to_json;
use super::value::{ListKind, Map, MapKind, Value};
use super::{Day, Fault, escape, ollama};

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arity {
    pub(super) least: usize,
    pub(super) most: Option<usize>,
}

/// What the arguments of a function have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Anything,
    Text,
}

const KNOWN: [(&str, Arity); 23] = [
    ("and", any(1)),
    ("call", any(1)),
    ("currentDate", any(0)),
    ("eq", any(1)),
    ("ge", exactly(2)),
    ("gt", exactly(2)),
    ("html", any(0)),
    ("index", any(1)),
    ("js", any(0)),
    ("json", exactly(1)),
    ("le", exactly(2)),
    ("len", exactly(1)),
    ("lt", exactly(2)),
    ("ne", exactly(2)),
    ("not", exactly(1)),
    ("or", any(1)),
    ("print", any(0)),
    ("printf", any(1)),
    ("println", any(0)),
    ("slice", any(1)),
    ("toTypeScriptType", exactly(1)),
    ("urlquery", any(0)),
    ("yesterdayDate", any(0)),
];

const fn any(least: usize) -> Arity {
    Arity { least, most: None }
}

const fn exactly(number: usize) -> Arity {
    Arity {
        least: number,
        most: Some(number),
    }
}

pub(super) fn is_known(name: &str) -> bool {
    arity(name).is_some()
}

pub(super) fn arity(name: &str) -> Option<Arity> {
    let at = KNOWN.iter().position(|(known, _)| *known == name)?;
    Some(KNOWN[at].1)
}

pub(super) fn wanted(name: &str, argument: usize) -> Wanted {
    match name {
        "printf" if argument == 0 => Wanted::Text,
        "currentDate" | "yesterdayDate" => Wanted::Text,
        _ => Wanted::Anything,
    }
}

/// Why a call failed.
pub(super) enum CallFault {
    Reason(String),
    Fault(Fault),
}

impl From<Fault> for CallFault {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<String> for CallFault {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

/// Calls a known function with as many arguments as it takes.
pub(super) fn call(
    name: &str,
    arguments: &[Value],
    today: Day,
    budget: &mut Budget,
) -> Result<Value, CallFault> {
    let first = arguments.first().unwrap_or(&Value::Missing);
    let second = arguments.get(1).unwrap_or(&Value::Missing);
    let rest = arguments.get(1..).unwrap_or_default();
    Ok(match name {
        "not" => Value::Bool(!first.is_true()),
        "eq" => Value::Bool(equals_any(first, rest)?),
        "ne" => Value::Bool(!equal(first, second)?),
        "lt" => Value::Bool(less(first, second)?),
        "le" => Value::Bool(less_or_equal(first, second)?),
        "gt" => Value::Bool(!less_or_equal(first, second)?),
        "ge" => Value::Bool(!less(first, second)?),
        "len" => Value::Int(length(first)?),
        "index" => index(first, rest)?,
        "slice" => slice(first, rest, budget)?,
        "print" => Value::text(sprint(arguments, budget)?),
        "println" => Value::text(sprintln(arguments, budget)?),
        "printf" => match first {
            Value::Text(format) => Value::text(printf(format, rest, budget)?),
            _ => Value::Missing,
        },
        "html" => Value::text(escape::html(&escapable(arguments, budget)?)),
        "js" => Value::text(escape::js(&escapable(arguments, budget)?)),
        "urlquery" => Value::text(escape::url_query(&escapable(arguments, budget)?)),
        "json" => Value::text(to_json(first, budget)?),
        "currentDate" => Value::text(today.to_string()),
        "yesterdayDate" => Value::text(today.before().to_string()),
        "toTypeScriptType" => Value::text(ollama::type_script(first, budget)?),
        "call" if first.is_nil() => return Err("call of nil".to_owned().into()),
        _ => return Err(format!("non-function of type {}", first.type_name()).into()),
    })
}

fn length(value: &Value) -> Result<i64, String> {
    let length = match value {
        Value::Text(text) => text.len(),
        Value::List(list) => list.items.len(),
        Value::Map(map) => map.members.len(),
        Value::Missing | Value::Nil => return Err("len of nil pointer".to_owned()),
        _ => return Err(format!("len of type {}", value.type_name())),
    };
    Ok(i64::try_from(length).unwrap_or(i64::MAX))
}

fn index(value: &Value, indexes: &[Value]) -> Result<Value, String> {
    if matches!(value, Value::Missing | Value::Nil) {
        return Err("index of untyped nil".to_owned());
    }
    let mut value = value.clone();
    for index in indexes {
        value = match &value {
            Value::Text(text) => {
                let at = position(index, text.len())?;
                let byte = text.as_bytes().get(at);
                Value::Byte(*byte.ok_or_else(|| out_of_range(at))?)
            }
            Value::List(list) => {
                let at = position(index, list.items.len())?;
                list.items.get(at).ok_or_else(|| out_of_range(at))?.clone()
            }
            Value::Map(map) => match index {
                Value::Text(key) => map.members.get(key).cloned().unwrap_or_else(|| zero(map)),
                Value::Missing | Value::Nil => {
                    return Err("value is nil; should be of type string".to_owned());
                }
                other => {
                    return Err(format!(
                        "value has type {}; should be string",
                        other.type_name()
                    ));
                }
            },
            Value::Missing | Value::Nil => return Err("index of nil pointer".to_owned()),
            other => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(value)
}

/// What a map has for a key that is not in it.
pub(super) fn zero(map: &Map) -> Value {
    match map.kind {
        MapKind::Properties => ollama::empty_property(),
        _ => Value::Nil,
    }
}

fn slice(value: &Value, indexes: &[Value], budget: &mut Budget) -> Result<Value, CallFault> {
    let length = match value {
        Value::Missing | Value::Nil => return Err("slice of untyped nil".to_owned().into()),
        Value::Text(text) => text.len(),
        Value::List(list) => list.items.len(),
        _ => return Err(format!("can't slice item of type {}", value.type_name()).into()),
    };
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()).into());
    }
    if indexes.len() == 3 && matches!(value, Value::Text(_)) {
        return Err("cannot 3-index slice a string".to_owned().into());
    }
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, length)?;
    }
    let [from, to, capacity] = bounds;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}").into());
    }
    if to > capacity {
        return Err(format!("invalid slice index: {to} > {capacity}").into());
    }
    budget.text(to - from)?;
    Ok(match value {
        // Half a character cannot be kept: what is written is UTF-8.
        Value::Text(text) => Value::text(String::from_utf8_lossy(&text.as_bytes()[from..to])),
        Value::List(list) if list.is_nil => Value::nil_list(list.kind),
        Value::List(list) => Value::list(list.items[from..to].to_vec(), list.kind),
        _ => Value::nil_list(ListKind::Any),
    })
}

/// An index up to `most`, as slices may end there.
fn position(index: &Value, most: usize) -> Result<usize, String> {
    let number = match index {
        Value::Int(number) => *number,
        Value::Byte(number) => i64::from(*number),
        Value::Missing | Value::Nil => return Err("cannot index slice/array with nil".to_owned()),
        other => {
            return Err(format!(
                "cannot index slice/array with type {}",
                other.type_name()
            ));
        }
    };
    match usize::try_from(number) {
        Ok(at) if at <= most => Ok(at),
        _ => Err(format!("index out of range: {number}")),
    }
}

fn out_of_range(at: usize) -> String {
    format!("index out of range: {at}")
}

/// What the escaping functions escape: a nil counts as a value that is missing.
fn escapable(arguments: &[Value], budget: &mut Budget) -> Result<String, Fault> {
    let shown: Vec<_> = arguments
        .iter()
        .map(|value| match value {
            Value::Missing | Value::Nil => Value::text("<no value>"),
            value => value.clone(),
        })
        .collect();
    let text = sprint(&shown, budget)?;
    // Each character may become six.
    budget.text(text.len() * 6)?;
    Ok(text)
}
