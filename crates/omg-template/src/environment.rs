//! Jinja2 as transformers sets it up: trimmed blocks, loop controls, no escaping, undefined names that print as nothing.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
};

use crate::{filters, methods, python_text, strftime, tojson};

/// What a template said by `raise_exception`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Raised(pub(crate) String);

static SYNTAX: LazyLock<SyntaxConfig> = LazyLock::new(|| {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .expect("the usual delimiters are valid")
});

/// An environment whose renders may do work for `fuel`.
pub(crate) fn new(fuel: u64) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_syntax(SYNTAX.clone());
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(print);
    environment.set_fuel(Some(fuel));
    environment.set_debug(true);
    environment.set_unknown_method_callback(methods::call);
    filters::add(&mut environment);
    environment.add_filter("tojson", tojson::tojson);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", |format: &str| {
        strftime::strftime_now(format)
    });
    environment
}

fn print(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) => out.write_str(text)?,
        None => out.write_str(&python_text::str_of(value))?,
    }
    Ok(())
}

fn raise_exception(message: &Value) -> Result<Value, Error> {
    let message = python_text::str_of(message);
    Err(Error::new(ErrorKind::InvalidOperation, message.clone()).with_source(Raised(message)))
}

/// transformers marks what the assistant writes with `{% generation %}` blocks, which print their content.
pub(crate) fn prepared(template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find("{%") {
        let (before, tag) = rest.split_at(start);
        out.push_str(before);
        let Some(end) = tag.find("%}") else { break };
        let (inside, after) = (&tag[2..end], &tag[end + 2..]);
        let (open, word, close) = parts(inside);
        match word {
            "generation" => out.extend(["{%", open, " with ", close, "%}"]),
            "endgeneration" => out.extend(["{%", open, " endwith ", close, "%}"]),
            _ => {
                out.push_str("{%");
                rest = &tag[2..];
                continue;
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A tag's content as its whitespace controls and the words between them.
fn parts(inside: &str) -> (&str, &str, &str) {
    let is_control = |c: char| c == '-' || c == '+';
    let open = if inside.starts_with(is_control) {
        &inside[..1]
    } else {
        ""
    };
    let rest = &inside[open.len()..];
    let close = if rest.ends_with(is_control) {
        &rest[rest.len() - 1..]
    } else {
        ""
    };
    (open, rest[..rest.len() - close.len()].trim(), close)
}

#[cfg(test)]
mod tests {
    use super::prepared;

    #[test]
    fn turns_generation_blocks_into_scopes() {
        assert_eq!(
            prepared("a{%- generation -%}b{% if x %}c{% endif %}{% endgeneration %}d"),
            "a{%- with -%}b{% if x %}c{% endif %}{% endwith %}d"
        );
        assert_eq!(
            prepared("{% set a = '%}' %}{{ '{%' }}"),
            "{% set a = '%}' %}{{ '{%' }}"
        );
        assert_eq!(prepared("{% open"), "{% open");
    }
}
