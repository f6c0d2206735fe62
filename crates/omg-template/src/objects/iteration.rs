//! Ranges and iterators.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

use crate::operators::bounds;

/// `range(start, stop, step)`, whose step is not zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) start: i64,
    pub(crate) stop: i64,
    pub(crate) step: i64,
}

impl Range {
    pub(crate) fn len(self) -> usize {
        let (from, to, step) = if self.step > 0 {
            (self.start, self.stop, self.step)
        } else {
            (self.stop, self.start, self.step.saturating_neg())
        };
        let span = i128::from(to) - i128::from(from);
        let step = i128::from(step);
        usize::try_from((span + step - 1) / step).unwrap_or(0)
    }

    /// Whether both give the same numbers.
    pub(crate) fn equals(self, other: Self) -> bool {
        let length = self.len();
        length == other.len()
            && (length == 0 || self.start == other.start)
            && (length < 2 || self.step == other.step)
    }

    pub(crate) fn slice(self, start: Option<i64>, stop: Option<i64>, step: i64) -> Self {
        let (from, to) = bounds(self.len(), start, stop, step);
        let at = |index: i64| self.start.saturating_add(index.saturating_mul(self.step));
        Self {
            start: at(from),
            stop: at(to),
            step: self.step.saturating_mul(step),
        }
    }

    fn get(self, at: usize) -> Option<Value> {
        if at >= self.len() {
            return None;
        }
        let at = i64::try_from(at).ok()?;
        Some(Value::from(self.start + at * self.step))
    }
}

impl Object for Range {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get(key.as_usize()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.len())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "range({}, {}", self.start, self.stop)?;
        if self.step != 1 {
            write!(f, ", {}", self.step)?;
        }
        f.write_str(")")
    }
}

/// A Python generator: it is true, has no length and gives each item once.
#[derive(Debug)]
pub(crate) struct Generator(Mutex<std::vec::IntoIter<Value>>);

impl Generator {
    pub(crate) fn new(items: Vec<Value>) -> Self {
        Self(Mutex::new(items.into_iter()))
    }

    pub(crate) fn next(&self) -> Option<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}

impl Object for Generator {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    /// A generator has no items by number.
    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::UNDEFINED)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let generator = self.clone();
        Enumerator::Iter(Box::new(std::iter::from_fn(move || generator.next())))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        None
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<generator object>")
    }
}

/// A pair that `groupby` gives: a tuple whose parts also have names.
#[derive(Debug)]
pub(crate) struct Group {
    grouper: Value,
    list: Value,
}

impl Group {
    pub(crate) fn new(grouper: Value, items: Vec<Value>) -> Self {
        Self {
            grouper,
            list: Value::from_object(items),
        }
    }
}

impl Object for Group {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match (key.as_usize(), key.as_str()) {
            (Some(0), _) | (_, Some("grouper")) => Some(self.grouper.clone()),
            (Some(1), _) | (_, Some("list")) => Some(self.list.clone()),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(2)
    }
}
