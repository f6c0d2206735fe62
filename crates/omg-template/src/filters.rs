//! Filters of Jinja2 that minijinja lacks, or has with other results.

use minijinja::{Environment, Error, State, Value};

use crate::python_text::{repr_of, str_of};

pub(crate) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("string", |value: &Value| str_of(value));
    environment.add_filter("center", center);
    environment.add_filter("forceescape", |value: &Value| escaped(&str_of(value)));
    environment.add_filter("pprint", |value: &Value| repr_of(value));
    environment.add_filter("truncate", minijinja_contrib::filters::truncate);
    environment.add_filter("filesizeformat", minijinja_contrib::filters::filesizeformat);
}

fn center(state: &State<'_, '_>, value: &Value, width: Option<usize>) -> Result<Value, Error> {
    let text = str_of(value);
    let width = width.unwrap_or(80);
    let missing = width.saturating_sub(text.chars().count());
    state.consume_fuel((missing / 64) as u64)?;
    // Python puts the odd space on the left where the width is odd.
    let left = missing / 2 + (missing & width & 1);
    Ok(Value::from(format!(
        "{}{text}{}",
        " ".repeat(left),
        " ".repeat(missing - left)
    )))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace('"', "&#34;")
}
