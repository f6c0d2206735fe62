//! The arguments of a call, bound to parameters by Python's rules.

use minijinja::value::{Kwargs, Rest, ValueOrKwargs};
use minijinja::{Error, ErrorKind, State, Value};

use crate::python::{self, refuse, type_name};

/// What filters, functions and methods are here: their arguments, keyword arguments last, in; a value out.
pub(crate) type Callable = fn(&mut State<'_, '_>, &[Value]) -> Result<Value, Error>;

/// A callable as minijinja takes it, with nothing of its arguments converted.
pub(crate) fn raw(
    callable: Callable,
) -> impl Fn(&mut State<'_, '_>, Rest<ValueOrKwargs>) -> Result<Value, Error> + Send + Sync + 'static
{
    move |state, arguments| callable(state, &arguments.into_values())
}

/// Arguments and their keyword arguments apart.
pub(crate) fn split(arguments: &[Value]) -> (&[Value], Vec<(String, Value)>) {
    match arguments.split_last() {
        Some((last, positional)) if last.is_kwargs() => {
            let named = Kwargs::try_from(last.clone()).map(|kwargs| {
                let names: Vec<String> = kwargs.args().map(str::to_owned).collect();
                names
                    .into_iter()
                    .map(|name| {
                        let value = kwargs.peek(&name).unwrap_or_default();
                        (name, value)
                    })
                    .collect()
            });
            (positional, named.unwrap_or_default())
        }
        _ => (arguments, Vec::new()),
    }
}

/// Arguments in the order of their parameters.
#[derive(Debug)]
pub(crate) struct Bound<const N: usize>([Option<Value>; N]);

/// Binds the arguments of `name` to `parameters`, of which the first `required` must be given. A parameter that starts with `/`
/// is positional only.
pub(crate) fn bind<const N: usize>(
    name: &str,
    arguments: &[Value],
    parameters: [&str; N],
    required: usize,
) -> Result<Bound<N>, Error> {
    let (positional, named) = split(arguments);
    if positional.len() > N {
        return Err(Error::new(
            ErrorKind::TooManyArguments,
            format!("{name} takes {N} at most, {} given", positional.len()),
        ));
    }
    let mut values: [Option<Value>; N] = std::array::from_fn(|at| positional.get(at).cloned());
    for (key, value) in named {
        let Some(at) = parameters.iter().position(|parameter| *parameter == key) else {
            return Err(Error::new(
                ErrorKind::TooManyArguments,
                format!("{name} has no parameter '{key}'"),
            ));
        };
        if values[at].replace(value).is_some() {
            return Err(Error::new(
                ErrorKind::TooManyArguments,
                format!("{name} got '{key}' twice"),
            ));
        }
    }
    if let Some(at) = values[..required].iter().position(Option::is_none) {
        return Err(Error::new(
            ErrorKind::MissingArgument,
            format!("{name} needs '{}'", parameters[at].trim_start_matches('/')),
        ));
    }
    Ok(Bound(values))
}

impl<const N: usize> Bound<N> {
    pub(crate) fn get(&self, at: usize) -> Option<&Value> {
        self.0[at].as_ref()
    }

    /// An argument that is given and not `none`.
    pub(crate) fn set(&self, at: usize) -> Option<&Value> {
        self.get(at).filter(|value| !value.is_none())
    }

    pub(crate) fn required(&self, at: usize) -> &Value {
        self.0[at]
            .as_ref()
            .expect("`bind` was told that it is required")
    }

    /// A Boolean by the truth of what is given.
    pub(crate) fn truth(&self, at: usize, default: bool) -> bool {
        self.get(at).map_or(default, python::truth)
    }

    /// A whole number; `none` is none.
    pub(crate) fn integer(&self, at: usize, default: i64) -> Result<i64, Error> {
        self.get(at).map_or(Ok(default), python::index)
    }

    /// Text and nothing that could become text.
    pub(crate) fn text(&self, at: usize) -> Result<Option<&str>, Error> {
        match self.get(at) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text)),
                None => Err(refuse(format!("text expected, not {}", type_name(value)))),
            },
        }
    }
}
