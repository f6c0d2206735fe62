//! Whether no value satisfies two parts of a schema, so that any of them is exactly one of them.

use std::collections::HashMap;

use super::read::Reader;
use super::shape::{Node, Number, Object, Shape};
use crate::error::Result;

/// Comparing all with all ends here.
const MOST_PARTS: usize = 200;
const MAX_DEPTH: usize = 16;

impl Reader<'_> {
    pub(super) fn are_disjoint(&mut self, nodes: &[Node]) -> Result<bool> {
        if nodes.len() > MOST_PARTS {
            return Ok(false);
        }
        for (i, a) in nodes.iter().enumerate() {
            for b in &nodes[i + 1..] {
                if !self.disjoint(a, b, 0)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn disjoint(&mut self, a: &Node, b: &Node, depth: usize) -> Result<bool> {
        self.work(1)?;
        if depth > MAX_DEPTH {
            return Ok(false);
        }
        Ok(match (a, b) {
            (Node::Never, _) | (_, Node::Never) => true,
            (Node::Any, _) | (_, Node::Any) => false,
            (Node::Either(all), other) | (other, Node::Either(all)) => {
                for node in all.iter() {
                    if !self.disjoint(node, other, depth + 1)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Node::Ref(id), other) | (other, Node::Ref(id)) => {
                let target = self.target(*id)?;
                self.disjoint(&target, other, depth + 1)?
            }
            (Node::Literal(value), node) | (node, Node::Literal(value)) => {
                !self.accepts(node, value)?
            }
            (Node::Shape(a), Node::Shape(b)) => self.disjoint_shapes(a, b, depth)?,
        })
    }

    fn disjoint_shapes(&mut self, a: &Shape, b: &Shape, depth: usize) -> Result<bool> {
        let (a, b) = (a.meant(), b.meant());
        if a.null && b.null || a.boolean && b.boolean {
            return Ok(false);
        }
        let texts = a.text.as_ref().zip(b.text.as_ref());
        let texts_apart = texts.is_none_or(|(a, b)| {
            a.max.is_some_and(|max| max < b.min) || b.max.is_some_and(|max| max < a.min)
        });
        let numbers = a.number.as_ref().zip(b.number.as_ref());
        let arrays = a.array.as_ref().zip(b.array.as_ref());
        let arrays_apart = arrays.is_none_or(|(a, b)| {
            a.max.is_some_and(|max| max < b.min) || b.max.is_some_and(|max| max < a.min)
        });
        if !texts_apart || !arrays_apart || numbers.is_some_and(|(a, b)| !numbers_apart(a, b)) {
            return Ok(false);
        }
        match (&a.object, &b.object) {
            (Some(a), Some(b)) => self.disjoint_objects(a, b, depth),
            _ => Ok(true),
        }
    }

    fn disjoint_objects(&mut self, a: &Object, b: &Object, depth: usize) -> Result<bool> {
        let named = |object: &Object| -> HashMap<String, Node> {
            object
                .properties
                .iter()
                .map(|(k, n)| (k.to_string(), n.clone()))
                .collect()
        };
        let (of_a, of_b) = (named(a), named(b));
        for name in a.required.iter().chain(&b.required) {
            let of = |object: &Object, named: &HashMap<String, Node>| match named.get(&**name) {
                Some(node) => vec![node.clone()],
                None => object.unnamed(name),
            };
            for x in of(a, &of_a) {
                for y in of(b, &of_b) {
                    if self.disjoint(&x, &y, depth + 1)? {
                        return Ok(true);
                    }
                }
            }
            // One needs what the other has no room for.
            if of(a, &of_a).iter().chain(&of(b, &of_b)).any(Node::is_never) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn numbers_apart(a: &Number, b: &Number) -> bool {
    let mut both = a.clone();
    both.integer |= b.integer;
    both.tighten(b.low.clone(), true);
    both.tighten(b.high.clone(), false);
    both.excludes_all()
}
