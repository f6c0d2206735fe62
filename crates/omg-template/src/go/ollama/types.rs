//! The types of a tool's properties as TypeScript names them.

use crate::go::Fault;
use crate::go::budget::Budget;
use crate::go::value::{Struct, Value};

use super::shapes::is_property;

/// `string | null` and the like; `any` for what is no property.
pub(in crate::go) fn type_script(value: &Value, budget: &mut Budget) -> Result<String, Fault> {
    let mut out = String::new();
    match value {
        Value::Struct(property) if is_property(value) => of_property(property, &mut out, budget)?,
        _ => out.push_str("any"),
    }
    Ok(out)
}

fn of_property(property: &Struct, out: &mut String, budget: &mut Budget) -> Result<(), Fault> {
    budget.step()?;
    let list = |name| match property.field(name) {
        Some(Value::List(list)) => list.items.as_slice(),
        _ => &[],
    };
    let options = list("AnyOf");
    for (at, option) in options.iter().enumerate() {
        if at > 0 {
            out.push_str(" | ");
        }
        if let Value::Struct(option) = option {
            of_property(option, out, budget)?;
        }
    }
    if !options.is_empty() {
        return Ok(());
    }
    let types = list("Type");
    if types.is_empty() {
        out.push_str("any");
    }
    for (at, name) in types.iter().enumerate() {
        budget.step()?;
        if at > 0 {
            out.push_str(" | ");
        }
        out.push_str(match name {
            Value::Text(name) => named(name),
            _ => "any",
        });
    }
    Ok(())
}

fn named(json_type: &str) -> &'static str {
    match json_type {
        "string" => "string",
        "number" | "integer" => "number",
        "boolean" => "boolean",
        "array" => "any[]",
        "object" => "Record<string, any>",
        "null" => "null",
        _ => "any",
    }
}
