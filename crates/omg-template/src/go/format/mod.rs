//! Values as text, as the package `fmt` writes them.

mod number;
mod printf;
mod quote;

pub(super) use printf::printf;
pub(super) use quote::is_print;

use super::Fault;
use super::budget::Budget;
use super::json::to_json;
use super::value::{ListKind, MapKind, Value};

/// What a template writes for the value of an action.
pub(super) fn printed(value: &Value, budget: &mut Budget) -> Result<String, Fault> {
    match value {
        Value::Missing => Ok("<no value>".to_owned()),
        value => plain(value, budget),
    }
}

/// `fmt.Sprint`: a space between two values of which neither is a string.
pub(super) fn sprint(values: &[Value], budget: &mut Budget) -> Result<String, Fault> {
    let mut out = String::new();
    let mut was_text = true;
    for (at, value) in values.iter().enumerate() {
        let is_text = matches!(value, Value::Text(_));
        if at > 0 && !is_text && !was_text {
            out.push(' ');
        }
        was_text = is_text;
        write(value, &mut out, budget)?;
    }
    Ok(out)
}

/// `fmt.Sprintln`: a space between any two.
pub(super) fn sprintln(values: &[Value], budget: &mut Budget) -> Result<String, Fault> {
    let mut out = String::new();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        write(value, &mut out, budget)?;
    }
    out.push('\n');
    Ok(out)
}

/// The verb `%v`.
fn plain(value: &Value, budget: &mut Budget) -> Result<String, Fault> {
    let mut out = String::new();
    write(value, &mut out, budget)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String, budget: &mut Budget) -> Result<(), Fault> {
    budget.step()?;
    if let Some(text) = own_text(value, budget)? {
        out.push_str(&text);
        return Ok(());
    }
    match value {
        Value::List(list) => {
            out.push('[');
            spaced(list.items.iter(), out, budget)?;
            out.push(']');
        }
        Value::Map(map) => {
            out.push_str("map[");
            for (at, (key, value)) in map.members.iter().enumerate() {
                if at > 0 {
                    out.push(' ');
                }
                budget.text(key.len())?;
                out.push_str(key);
                out.push(':');
                write(value, out, budget)?;
            }
            out.push(']');
        }
        Value::Struct(value) => {
            out.push('{');
            spaced(value.values.iter(), out, budget)?;
            out.push('}');
        }
        value => out.push_str(&scalar(value, budget)?),
    }
    Ok(())
}

fn spaced<'a>(
    values: impl Iterator<Item = &'a Value>,
    out: &mut String,
    budget: &mut Budget,
) -> Result<(), Fault> {
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.push(' ');
        }
        write(value, out, budget)?;
    }
    Ok(())
}

fn scalar(value: &Value, budget: &mut Budget) -> Result<String, Fault> {
    Ok(match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Byte(value) => value.to_string(),
        Value::Float(_) | Value::Spelled(_) => {
            number::shortest(value.float().unwrap_or_default(), 'g')
        }
        Value::Text(text) => {
            budget.text(text.len())?;
            text.to_string()
        }
        _ => "<nil>".to_owned(),
    })
}

/// What the method `String` of the value's type says, where it has one.
pub(super) fn own_text(value: &Value, budget: &mut Budget) -> Result<Option<String>, Fault> {
    match value {
        Value::List(list) if list.kind == ListKind::Tools => to_json(value, budget).map(Some),
        Value::List(list) if list.kind == ListKind::Types => match list.items.as_slice() {
            [] => Ok(Some(String::new())),
            [one] => plain(one, budget).map(Some),
            _ => Ok(None),
        },
        Value::Map(map) if map.kind == MapKind::Any => Ok(None),
        Value::Map(map) if map.is_nil => Ok(Some("{}".to_owned())),
        Value::Map(_) => to_json(value, budget).map(Some),
        Value::Struct(inner) if inner.shape.prints_json => to_json(value, budget).map(Some),
        _ => Ok(None),
    }
}
