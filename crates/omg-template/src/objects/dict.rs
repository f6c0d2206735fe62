//! Dicts, their views, and methods as values.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Error, State, Value};

use crate::methods;

/// A dict of pairs; of a repeated key the last value counts, at the place of the first.
pub(crate) fn dict_of<K: Into<Value>>(pairs: impl IntoIterator<Item = (K, Value)>) -> Value {
    Value::from_pairs(pairs.into_iter().map(|(key, value)| (key.into(), value)))
}

/// A method that is not called yet.
#[derive(Debug)]
pub(crate) struct BoundMethod {
    pub(crate) of: Value,
    pub(crate) name: String,
}

impl Object for BoundMethod {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        methods::call(state, &self.of, &self.name, args)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<built-in method {}>", self.name)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ViewOf {
    Keys,
    Values,
    Items,
}

/// What `keys`, `values` and `items` of a dict give.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) dict: Value,
    pub(crate) of: ViewOf,
}

impl View {
    pub(crate) fn len(&self) -> usize {
        self.dict.len().unwrap_or(0)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.of {
            ViewOf::Keys => "dict_keys",
            ViewOf::Values => "dict_values",
            ViewOf::Items => "dict_items",
        }
    }
}

impl Object for View {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    /// A view has no items by number.
    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::UNDEFINED)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let of = self.of;
        let pairs = self
            .dict
            .as_object()
            .and_then(|dict| dict.clone().try_iter_pairs());
        match pairs {
            Some(pairs) => Enumerator::Iter(Box::new(pairs.map(move |(key, value)| match of {
                ViewOf::Keys => key,
                ViewOf::Values => value,
                ViewOf::Items => crate::python::tuple(vec![key, value]),
            }))),
            None => Enumerator::Empty,
        }
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.len())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
