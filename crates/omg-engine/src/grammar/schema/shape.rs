use std::rc::Rc;

use serde_json::Value;

use super::decimal::Decimal;
use super::pattern::Pattern;

/// What a schema lets through, with everything that must hold together joined.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Any,
    Never,
    /// Exactly this value.
    Literal(Rc<Value>),
    Shape(Rc<Shape>),
    /// At least one of them.
    Either(Rc<[Node]>),
    /// The schema that a `$ref` leads to, by its number.
    Ref(usize),
}

/// Values by their type; a part that is missing lets none of that type through.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// The schema names no type, and some are only here because JSON Schema says so: one that has `properties` means objects.
    pub(super) untyped: bool,
    pub(super) null: bool,
    pub(super) boolean: bool,
    pub(super) number: Option<Number>,
    pub(super) text: Option<Text>,
    pub(super) array: Option<Array>,
    pub(super) object: Option<Object>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Number {
    pub(super) integer: bool,
    pub(super) low: Option<Bound>,
    pub(super) high: Option<Bound>,
    pub(super) multiples: Vec<Decimal>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    pub(super) value: Decimal,
    pub(super) inclusive: bool,
}

/// Lengths are counted in characters.
#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    pub(super) min: u64,
    pub(super) max: Option<u64>,
    pub(super) patterns: Vec<Rc<Pattern>>,
}

#[derive(Debug, Clone)]
pub(super) struct Array {
    pub(super) prefix: Vec<Node>,
    pub(super) items: Node,
    pub(super) min: u64,
    pub(super) max: Option<u64>,
    /// So many items, at least, are such.
    pub(super) contains: Option<(Node, u64)>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Object {
    /// In the order of the schema.
    pub(super) properties: Vec<(Rc<str>, Node)>,
    /// `properties` is there, if only to say that there are none.
    pub(super) names_its_properties: bool,
    pub(super) patterns: Vec<(Rc<Pattern>, Node)>,
    pub(super) others: Option<Node>,
    pub(super) required: Vec<Rc<str>>,
    pub(super) min: u64,
    pub(super) max: Option<u64>,
    /// Every name is such a text.
    pub(super) names: Option<Node>,
}

impl Bound {
    pub(super) fn closed(value: Decimal) -> Self {
        Self {
            value,
            inclusive: true,
        }
    }

    pub(super) fn negated(&self) -> Self {
        Self {
            value: self.value.negated(),
            inclusive: self.inclusive,
        }
    }
}

impl Default for Array {
    fn default() -> Self {
        Self {
            prefix: Vec::new(),
            items: Node::Any,
            min: 0,
            max: None,
            contains: None,
        }
    }
}

impl Node {
    pub(super) fn shape(shape: Shape) -> Self {
        let any = shape.untyped && shape.says_nothing();
        if any {
            Self::Any
        } else {
            Self::Shape(Rc::new(shape))
        }
    }

    /// One of these, without those that nothing satisfies.
    pub(super) fn either(nodes: impl IntoIterator<Item = Node>) -> Self {
        let mut all = Vec::new();
        for node in nodes {
            match node {
                Self::Any => return Self::Any,
                Self::Never => {}
                Self::Either(inner) => all.extend(inner.iter().cloned()),
                node => all.push(node),
            }
        }
        match all.len() {
            0 => Self::Never,
            1 => all.swap_remove(0),
            _ => Self::Either(all.into()),
        }
    }

    pub(super) fn is_never(&self) -> bool {
        matches!(self, Self::Never)
    }
}

impl Shape {
    pub(super) fn none() -> Self {
        Self {
            untyped: false,
            null: false,
            boolean: false,
            number: None,
            text: None,
            array: None,
            object: None,
        }
    }

    pub(super) fn any() -> Self {
        Self {
            untyped: true,
            null: true,
            boolean: true,
            number: Some(Number::default()),
            text: Some(Text::default()),
            array: Some(Array::default()),
            object: Some(Object::default()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.null
            && !self.boolean
            && self.number.is_none()
            && self.text.is_none()
            && self.array.is_none()
            && self.object.is_none()
    }

    /// Of no type that is let through.
    fn says_nothing(&self) -> bool {
        self.number.as_ref().is_none_or(Number::is_free)
            && self.text.as_ref().is_none_or(Text::is_free)
            && self.array.as_ref().is_none_or(Array::is_free)
            && self.object.as_ref().is_none_or(Object::is_free)
    }

    /// The types that the schema speaks of, where it names none.
    pub(super) fn meant(&self) -> Self {
        if !self.untyped || self.says_nothing() {
            return self.clone();
        }
        Self {
            untyped: false,
            null: false,
            boolean: false,
            number: self.number.clone().filter(|n| !n.is_free()),
            text: self.text.clone().filter(|t| !t.is_free()),
            array: self.array.clone().filter(|a| !a.is_free()),
            object: self.object.clone().filter(|o| !o.is_free()),
        }
    }
}

impl Number {
    fn is_free(&self) -> bool {
        !self.integer && self.low.is_none() && self.high.is_none() && self.multiples.is_empty()
    }
}

impl Text {
    pub(super) fn is_free(&self) -> bool {
        self.min == 0 && self.max.is_none() && self.patterns.is_empty()
    }
}

impl Array {
    fn is_free(&self) -> bool {
        self.prefix.is_empty()
            && matches!(self.items, Node::Any)
            && self.min == 0
            && self.max.is_none()
            && self.contains.is_none()
    }
}

impl Object {
    fn is_free(&self) -> bool {
        self.properties.is_empty()
            && !self.names_its_properties
            && self.patterns.is_empty()
            && self.others.is_none()
            && self.required.is_empty()
            && self.min == 0
            && self.max.is_none()
            && self.names.is_none()
    }

    /// What `name` may hold beside what `properties` says.
    pub(super) fn unnamed(&self, name: &str) -> Vec<Node> {
        let matching: Vec<Node> = self
            .patterns
            .iter()
            .filter(|(pattern, _)| pattern.is_found_in(name))
            .map(|(_, node)| node.clone())
            .collect();
        match matching.is_empty() {
            true => self.others.iter().cloned().collect(),
            false => matching,
        }
    }
}
