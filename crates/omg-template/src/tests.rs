//! The tests of Jinja2, what stands behind `is`.

use std::cmp::Ordering;
use std::sync::Arc;

use minijinja::value::{Rest, Tuple, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, State, Value};

use crate::arguments::bind;
use crate::compare::{order, same};
use crate::filters;
use crate::objects::{BoundMethod, Generator, Joiner, Macro, View};
use crate::operators::contains;
use crate::python::{self, is_dict, is_function, is_macro, refuse, type_name};
use crate::variables::LongInteger;

type Test = fn(&mut State<'_, '_>, &[Value]) -> Result<bool, Error>;

const TESTS: [(&str, Test); 39] = [
    ("!=", |state, a| Ok(!same(state, &a[0], &other(a)?)?)),
    ("<", |state, a| ordered(state, a, Ordering::is_lt)),
    ("<=", |state, a| ordered(state, a, Ordering::is_le)),
    ("==", |state, a| same(state, &a[0], &other(a)?)),
    (">", |state, a| ordered(state, a, Ordering::is_gt)),
    (">=", |state, a| ordered(state, a, Ordering::is_ge)),
    ("boolean", |_, a| Ok(a[0].kind() == ValueKind::Bool)),
    ("callable", |_, a| Ok(is_callable(&a[0]))),
    ("defined", |_, a| Ok(!a[0].is_undefined())),
    ("divisibleby", |_, a| divisible(a)),
    ("eq", |state, a| same(state, &a[0], &other(a)?)),
    ("equalto", |state, a| same(state, &a[0], &other(a)?)),
    ("escaped", |_, a| Ok(a[0].is_safe())),
    ("even", |_, a| remainder(&a[0]).map(|rest| rest == 0.0)),
    ("false", |_, a| {
        Ok(a[0].kind() == ValueKind::Bool && !a[0].is_true())
    }),
    ("filter", |_, a| {
        Ok(a[0].as_str().is_some_and(filters::is_known))
    }),
    ("float", |_, a| {
        Ok(a[0].kind() == ValueKind::Number && !a[0].is_integer())
    }),
    ("ge", |state, a| ordered(state, a, Ordering::is_ge)),
    ("greaterthan", |state, a| ordered(state, a, Ordering::is_gt)),
    ("gt", |state, a| ordered(state, a, Ordering::is_gt)),
    ("in", |state, a| contains(state, &other(a)?, &a[0])),
    ("integer", |_, a| Ok(is_integer(&a[0]))),
    ("iterable", |_, a| Ok(is_iterable(&a[0]))),
    ("le", |state, a| ordered(state, a, Ordering::is_le)),
    ("lessthan", |state, a| ordered(state, a, Ordering::is_lt)),
    ("lower", |state, a| {
        Ok(cased(
            &filters::soft(state, &a[0])?,
            char::is_lowercase,
            char::is_uppercase,
        ))
    }),
    ("lt", |state, a| ordered(state, a, Ordering::is_lt)),
    ("mapping", |_, a| Ok(is_dict(&a[0]))),
    ("ne", |state, a| Ok(!same(state, &a[0], &other(a)?)?)),
    ("none", |_, a| Ok(a[0].is_none())),
    ("number", |_, a| {
        Ok(matches!(a[0].kind(), ValueKind::Number | ValueKind::Bool) || is_integer(&a[0]))
    }),
    ("odd", |_, a| remainder(&a[0]).map(|rest| rest == 1.0)),
    ("sameas", |state, a| {
        is_same_object(state, &a[0], &other(a)?)
    }),
    ("sequence", |_, a| Ok(is_sequence(&a[0]))),
    ("string", |_, a| Ok(a[0].kind() == ValueKind::String)),
    ("test", |_, a| {
        Ok(a[0]
            .as_str()
            .is_some_and(|name| TESTS.iter().any(|(known, _)| *known == name)))
    }),
    ("true", |_, a| {
        Ok(a[0].kind() == ValueKind::Bool && a[0].is_true())
    }),
    ("undefined", |_, a| Ok(a[0].is_undefined())),
    ("upper", |state, a| {
        Ok(cased(
            &filters::soft(state, &a[0])?,
            char::is_uppercase,
            char::is_lowercase,
        ))
    }),
];

pub(crate) fn add(environment: &mut Environment<'static>) {
    for (name, test) in TESTS {
        environment.add_test(
            name,
            move |state: &mut State<'_, '_>, arguments: Rest<ValueOrKwargs>| {
                let arguments = arguments.into_values();
                if arguments.len() > 1 && !takes_another(name) {
                    return Err(refuse(format!("'is {name}' takes nothing else")));
                }
                test(state, &arguments)
            },
        );
    }
}

/// Whether a test compares with something.
fn takes_another(name: &str) -> bool {
    let compares = [
        "divisibleby",
        "eq",
        "equalto",
        "ge",
        "greaterthan",
        "gt",
        "in",
        "le",
        "lessthan",
        "lt",
        "ne",
        "sameas",
    ];
    compares.contains(&name) || !name.starts_with(char::is_alphabetic)
}

/// The one argument of a test.
fn other(arguments: &[Value]) -> Result<Value, Error> {
    Ok(bind("the test", &arguments[1..], ["other"], 1)?
        .required(0)
        .clone())
}

fn ordered(
    state: &State<'_, '_>,
    arguments: &[Value],
    holds: fn(Ordering) -> bool,
) -> Result<bool, Error> {
    order(state, &arguments[0], &other(arguments)?).map(holds)
}

fn is_integer(value: &Value) -> bool {
    value.kind() == ValueKind::Number && value.is_integer()
        || value.downcast_object_ref::<LongInteger>().is_some()
}

fn remainder(value: &Value) -> Result<f64, Error> {
    match (python::integer(value), python::number(value)) {
        (Some(i), _) => Ok(i.rem_euclid(2) as f64),
        (None, Some(f)) => Ok(f.rem_euclid(2.0)),
        _ => Err(refuse(format!(
            "{} is neither even nor odd",
            type_name(value)
        ))),
    }
}

fn divisible(arguments: &[Value]) -> Result<bool, Error> {
    let bound = bind("divisibleby", &arguments[1..], ["num"], 1)?;
    match (
        python::integer(&arguments[0]),
        python::integer(bound.required(0)),
    ) {
        (_, Some(0)) => Err(refuse("a number is divided by zero")),
        (Some(a), Some(b)) => Ok(a.wrapping_rem(b) == 0),
        _ => match (
            python::number(&arguments[0]),
            python::number(bound.required(0)),
        ) {
            (Some(a), Some(b)) if b != 0.0 => Ok(a % b == 0.0),
            _ => Err(refuse("divisibleby takes numbers")),
        },
    }
}

fn is_callable(value: &Value) -> bool {
    value.is_undefined()
        || is_macro(value)
        || value.downcast_object_ref::<Macro>().is_some()
        || is_function(value)
        || value.downcast_object_ref::<BoundMethod>().is_some()
        || value.downcast_object_ref::<Joiner>().is_some()
}

fn is_iterable(value: &Value) -> bool {
    match value.kind() {
        ValueKind::Undefined
        | ValueKind::String
        | ValueKind::Bytes
        | ValueKind::Seq
        | ValueKind::Iterable => true,
        ValueKind::Map => is_dict(value),
        _ => false,
    }
}

fn is_sequence(value: &Value) -> bool {
    is_iterable(value)
        && value.downcast_object_ref::<View>().is_none()
        && value.downcast_object_ref::<Generator>().is_none()
}

/// Equal dicts count as the same: minijinja does not tell them apart.
fn is_same_object(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<bool, Error> {
    if let (Some(a), Some(b)) = (
        a.downcast_object::<Vec<Value>>(),
        b.downcast_object::<Vec<Value>>(),
    ) {
        return Ok(Arc::ptr_eq(&a, &b));
    }
    if let (Some(a), Some(b)) = (a.downcast_object::<Tuple>(), b.downcast_object::<Tuple>()) {
        return Ok(Arc::ptr_eq(&a, &b));
    }
    Ok(a.kind() == b.kind() && a.is_integer() == b.is_integer() && same(state, a, b)?)
}

fn cased(text: &str, wanted: fn(char) -> bool, unwanted: fn(char) -> bool) -> bool {
    text.chars().any(wanted) && !text.chars().any(unwanted)
}
