//! The values that a template sees, with as much of Go's types as templates can tell apart.

use std::collections::BTreeMap;
use std::rc::Rc;

#[derive(Debug, Clone)]
pub(super) enum Value {
    /// No value at all: what an absent key becomes at the end of a pipeline. Prints as `<no value>`.
    Missing,
    /// A nil of type `any`, such as `null` in JSON.
    Nil,
    Bool(bool),
    Int(i64),
    /// What `index` takes out of a string.
    Byte(u8),
    /// A number of the request: Go reads them all as `float64`.
    Float(f64),
    /// The same where JSON is to show it as it was spelled: long integers, and floats that are whole.
    Spelled(Rc<str>),
    Text(Rc<str>),
    List(Rc<List>),
    Map(Rc<Map>),
    Struct(Rc<Struct>),
}

#[derive(Debug)]
pub(super) struct List {
    pub(super) items: Vec<Value>,
    pub(super) kind: ListKind,
    pub(super) is_nil: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListKind {
    Any,
    Strings,
    Structs,
    /// The tools of a request: JSON where they are printed.
    Tools,
    /// The types of a property: the one name where they are printed, or all in brackets.
    Types,
}

#[derive(Debug)]
pub(super) struct Map {
    pub(super) members: BTreeMap<Rc<str>, Value>,
    pub(super) kind: MapKind,
    pub(super) is_nil: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MapKind {
    Any,
    /// The arguments of a call: JSON where they are printed.
    Arguments,
    /// The properties of a tool's parameters: JSON where they are printed, and what is absent is a property without a type.
    Properties,
}

#[derive(Debug)]
pub(super) struct Struct {
    pub(super) shape: &'static Shape,
    /// As many as the shape has fields.
    pub(super) values: Vec<Value>,
    /// What the request says beyond the fields; JSON shows it behind them.
    pub(super) others: BTreeMap<Rc<str>, Value>,
}

/// A struct type.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
    /// Printed as JSON rather than as its fields in braces.
    pub(super) prints_json: bool,
    /// Values are handed about by pointer, so two of them are equal when they are the same one.
    pub(super) is_pointer: bool,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) json: &'static str,
    pub(super) omit_empty: bool,
}

impl Value {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Rc::from(text.as_ref()))
    }

    pub(super) fn list(items: Vec<Value>, kind: ListKind) -> Self {
        Self::List(Rc::new(List {
            items,
            kind,
            is_nil: false,
        }))
    }

    /// A list that was never set. It behaves as an empty one and is equal to nil.
    pub(super) fn nil_list(kind: ListKind) -> Self {
        Self::List(Rc::new(List {
            items: Vec::new(),
            kind,
            is_nil: true,
        }))
    }

    pub(super) fn map(members: BTreeMap<Rc<str>, Value>, kind: MapKind) -> Self {
        Self::Map(Rc::new(Map {
            members,
            kind,
            is_nil: false,
        }))
    }

    pub(super) fn nil_map(kind: MapKind) -> Self {
        Self::Map(Rc::new(Map {
            members: BTreeMap::new(),
            kind,
            is_nil: true,
        }))
    }

    /// What `if` and `and` go by: not the zero of its type.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Missing | Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Byte(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Spelled(_) => self.float().is_some_and(|value| value != 0.0),
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.members.is_empty(),
            Self::Struct(_) => true,
        }
    }

    /// The value without its wrapping interface: a nil is then nothing.
    pub(super) fn concrete(self) -> Self {
        match self {
            Self::Nil => Self::Missing,
            value => value,
        }
    }

    pub(super) fn is_nil(&self) -> bool {
        match self {
            Self::Missing | Self::Nil => true,
            Self::List(list) => list.is_nil,
            Self::Map(map) => map.is_nil,
            _ => false,
        }
    }

    /// The value of a `float64`.
    pub(super) fn float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Spelled(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// Go's name of the type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Byte(_) => "uint8",
            Self::Float(_) | Self::Spelled(_) => "float64",
            Self::Text(_) => "string",
            Self::List(list) => match list.kind {
                ListKind::Any => "[]interface {}",
                ListKind::Strings => "[]string",
                ListKind::Structs => "[]struct",
                ListKind::Tools => "api.Tools",
                ListKind::Types => "api.PropertyType",
            },
            Self::Map(map) => match map.kind {
                MapKind::Any => "map[string]interface {}",
                MapKind::Arguments => "api.ToolCallFunctionArguments",
                MapKind::Properties => "api.ToolPropertiesMap",
            },
            Self::Struct(value) => value.shape.name,
        }
    }
}

impl Struct {
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        let at = self.shape.fields.iter().position(|f| f.name == name)?;
        self.values.get(at)
    }
}
