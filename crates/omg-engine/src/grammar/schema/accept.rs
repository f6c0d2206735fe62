//! Whether a value of the schema satisfies another part of it.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::decimal::Decimal;
use super::read::Reader;
use super::shape::{Array, Node, Number, Object, Text};
use crate::error::Result;

impl Reader<'_> {
    pub(super) fn accepts(&mut self, node: &Node, value: &Value) -> Result<bool> {
        self.work(1)?;
        Ok(match node {
            Node::Any => true,
            Node::Never => false,
            Node::Literal(literal) => same(literal, value),
            Node::Ref(id) => {
                let target = self.target(*id)?;
                self.accepts(&target, value)?
            }
            Node::Either(all) => {
                for node in all.iter() {
                    if self.accepts(node, value)? {
                        return Ok(true);
                    }
                }
                false
            }
            Node::Shape(shape) => match value {
                Value::Null => shape.null,
                Value::Bool(_) => shape.boolean,
                Value::Number(n) => {
                    let value = Decimal::of(n);
                    shape.number.as_ref().is_some_and(|n| n.accepts(&value))
                }
                Value::String(text) => shape.text.as_ref().is_some_and(|t| t.accepts(text)),
                Value::Array(items) => match &shape.array {
                    Some(array) => self.accepts_array(array, items)?,
                    None => false,
                },
                Value::Object(members) => match &shape.object {
                    Some(object) => self.accepts_object(object, members)?,
                    None => false,
                },
            },
        })
    }

    fn accepts_array(&mut self, array: &Array, items: &[Value]) -> Result<bool> {
        let count = items.len() as u64;
        if count < array.min || array.max.is_some_and(|max| count > max) {
            return Ok(false);
        }
        for (i, item) in items.iter().enumerate() {
            if !self.accepts(array.prefix.get(i).unwrap_or(&array.items), item)? {
                return Ok(false);
            }
        }
        if let Some((node, least)) = &array.contains {
            let mut found = 0;
            for item in items {
                found += u64::from(self.accepts(node, item)?);
            }
            return Ok(found >= *least);
        }
        Ok(true)
    }

    fn accepts_object(&mut self, object: &Object, members: &Map<String, Value>) -> Result<bool> {
        let count = members.len() as u64;
        if count < object.min || object.max.is_some_and(|max| count > max) {
            return Ok(false);
        }
        if !object
            .required
            .iter()
            .all(|name| members.contains_key(&**name))
        {
            return Ok(false);
        }
        let named: HashMap<&str, &Node> =
            object.properties.iter().map(|(k, n)| (&**k, n)).collect();
        for (name, member) in members {
            if let Some(names) = &object.names
                && !self.accepts(names, &Value::from(name.as_str()))?
            {
                return Ok(false);
            }
            let nodes = match named.get(name.as_str()) {
                Some(node) => vec![(*node).clone()],
                None => object.unnamed(name),
            };
            for node in nodes {
                if !self.accepts(&node, member)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

impl Number {
    fn accepts(&self, value: &Decimal) -> bool {
        (!self.integer || value.is_whole())
            && self
                .low
                .as_ref()
                .is_none_or(|low| value > &low.value || (low.inclusive && value == &low.value))
            && self
                .high
                .as_ref()
                .is_none_or(|high| value < &high.value || (high.inclusive && value == &high.value))
            && self.multiples.iter().all(|step| value.is_multiple_of(step))
    }
}

impl Text {
    fn accepts(&self, text: &str) -> bool {
        let count = text.chars().count() as u64;
        count >= self.min
            && self.max.is_none_or(|max| count <= max)
            && self
                .patterns
                .iter()
                .all(|pattern| pattern.is_found_in(text))
    }
}

/// As JSON Schema compares: numbers by their value.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Decimal::of(a) == Decimal::of(b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}
