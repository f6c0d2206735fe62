//! What must hold of one value in two schemas, as one.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;

use super::read::Reader;
use super::shape::{Array, Node, Number, Object, Shape, Text};
use crate::error::Result;
use crate::grammar::invalid;

/// References that lead to each other can be joined without end.
const MAX_DEPTH: usize = 64;

impl Reader<'_> {
    pub(super) fn join(&mut self, a: Node, b: Node) -> Result<Node> {
        self.join_at(a, b, 0)
    }

    fn join_at(&mut self, a: Node, b: Node, depth: usize) -> Result<Node> {
        self.work(1)?;
        if depth > MAX_DEPTH {
            return Err(invalid(
                "schema: has references that lead to each other and cannot be joined",
            ));
        }
        Ok(match (a, b) {
            (Node::Any, node) | (node, Node::Any) => node,
            (Node::Never, _) | (_, Node::Never) => Node::Never,
            (Node::Ref(a), Node::Ref(b)) if a == b => Node::Ref(a),
            (Node::Ref(id), other) => {
                let target = self.target(id)?;
                self.join_at(target, other, depth + 1)?
            }
            (other, Node::Ref(id)) => {
                let target = self.target(id)?;
                self.join_at(other, target, depth + 1)?
            }
            (Node::Either(all), other) => {
                let mut joined = Vec::with_capacity(all.len());
                for node in all.iter() {
                    joined.push(self.join_at(node.clone(), other.clone(), depth + 1)?);
                }
                Node::either(joined)
            }
            (other, Node::Either(all)) => {
                let mut joined = Vec::with_capacity(all.len());
                for node in all.iter() {
                    joined.push(self.join_at(other.clone(), node.clone(), depth + 1)?);
                }
                Node::either(joined)
            }
            (Node::Literal(value), node) | (node, Node::Literal(value)) => {
                match self.accepts(&node, &value)? {
                    true => Node::Literal(value),
                    false => Node::Never,
                }
            }
            (Node::Shape(a), Node::Shape(b)) => self.join_shapes(&a, &b, depth)?,
        })
    }

    fn join_shapes(&mut self, a: &Shape, b: &Shape, depth: usize) -> Result<Node> {
        let shape = Shape {
            untyped: a.untyped && b.untyped,
            null: a.null && b.null,
            boolean: a.boolean && b.boolean,
            number: a
                .number
                .as_ref()
                .zip(b.number.as_ref())
                .and_then(|(a, b)| join_numbers(a, b)),
            text: a
                .text
                .as_ref()
                .zip(b.text.as_ref())
                .and_then(|(a, b)| join_texts(a, b)),
            array: match (&a.array, &b.array) {
                (Some(a), Some(b)) => self.join_arrays(a, b, depth)?,
                _ => None,
            },
            object: match (&a.object, &b.object) {
                (Some(a), Some(b)) => self.join_objects(a, b, depth)?,
                _ => None,
            },
        };
        Ok(match shape.is_empty() {
            true => Node::Never,
            false => Node::shape(shape),
        })
    }

    fn join_arrays(&mut self, a: &Array, b: &Array, depth: usize) -> Result<Option<Array>> {
        let mut prefix = Vec::new();
        for i in 0..a.prefix.len().max(b.prefix.len()) {
            let item = |array: &Array| array.prefix.get(i).unwrap_or(&array.items).clone();
            prefix.push(self.join_at(item(a), item(b), depth + 1)?);
        }
        let items = self.join_at(a.items.clone(), b.items.clone(), depth + 1)?;
        let (min, max) = (a.min.max(b.min), least(a.max, b.max));
        if a.contains.is_some() && b.contains.is_some() {
            self.cannot_together("several `contains` for one list")?;
        }
        let contains = a.contains.clone().or_else(|| b.contains.clone());
        if max.is_some_and(|max| max < min) {
            return Ok(None);
        }
        Ok(Some(Array {
            prefix,
            items,
            min,
            max,
            contains,
        }))
    }

    fn join_objects(&mut self, a: &Object, b: &Object, depth: usize) -> Result<Option<Object>> {
        let of_b: HashMap<&str, &Node> = b.properties.iter().map(|(k, n)| (&**k, n)).collect();
        let mut properties = Vec::with_capacity(a.properties.len());
        for (name, node) in &a.properties {
            let mut node = node.clone();
            match of_b.get(&**name) {
                Some(other) => node = self.join_at(node, (*other).clone(), depth + 1)?,
                None => {
                    for other in b.unnamed(name) {
                        node = self.join_at(node, other, depth + 1)?;
                    }
                }
            }
            properties.push((Rc::clone(name), node));
        }
        let of_a: HashMap<&str, ()> = a.properties.iter().map(|(k, _)| (&**k, ())).collect();
        for (name, node) in b
            .properties
            .iter()
            .filter(|(k, _)| !of_a.contains_key(&**k))
        {
            let mut node = node.clone();
            for other in a.unnamed(name) {
                node = self.join_at(node, other, depth + 1)?;
            }
            properties.push((Rc::clone(name), node));
        }
        let mut patterns = Vec::new();
        for (own, other) in [(a, b), (b, a)] {
            for (pattern, node) in &own.patterns {
                let node = match &other.others {
                    Some(others) if other.patterns.is_empty() => {
                        self.join_at(node.clone(), others.clone(), depth + 1)?
                    }
                    _ => node.clone(),
                };
                patterns.push((Rc::clone(pattern), node));
            }
        }
        let others = self.join_optional(&a.others, &b.others, depth)?;
        let names = self.join_optional(&a.names, &b.names, depth)?;
        let mut required = a.required.clone();
        for name in &b.required {
            if !a.required.contains(name) {
                required.push(Rc::clone(name));
            }
        }
        let (min, max) = (a.min.max(b.min), least(a.max, b.max));
        if max.is_some_and(|max| max < min) {
            return Ok(None);
        }
        Ok(Some(Object {
            properties,
            names_its_properties: a.names_its_properties || b.names_its_properties,
            patterns,
            others,
            required,
            min,
            max,
            names,
        }))
    }

    fn join_optional(
        &mut self,
        a: &Option<Node>,
        b: &Option<Node>,
        depth: usize,
    ) -> Result<Option<Node>> {
        Ok(match (a, b) {
            (None, other) | (other, None) => other.clone(),
            (Some(a), Some(b)) => Some(self.join_at(a.clone(), b.clone(), depth + 1)?),
        })
    }

    /// The node without what `excluded` lets through, where that can be said.
    pub(super) fn without(&mut self, node: Node, excluded: &Node) -> Result<Option<Node>> {
        Ok(Some(match (node, excluded) {
            (_, Node::Any) => Node::Never,
            (node, Node::Never) => node,
            (node, Node::Ref(id)) => {
                let target = self.target(*id)?;
                return self.without(node, &target);
            }
            (node, Node::Either(all)) => {
                let mut rest = node;
                for one in all.iter() {
                    match self.without(rest, one)? {
                        Some(less) => rest = less,
                        None => return Ok(None),
                    }
                }
                rest
            }
            (Node::Literal(value), excluded) => match self.accepts(excluded, &value)? {
                true => Node::Never,
                false => Node::Literal(value),
            },
            (Node::Either(all), excluded) => {
                let mut rest = Vec::new();
                for one in all.iter() {
                    match self.without(one.clone(), excluded)? {
                        Some(less) => rest.push(less),
                        None => return Ok(None),
                    }
                }
                Node::either(rest)
            }
            (node, Node::Shape(shape)) => return self.without_shape(node, shape),
            (node, Node::Literal(value)) => match &**value {
                Value::Null => {
                    return self.without_shape(
                        node,
                        &Shape {
                            null: true,
                            ..Shape::none()
                        },
                    );
                }
                // An empty text is one that is not long enough.
                Value::String(text) if text.is_empty() => {
                    let mut longer = Shape::any();
                    longer.text = Some(Text {
                        min: 1,
                        ..Text::default()
                    });
                    self.join(node, Node::shape(longer))?
                }
                _ => return Ok(None),
            },
        }))
    }

    /// Whole types, or the presence of one property.
    fn without_shape(&mut self, node: Node, excluded: &Shape) -> Result<Option<Node>> {
        let free = |shape: &Shape| {
            Node::shape(Shape {
                untyped: true,
                ..shape.clone()
            })
        };
        if !excluded.untyped {
            let all = Shape {
                null: true,
                boolean: true,
                number: excluded.number.clone().or(Some(Number::default())),
                text: excluded.text.clone().or(Some(Text::default())),
                array: excluded.array.clone().or(Some(Array::default())),
                object: excluded.object.clone().or(Some(Object::default())),
                untyped: true,
            };
            if !matches!(free(&all), Node::Any) {
                return Ok(None);
            }
            let any = Shape::any();
            let rest = Shape {
                untyped: false,
                null: !excluded.null,
                boolean: !excluded.boolean,
                number: any.number.filter(|_| excluded.number.is_none()),
                text: any.text.filter(|_| excluded.text.is_none()),
                array: any.array.filter(|_| excluded.array.is_none()),
                object: any.object.filter(|_| excluded.object.is_none()),
            };
            if rest.is_empty() {
                return Ok(Some(Node::Never));
            }
            return Ok(Some(self.join(node, Node::shape(rest))?));
        }
        // `{ "required": ["a"] }` lets through what is no object, too; nobody who excludes it means that.
        let Some(object) = &excluded.object else {
            return Ok(None);
        };
        let [name] = object.required.as_slice() else {
            return Ok(None);
        };
        let alone = Object {
            required: Vec::new(),
            ..object.clone()
        };
        let only = Shape {
            object: Some(alone),
            ..excluded.clone()
        };
        if !matches!(free(&only), Node::Any) {
            return Ok(None);
        }
        let absent = Object {
            properties: vec![(Rc::clone(name), Node::Never)],
            ..Object::default()
        };
        let absent = Shape {
            object: Some(absent),
            ..Shape::any()
        };
        Ok(Some(self.join(node, Node::shape(absent))?))
    }
}

fn join_numbers(a: &Number, b: &Number) -> Option<Number> {
    let mut joined = a.clone();
    joined.integer |= b.integer;
    joined.tighten(b.low.clone(), true);
    joined.tighten(b.high.clone(), false);
    for step in &b.multiples {
        if !joined.multiples.contains(step) {
            joined.multiples.push(step.clone());
        }
    }
    (!joined.excludes_all()).then_some(joined)
}

fn join_texts(a: &Text, b: &Text) -> Option<Text> {
    let joined = Text {
        min: a.min.max(b.min),
        max: least(a.max, b.max),
        patterns: a.patterns.iter().chain(&b.patterns).cloned().collect(),
    };
    (joined.max.is_none_or(|max| max >= joined.min)).then_some(joined)
}

fn least(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
