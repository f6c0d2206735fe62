//! Methods of Python's types that pycompat lacks, or has with other results.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};
use minijinja_contrib::pycompat::unknown_method_callback;

pub(crate) fn call(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String => unknown_method_callback(state, value, method, args),
        _ => unknown_method_callback(state, value, method, args),
    }
}
