//! `str` and `repr` of Python, which is what templates print.

use std::fmt::Write;

use minijinja::Value;
use minijinja::value::ValueKind;

use crate::number::float_text;

/// `str(value)`.
pub(crate) fn str_of(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None if value.is_undefined() => String::new(),
        None => repr_of(value),
    }
}

/// `repr(value)`.
pub(crate) fn repr_of(value: &Value) -> String {
    let mut out = String::new();
    write_repr(&mut out, value);
    out
}

fn write_repr(out: &mut String, value: &Value) {
    match value.kind() {
        ValueKind::String => write_quoted(out, value.as_str().unwrap_or_default()),
        ValueKind::Number if !value.is_integer() => {
            out.push_str(
                &f64::try_from(value.clone()).map_or_else(|_| value.to_string(), float_text),
            );
        }
        ValueKind::Seq if value.is_tuple() => {
            let items: Vec<Value> = items_of(value);
            let end = if items.len() == 1 { ",)" } else { ")" };
            write_items(out, "(", &items, end);
        }
        ValueKind::Seq | ValueKind::Iterable => write_items(out, "[", &items_of(value), "]"),
        ValueKind::Map => {
            out.push('{');
            for (i, key) in items_of(value).iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_repr(out, key);
                out.push_str(": ");
                write_repr(out, &value.get_item(key).unwrap_or_default());
            }
            out.push('}');
        }
        ValueKind::Undefined => out.push_str("Undefined"),
        _ => {
            let _ = write!(out, "{value}");
        }
    }
}

fn items_of(value: &Value) -> Vec<Value> {
    value.try_iter().map(Iterator::collect).unwrap_or_default()
}

fn write_items(out: &mut String, open: &str, items: &[Value], close: &str) {
    out.push_str(open);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_repr(out, item);
    }
    out.push_str(close);
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
            c => {
                let _ = match c as u32 {
                    code @ 0..=0xff => write!(out, "\\x{code:02x}"),
                    code @ 0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    code => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
}

/// Python escapes what Unicode calls Other or Separator, but for the space.
fn is_printable(c: char) -> bool {
    if c == ' ' {
        return true;
    }
    // `escape_debug` escapes the unprintable, grapheme extenders, quotes and the backslash; the last three are printable here.
    !(c.is_control() || (c.is_whitespace()) || is_format_or_private(c))
}

/// Categories Cf, Co and Cn as far as texts have them.
fn is_format_or_private(c: char) -> bool {
    matches!(c as u32,
        0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f
        | 0xd800..=0xf8ff | 0xfeff | 0xfff9..=0xfffb | 0xfffe | 0xffff | 0x1d173..=0x1d17a | 0xe0000..=0xe00ff | 0xf0000..=0x10ffff)
}
