//! `cycler` and `joiner`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value};

/// Gives its values in turn. It holds one at least.
#[derive(Debug)]
pub(crate) struct Cycler {
    values: Vec<Value>,
    at: AtomicUsize,
}

impl Cycler {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self {
            values,
            at: AtomicUsize::new(0),
        }
    }

    fn current(&self) -> Value {
        self.values[self.at.load(Ordering::Relaxed) % self.values.len()].clone()
    }
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str()? == "current").then(|| self.current())
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        _: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "next" => {
                let value = self.current();
                let next = (self.at.load(Ordering::Relaxed) + 1) % self.values.len();
                self.at.store(next, Ordering::Relaxed);
                Ok(value)
            }
            "reset" => {
                self.at.store(0, Ordering::Relaxed);
                Ok(Value::from(()))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<cycler>")
    }
}

/// Gives nothing at first, then its separator.
#[derive(Debug)]
pub(crate) struct Joiner {
    separator: Value,
    used: AtomicBool,
}

impl Joiner {
    pub(crate) fn new(separator: Value) -> Self {
        Self {
            separator,
            used: AtomicBool::new(false),
        }
    }
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        Ok(if self.used.swap(true, Ordering::Relaxed) {
            self.separator.clone()
        } else {
            Value::from("")
        })
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<joiner>")
    }
}
