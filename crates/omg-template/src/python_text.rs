//! `str` and `repr` of Python, which is what templates print.

use std::fmt::Write;

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

use crate::number::float_text;
use crate::objects::View;
use crate::python::{charge, is_dict, is_list, is_namespace, is_tuple, refuse};

/// Deeper values are refused, as Python refuses those beyond its recursion limit.
pub(crate) const DEEPEST: usize = 200;

/// `str(value)`.
pub(crate) fn text_of(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    match value.as_str().filter(|_| value.kind() != ValueKind::Bytes) {
        Some(text) => {
            charge(state, text.len())?;
            Ok(text.to_owned())
        }
        None if value.is_undefined() => Ok(String::new()),
        None => repr_of(state, value),
    }
}

/// `repr(value)`.
pub(crate) fn repr_of(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    let mut writer = Writer {
        state,
        out: String::new(),
        depth: 0,
    };
    writer.value(value)?;
    Ok(writer.out)
}

/// `ascii(value)`: `repr` with all beyond ASCII escaped.
pub(crate) fn ascii_of(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    for c in repr_of(state, value)?.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            write_code(&mut out, c);
        }
    }
    Ok(out)
}

struct Writer<'a, 'b, 'c> {
    state: &'a State<'b, 'c>,
    out: String,
    depth: usize,
}

impl Writer<'_, '_, '_> {
    fn value(&mut self, value: &Value) -> Result<(), Error> {
        if self.depth > DEEPEST {
            return Err(refuse("a value is nested too deeply to be written"));
        }
        self.depth += 1;
        let before = self.out.len();
        match value.kind() {
            ValueKind::String => write_quoted(&mut self.out, value.as_str().unwrap_or_default()),
            ValueKind::Bytes => write_bytes(&mut self.out, value.as_bytes().unwrap_or_default()),
            ValueKind::Number if !value.is_integer() => self.out.push_str(
                &f64::try_from(value.clone()).map_or_else(|_| value.to_string(), float_text),
            ),
            ValueKind::Seq if is_tuple(value) => {
                let end = if value.len() == Some(1) { ",)" } else { ")" };
                self.items("(", value, end)?;
            }
            ValueKind::Seq if is_list(value) => self.items("[", value, "]")?,
            ValueKind::Map if is_dict(value) => {
                self.out.push('{');
                for (at, key) in value.try_iter()?.enumerate() {
                    if at > 0 {
                        self.out.push_str(", ");
                    }
                    self.value(&key)?;
                    self.out.push_str(": ");
                    self.value(&value.get_item(&key)?)?;
                }
                self.out.push('}');
            }
            ValueKind::Map if is_namespace(value) => self.out.push_str("<Namespace>"),
            ValueKind::Undefined => self.out.push_str("Undefined"),
            _ => match value.downcast_object_ref::<View>() {
                Some(view) => {
                    self.out.push_str(view.name());
                    self.items("([", value, "])")?;
                }
                None => {
                    let _ = write!(self.out, "{value}");
                }
            },
        }
        self.depth -= 1;
        charge(self.state, self.out.len() - before)
    }

    fn items(&mut self, open: &str, items: &Value, close: &str) -> Result<(), Error> {
        self.out.push_str(open);
        for (at, item) in items.try_iter()?.enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            self.value(&item)?;
        }
        self.out.push_str(close);
        Ok(())
    }
}

fn write_bytes(out: &mut String, bytes: &[u8]) {
    out.push_str("b'");
    for byte in bytes {
        match byte {
            b'\\' | b'\'' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..=0x7e => out.push(char::from(*byte)),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push('\'');
}

fn write_code(out: &mut String, c: char) {
    let _ = match c as u32 {
        code @ 0..=0xff => write!(out, "\\x{code:02x}"),
        code @ 0x100..=0xffff => write!(out, "\\u{code:04x}"),
        code => write!(out, "\\U{code:08x}"),
    };
}

/// Python prefers single quotes, unless the text has some and no double ones.
fn write_quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => write_code(out, c),
        }
    }
    out.push(quote);
}

/// Python escapes what Unicode calls Other or Separator, but for the space.
pub(crate) fn is_printable(c: char) -> bool {
    if c == ' ' {
        return true;
    }
    !(c.is_control() || c.is_whitespace() || is_format_or_private(c))
}

/// Categories Cf, Co and Cn as far as texts have them.
fn is_format_or_private(c: char) -> bool {
    matches!(c as u32,
        0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f
        | 0xd800..=0xf8ff | 0xfeff | 0xfff9..=0xfffb | 0xfffe | 0xffff | 0x1d173..=0x1d17a | 0xe0000..=0xe00ff | 0xf0000..=0x10ffff)
}
