//! The struct types of Ollama's API that templates see.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::go::value::{Field, ListKind, Map, Shape, Struct, Value};

pub(super) static MESSAGE: Shape = Shape {
    name: "*api.Message",
    fields: &[
        field("Role", "role", false),
        field("Content", "content", false),
        field("Thinking", "thinking", true),
        field("Images", "images", true),
        field("ToolCalls", "tool_calls", true),
        field("ToolName", "tool_name", true),
        field("ToolCallID", "tool_call_id", true),
    ],
    prints_json: false,
    is_pointer: true,
};

pub(super) static CALL: Shape = Shape {
    name: "api.ToolCall",
    fields: &[
        field("ID", "id", true),
        field("Function", "function", false),
    ],
    prints_json: false,
    is_pointer: false,
};

pub(super) static CALL_FUNCTION: Shape = Shape {
    name: "api.ToolCallFunction",
    fields: &[
        field("Index", "index", false),
        field("Name", "name", false),
        field("Arguments", "arguments", false),
    ],
    prints_json: false,
    is_pointer: false,
};

pub(super) static TOOL: Shape = Shape {
    name: "api.Tool",
    fields: &[
        field("Type", "type", false),
        field("Items", "items", true),
        field("Function", "function", false),
    ],
    prints_json: true,
    is_pointer: false,
};

pub(super) static FUNCTION: Shape = Shape {
    name: "api.ToolFunction",
    fields: &[
        field("Name", "name", false),
        field("Description", "description", false),
        field("Parameters", "parameters", false),
    ],
    prints_json: true,
    is_pointer: false,
};

pub(super) static PARAMETERS: Shape = Shape {
    name: "api.ToolFunctionParameters",
    fields: &[
        field("Type", "type", false),
        field("Defs", "$defs", true),
        field("Items", "items", true),
        field("Required", "required", true),
        field("Properties", "properties", false),
    ],
    prints_json: true,
    is_pointer: false,
};

static PROPERTY: Shape = Shape {
    name: "api.ToolProperty",
    fields: &[
        field("AnyOf", "anyOf", true),
        field("Type", "type", true),
        field("Items", "items", true),
        field("Description", "description", true),
        field("Enum", "enum", true),
        field("Properties", "properties", true),
    ],
    prints_json: false,
    is_pointer: false,
};

const fn field(name: &'static str, json: &'static str, omit_empty: bool) -> Field {
    Field {
        name,
        json,
        omit_empty,
    }
}

/// A struct of `values`, one for each field of the shape.
pub(super) fn of(shape: &'static Shape, values: Vec<Value>) -> Value {
    with_others(shape, values, BTreeMap::new())
}

fn with_others(
    shape: &'static Shape,
    values: Vec<Value>,
    others: BTreeMap<Rc<str>, Value>,
) -> Value {
    Value::Struct(Rc::new(Struct {
        shape,
        values,
        others,
    }))
}

/// A struct whose fields are taken out of a map by their JSON names, each read by `read`; the rest of the map stays as it is.
pub(super) fn from_map(
    shape: &'static Shape,
    map: &Map,
    read: impl Fn(&str, Option<&Value>) -> Value,
) -> Value {
    let values = shape
        .fields
        .iter()
        .map(|f| read(f.json, map.members.get(f.json)));
    let others = map
        .members
        .iter()
        .filter(|(key, _)| !shape.fields.iter().any(|f| *f.json == ***key))
        .map(|(key, value)| (Rc::clone(key), value.clone()));
    with_others(shape, values.collect(), others.collect())
}

/// The property that a tool does not have.
pub(in crate::go) fn empty_property() -> Value {
    let nothing = Map {
        members: BTreeMap::new(),
        kind: crate::go::value::MapKind::Any,
        is_nil: true,
    };
    property(&nothing)
}

pub(in crate::go) fn is_property(value: &Value) -> bool {
    matches!(value, Value::Struct(inner) if std::ptr::eq(inner.shape, &PROPERTY))
}

pub(super) fn property(schema: &Map) -> Value {
    from_map(&PROPERTY, schema, |name, value| match (name, value) {
        ("type", Some(value @ Value::Text(_))) => Value::list(vec![value.clone()], ListKind::Types),
        ("type", Some(Value::List(list))) => Value::list(list.items.clone(), ListKind::Types),
        ("type", _) => Value::nil_list(ListKind::Types),
        ("description", Some(value @ Value::Text(_))) => value.clone(),
        ("description", _) => Value::text(""),
        ("anyOf", Some(Value::List(list))) => {
            let options = list.items.iter().filter_map(|item| match item {
                Value::Map(map) => Some(property(map)),
                _ => None,
            });
            Value::list(options.collect(), ListKind::Structs)
        }
        ("anyOf", _) => Value::nil_list(ListKind::Structs),
        ("enum", Some(value @ Value::List(_))) => value.clone(),
        ("enum", _) => Value::nil_list(ListKind::Any),
        ("properties", Some(Value::Map(map))) => properties(map),
        (_, Some(value)) if name != "properties" => value.clone(),
        _ => Value::Nil,
    })
}

pub(super) fn properties(map: &Map) -> Value {
    let members = map.members.iter().map(|(key, value)| {
        let property = match value {
            Value::Map(schema) => property(schema),
            // A schema of `true` or `false`.
            other => other.clone(),
        };
        (Rc::clone(key), property)
    });
    Value::map(members.collect(), crate::go::value::MapKind::Properties)
}
