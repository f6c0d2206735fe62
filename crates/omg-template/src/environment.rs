//! Jinja2 as transformers sets it up: trimmed blocks, loop controls, no escaping, undefined names that print as nothing.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value};

use crate::filters::markup::escaped;
use crate::python_text::text_of;
use crate::{filters, functions, methods, operators, tests};

/// What a template said by `raise_exception`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Raised(pub(crate) String);

/// Calls within calls; a macro counts as four. Python's own limit lets some 150 macros call each other.
const DEEPEST_CALLS: usize = 4 * 160;

static SYNTAX: LazyLock<SyntaxConfig> = LazyLock::new(|| {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .expect("the usual delimiters are valid")
});

/// An environment whose renders may do work for `fuel`. All that it holds comes from this crate.
pub(crate) fn new(fuel: u64) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_syntax(SYNTAX.clone());
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(print);
    environment.set_fuel(Some(fuel));
    environment.set_recursion_limit(DEEPEST_CALLS);
    environment.set_unknown_method_callback(methods::call);
    filters::add(&mut environment);
    functions::add(&mut environment);
    operators::add(&mut environment);
    tests::add(&mut environment);
    environment
}

fn print(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let escapes = !matches!(state.auto_escape(), AutoEscape::None) && !value.is_safe();
    match value.as_str().filter(|_| value.kind() == ValueKind::String) {
        Some(text) if !escapes => out.write_str(text)?,
        _ => {
            let text = text_of(state, value)?;
            out.write_str(&if escapes { escaped(&text) } else { text })?;
        }
    }
    Ok(())
}
