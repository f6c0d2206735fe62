//! The keywords of a schema that hold for values of every type.

use std::collections::HashMap;
use std::fmt::Display;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::place::Place;
use super::refs::Refs;
use super::shape::{Node, Object, Shape};
use crate::error::{EngineError, Result};
use crate::grammar::invalid;

/// Deeper documents are not read from text either.
const MAX_DEPTH: usize = 128;
const MAX_REFS: usize = 2_000;
/// Names with conditions of their own double the ways to write an object.
const MOST_CONDITIONS: usize = 4;
/// Left out of a schema without `strict`, and listed.
const MOST_LEFT_OUT: usize = 20;
/// Schemas that may be read and joined: what multiplies ends here.
const MOST_WORK: usize = 200_000;

/// Assertions of JSON Schema that no grammar follows.
const UNSUPPORTED: &[&str] = &["else", "if", "maxContains", "then"];

pub(super) struct Reader<'a> {
    strict: bool,
    refs: Refs<'a>,
    by_reference: HashMap<String, usize>,
    targets: Vec<Target<'a>>,
    left_out: Vec<String>,
    work: usize,
}

struct Target<'a> {
    value: &'a Value,
    path: String,
    node: Option<Node>,
    reading: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(schema: &'a Value, strict: bool) -> Self {
        Self {
            strict,
            refs: Refs::of(schema),
            by_reference: HashMap::new(),
            targets: Vec::new(),
            left_out: Vec::new(),
            work: MOST_WORK,
        }
    }

    /// What is not enforced, by its place.
    pub(super) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    pub(super) fn schema(
        &mut self,
        schema: &Value,
        place: Place<'_>,
        depth: usize,
    ) -> Result<Node> {
        self.work(1)?;
        if depth > MAX_DEPTH {
            return Err(invalid(format!(
                "schema: is nested deeper than {MAX_DEPTH} levels"
            )));
        }
        let map = match schema {
            Value::Bool(true) => return Ok(Node::Any),
            Value::Bool(false) => return Ok(Node::Never),
            Value::Object(map) => map,
            _ => return Err(wrong(place, "must be an object")),
        };
        let mut node = self.types(map, place, depth)?;
        node = self.values(map, node, place)?;
        node = self.combined(map, node, place, depth)?;
        node = self.conditions(map, node, place, depth)?;
        for key in UNSUPPORTED.iter().filter(|key| map.contains_key(**key)) {
            // Neither says anything without `if`.
            if *key == "if" || map.contains_key("if") || *key == "maxContains" {
                self.cannot(place.key(key))?;
            }
        }
        if map.get("nullable") == Some(&Value::Bool(true)) {
            let null = Shape {
                null: true,
                ..Shape::none()
            };
            let null = Node::shape(null);
            if !self.accepts(&node, &Value::Null)? {
                node = Node::either([node, null]);
            }
        }
        if node.is_never() && !says_never(map) {
            return Err(wrong(place, "no value satisfies it"));
        }
        Ok(node)
    }

    /// `const` and `enum`.
    fn values(&mut self, map: &Map<String, Value>, node: Node, place: Place<'_>) -> Result<Node> {
        let mut node = node;
        if let Some(value) = map.get("const") {
            node = self.join(node, Node::Literal(Rc::new(value.clone())))?;
        }
        match map.get("enum") {
            None | Some(Value::Null) => Ok(node),
            Some(Value::Array(values)) => {
                let all = values.iter().map(|v| Node::Literal(Rc::new(v.clone())));
                self.join(node, Node::either(all))
            }
            Some(_) => Err(wrong(place.key("enum"), "must be a list")),
        }
    }

    fn combined(
        &mut self,
        map: &Map<String, Value>,
        node: Node,
        place: Place<'_>,
        depth: usize,
    ) -> Result<Node> {
        let mut node = node;
        for key in ["$ref", "$dynamicRef", "$recursiveRef"] {
            if let Some(value) = given(map, key) {
                let at = place.key(key);
                let Some(reference) = value.as_str() else {
                    return Err(wrong(at, "must be text"));
                };
                let target = self.reference(reference, at)?;
                node = self.join(node, target)?;
            }
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            let at = place.key(key);
            let parts = match given(map, key) {
                None => continue,
                Some(Value::Array(parts)) => parts,
                Some(_) => return Err(wrong(at, "must be a list")),
            };
            let mut all = Vec::with_capacity(parts.len());
            for (i, part) in parts.iter().enumerate() {
                all.push(self.schema(part, at.item(i), depth + 1)?);
            }
            node = match key {
                "allOf" => {
                    let mut joined = node;
                    for part in all {
                        joined = self.join(joined, part)?;
                    }
                    joined
                }
                // Nobody writes one that nothing satisfies.
                _ if all.is_empty() => node,
                _ => {
                    if key == "oneOf" && self.strict && !self.are_disjoint(&all)? {
                        self.cannot(at)?;
                    }
                    self.join(node, Node::either(all))?
                }
            };
        }
        Ok(node)
    }

    /// `not`, what depends on the presence of a property, and `unevaluated…`, which speaks of all the rest.
    fn conditions(
        &mut self,
        map: &Map<String, Value>,
        node: Node,
        place: Place<'_>,
        depth: usize,
    ) -> Result<Node> {
        let mut node = node;
        if let Some(schema) = given(map, "not") {
            let at = place.key("not");
            let excluded = self.schema(schema, at, depth + 1)?;
            node = match self.without(node.clone(), &excluded)? {
                Some(rest) => rest,
                None => {
                    self.cannot(at)?;
                    node
                }
            };
        }
        let mut conditions = 0;
        for key in ["dependentRequired", "dependentSchemas", "dependencies"] {
            let at = place.key(key);
            let members = match given(map, key) {
                None => continue,
                Some(Value::Object(members)) => members,
                Some(_) => return Err(wrong(at, "must be an object")),
            };
            for (name, member) in members {
                conditions += 1;
                if conditions > MOST_CONDITIONS {
                    self.cannot(at)?;
                    break;
                }
                let then = match member {
                    Value::Array(names) => Node::shape(self.requiring(names, at.key(name))?),
                    schema => self.schema(schema, at.key(name), depth + 1)?,
                };
                let with = self.requiring(&[Value::from(name.as_str())], at)?;
                let with = self.join(Node::shape(with), then)?;
                let without = Node::shape(objects(Object {
                    properties: vec![(name.as_str().into(), Node::Never)],
                    ..Object::default()
                }));
                node = self.join(node, Node::either([without, with]))?;
            }
        }
        for (key, of_objects) in [("unevaluatedProperties", true), ("unevaluatedItems", false)] {
            match given(map, key) {
                None | Some(Value::Bool(true)) => {}
                Some(Value::Bool(false)) if closes(&node) => node = closed(&node, of_objects),
                Some(_) => self.cannot(place.key(key))?,
            }
        }
        Ok(node)
    }

    fn requiring(&self, names: &[Value], place: Place<'_>) -> Result<Shape> {
        let required = names
            .iter()
            .map(|name| name.as_str().map(Into::into))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| wrong(place, "must be a list of names"))?;
        Ok(objects(Object {
            required,
            ..Object::default()
        }))
    }

    fn reference(&mut self, reference: &str, place: Place<'_>) -> Result<Node> {
        if let Some(id) = self.by_reference.get(reference) {
            return Ok(Node::Ref(*id));
        }
        if self.targets.len() >= MAX_REFS {
            return Err(invalid(format!(
                "schema: has more than {MAX_REFS} places that $ref leads to"
            )));
        }
        let Some(target) = self.refs.target(reference) else {
            let shown: String = reference.chars().take(120).collect();
            let what = match reference.contains("://") && !reference.starts_with('#') {
                true => "is not fetched; put the schema under $defs",
                false => "is not in the schema",
            };
            return Err(wrong(place, format!("{shown:?} {what}")));
        };
        let id = self.targets.len();
        self.targets.push(Target {
            value: target.value,
            path: target.path,
            node: None,
            reading: false,
        });
        self.by_reference.insert(reference.to_owned(), id);
        Ok(Node::Ref(id))
    }

    /// What a reference leads to, never another reference.
    pub(super) fn target(&mut self, id: usize) -> Result<Node> {
        let mut seen = Vec::new();
        let mut id = id;
        loop {
            if let Some(node) = &self.targets[id].node {
                match node {
                    Node::Ref(next) => {
                        seen.push(id);
                        if seen.contains(next) {
                            return Err(self.endless(id));
                        }
                        id = *next;
                        continue;
                    }
                    node => return Ok(node.clone()),
                }
            }
            if self.targets[id].reading {
                return Err(self.endless(id));
            }
            self.targets[id].reading = true;
            let (value, path) = (self.targets[id].value, self.targets[id].path.clone());
            let node = self.schema(value, Place::root(&path), 0)?;
            let target = &mut self.targets[id];
            target.reading = false;
            target.node = Some(node);
        }
    }

    fn endless(&self, id: usize) -> EngineError {
        invalid(format!(
            "{}: refers to itself without end",
            self.targets[id].path
        ))
    }

    /// A keyword that cannot be enforced: refused, or left out.
    pub(super) fn cannot(&mut self, place: Place<'_>) -> Result<()> {
        self.cannot_because(place, "this keyword cannot be enforced")
    }

    pub(super) fn cannot_because(&mut self, place: Place<'_>, why: impl Display) -> Result<()> {
        if self.strict {
            return Err(wrong(
                place,
                format!("{why}; leave it out, or ask for the schema without strict"),
            ));
        }
        self.leave_out(format!("{place}: {why}"));
        Ok(())
    }

    /// As `cannot`, for what only shows once the parts of a schema are one, when its place is no longer known.
    pub(super) fn cannot_together(&mut self, what: &str) -> Result<()> {
        if self.strict {
            return Err(invalid(format!(
                "schema: {what} cannot be enforced; leave some out, or ask for the schema without strict"
            )));
        }
        self.leave_out(format!("schema: {what}"));
        Ok(())
    }

    fn leave_out(&mut self, what: String) {
        if self.left_out.len() < MOST_LEFT_OUT {
            self.left_out.push(what);
        }
    }

    pub(super) fn is_strict(&self) -> bool {
        self.strict
    }

    pub(super) fn work(&mut self, amount: usize) -> Result<()> {
        match self.work.checked_sub(amount) {
            Some(left) => {
                self.work = left;
                Ok(())
            }
            None => Err(invalid("schema: is too large once its parts are joined")),
        }
    }
}

/// A keyword's value; null says nothing, as some programs write for what is not set.
pub(super) fn given<'m>(map: &'m Map<String, Value>, key: &str) -> Option<&'m Value> {
    map.get(key).filter(|value| !value.is_null())
}

pub(super) fn wrong(place: Place<'_>, what: impl Display) -> EngineError {
    invalid(format!("{place}: {what}"))
}

/// Objects of a shape, and every value that is none.
fn objects(object: Object) -> Shape {
    Shape {
        object: Some(object),
        ..Shape::any()
    }
}

/// The schema says in plain words that there is no such value.
fn says_never(map: &Map<String, Value>) -> bool {
    let all = |key: &str| map.get(key).and_then(Value::as_array);
    map.contains_key("not")
        || all("allOf").is_some_and(|parts| parts.contains(&Value::Bool(false)))
        || ["anyOf", "oneOf"].iter().any(|key| {
            all(key).is_some_and(|parts| parts.iter().all(|part| *part == Value::Bool(false)))
        })
}

/// All that it lets through is known here.
fn closes(node: &Node) -> bool {
    match node {
        Node::Shape(_) | Node::Literal(_) | Node::Never => true,
        Node::Either(all) => all.iter().all(closes),
        Node::Any | Node::Ref(_) => false,
    }
}

fn closed(node: &Node, of_objects: bool) -> Node {
    match node {
        Node::Shape(shape) => {
            let mut shape = Shape::clone(shape);
            match (&mut shape.object, &mut shape.array) {
                (Some(object), _) if of_objects => {
                    object.others.get_or_insert(Node::Never);
                    object.names_its_properties = true;
                }
                (_, Some(array)) if !of_objects && matches!(array.items, Node::Any) => {
                    array.items = Node::Never;
                }
                _ => {}
            }
            Node::shape(shape)
        }
        Node::Either(all) => Node::either(all.iter().map(|node| closed(node, of_objects))),
        node => node.clone(),
    }
}
