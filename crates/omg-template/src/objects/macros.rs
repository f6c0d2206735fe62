//! Macros whose arguments are bound as Jinja2 binds them.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Kwargs, Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value};

use super::dict_of;
use crate::arguments::split;
use crate::python;

/// What a parameter holds that no argument was given for.
#[derive(Debug)]
pub(crate) struct Missing;

impl Object for Missing {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

/// A macro around the one that minijinja made, which takes every parameter and then `varargs` and `kwargs` in a row.
#[derive(Debug)]
pub(crate) struct Macro {
    pub(crate) inner: Value,
    pub(crate) name: String,
    pub(crate) parameters: Vec<String>,
    pub(crate) takes_more: bool,
    pub(crate) takes_names: bool,
    pub(crate) takes_caller: bool,
}

impl Macro {
    fn bound(&self, state: &State<'_, '_>, arguments: &[Value]) -> Result<Vec<Value>, Error> {
        let too_many = |what: String| Error::new(ErrorKind::TooManyArguments, what);
        let (positional, named) = split(arguments);
        let count = self.parameters.len();
        if positional.len() > count && !self.takes_more {
            return Err(too_many(format!(
                "macro '{}' takes {count} at most",
                self.name
            )));
        }
        let (first, more) = positional.split_at(count.min(positional.len()));
        let mut values: Vec<Option<Value>> = first.iter().cloned().map(Some).collect();
        values.resize(count, None);
        let mut others = Vec::new();
        let mut caller = None;
        for (name, value) in named {
            match self
                .parameters
                .iter()
                .position(|parameter| *parameter == name)
            {
                Some(at) if values[at].is_some() => {
                    return Err(too_many(format!(
                        "macro '{}' got '{name}' twice",
                        self.name
                    )));
                }
                Some(at) => values[at] = Some(value),
                None if name == "caller" && self.takes_caller => caller = Some(value),
                None => others.push((name, value)),
            }
        }
        if let Some((name, _)) = others.first().filter(|_| !self.takes_names) {
            return Err(too_many(format!(
                "macro '{}' has no parameter '{name}'",
                self.name
            )));
        }
        let missing = || Value::from_object(Missing);
        let mut all: Vec<Value> = values
            .into_iter()
            .map(|value| value.unwrap_or_else(missing))
            .collect();
        python::charge(state, all.len() * 32)?;
        all.push(python::tuple(more.to_vec()));
        all.push(dict_of(others));
        all.extend(caller.map(|caller| Value::from(Kwargs::from_iter([("caller", caller)]))));
        Ok(all)
    }
}

impl Object for Macro {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "name" => Value::from(self.name.as_str()),
            "arguments" => python::tuple(
                self.parameters
                    .iter()
                    .map(|name| Value::from(name.as_str()))
                    .collect(),
            ),
            "catch_varargs" => Value::from(self.takes_more),
            "catch_kwargs" => Value::from(self.takes_names),
            "caller" => Value::from(self.takes_caller),
            _ => return None,
        })
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let bound = self.bound(state, args)?;
        self.inner.call(state, &bound)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Macro '{}'>", self.name)
    }
}
