//! JSON Schema as Lark. A schema is read into shapes (`read`), in which all that must hold together is joined (`join`), and they are
//! written down (`write`).

mod accept;
mod decimal;
mod disjoint;
mod format;
mod join;
mod pattern;
mod place;
mod range;
mod read;
mod read_types;
mod refs;
mod shape;
mod write;
mod write_object;

use serde_json::Value;

use self::place::Place;
use self::read::Reader;
use self::write::Writer;
use super::{MAX_SOURCE_BYTES, invalid};
use crate::error::Result;

/// The schema as a Lark grammar. `invalid_request` names the place of a keyword that cannot be enforced (`strict`) or has a value that is
/// none; without `strict` what cannot be enforced is left out.
pub(super) fn to_lark(schema: &Value, strict: bool) -> Result<String> {
    if !matches!(schema, Value::Object(_) | Value::Bool(true)) {
        return Err(invalid("schema: must be an object"));
    }
    let bytes = schema.to_string().len();
    if bytes > MAX_SOURCE_BYTES {
        return Err(invalid(format!(
            "schema: has {bytes} bytes, it can have {MAX_SOURCE_BYTES}"
        )));
    }
    let mut reader = Reader::new(schema, strict);
    let root = reader.schema(schema, Place::root("schema"), 0)?;
    let lark = Writer::new(&mut reader).document(&root)?;
    for left_out in reader.left_out() {
        tracing::debug!(left_out, "a schema is not enforced in full");
    }
    Ok(lark)
}

/// Any JSON object, with numbers that every reader can hold, which JSON itself does not ask for.
pub(super) fn any_object() -> Result<String> {
    to_lark(&serde_json::json!({ "type": "object" }), true)
}

#[cfg(test)]
mod tests;
