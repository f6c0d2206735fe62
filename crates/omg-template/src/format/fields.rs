//! `str.format`: `{name.attribute[key]!conversion:spec}`.

use minijinja::{Error, State, Value};

use super::spec;
use crate::arguments::split;
use crate::lookup;
use crate::python::{charge, refuse};
use crate::python_text::{ascii_of, repr_of, text_of};

/// `text.format(*positional, **named)`.
pub(crate) fn format(
    state: &State<'_, '_>,
    text: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let (positional, named) = split(arguments);
    let mut fields = Fields {
        state,
        positional,
        named: |name: &str| {
            named
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.clone())
        },
        automatic: Some(0),
    };
    fields.expand(text, 0).map(Value::from)
}

/// `text.format_map(mapping)`.
pub(crate) fn format_map(
    state: &State<'_, '_>,
    text: &str,
    mapping: &Value,
) -> Result<Value, Error> {
    let mut fields = Fields {
        state,
        positional: &[],
        named: |name: &str| mapping.as_object()?.get_value(&Value::from(name)),
        automatic: Some(0),
    };
    fields.expand(text, 0).map(Value::from)
}

struct Fields<'a, 'b, 'c, N> {
    state: &'a State<'b, 'c>,
    positional: &'a [Value],
    named: N,
    /// The number of the next `{}`; none once fields are numbered by hand.
    automatic: Option<usize>,
}

impl<N: Fn(&str) -> Option<Value>> Fields<'_, '_, '_, N> {
    fn expand(&mut self, text: &str, depth: usize) -> Result<String, Error> {
        if depth > 2 {
            return Err(refuse("a format is nested too deeply"));
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                out.push_str(brace);
                rest = after;
            } else if brace == "}" {
                return Err(refuse("a format has a single '}'"));
            } else {
                let end = closing(rest).ok_or_else(|| refuse("a format lacks its '}'"))?;
                let field = self.field(&rest[..end], depth)?;
                out.push_str(&field);
                rest = &rest[end + 1..];
            }
            charge(self.state, out.len() / 16)?;
        }
        out.push_str(rest);
        charge(self.state, out.len())?;
        Ok(out)
    }

    fn field(&mut self, field: &str, depth: usize) -> Result<String, Error> {
        let end = end_of_name(field);
        let (name, rest) = field.split_at(end);
        let (conversion, spec) = match rest.strip_prefix('!') {
            Some(rest) => {
                let conversion = rest.chars().next();
                let after = &rest[conversion.map_or(0, char::len_utf8)..];
                if !after.is_empty() && !after.starts_with(':') {
                    return Err(refuse("a conversion of a format is one letter"));
                }
                (Some(conversion), after.strip_prefix(':').unwrap_or(""))
            }
            None => (None, rest.strip_prefix(':').unwrap_or("")),
        };
        let value = self.value(name)?;
        let value = match conversion {
            None => value,
            Some(Some('r')) => Value::from(repr_of(self.state, &value)?),
            Some(Some('s')) => Value::from(text_of(self.state, &value)?),
            Some(Some('a')) => Value::from(ascii_of(self.state, &value)?),
            Some(_) => return Err(refuse("a conversion of a format is 'r', 's' or 'a'")),
        };
        let spec = self.expand(spec, depth + 1)?;
        spec::apply(self.state, &value, &spec)
    }

    fn value(&mut self, name: &str) -> Result<Value, Error> {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut path) = name.split_at(end);
        let mut value = if first.is_empty() {
            let at = self
                .automatic
                .ok_or_else(|| refuse("a format mixes numbered and unnumbered fields"))?;
            self.automatic = Some(at + 1);
            self.position(at)?
        } else if let Ok(at) = first.parse() {
            if self.automatic.is_some_and(|next| next > 0) {
                return Err(refuse("a format mixes numbered and unnumbered fields"));
            }
            self.automatic = None;
            self.position(at)?
        } else {
            (self.named)(first).ok_or_else(|| refuse(format!("a format lacks '{first}'")))?
        };
        while !path.is_empty() {
            if value.is_undefined() {
                return Err(refuse("undefined has no attributes"));
            }
            let (found, rest) = if let Some(key) = path.strip_prefix('[') {
                let end = key
                    .find(']')
                    .ok_or_else(|| refuse("a format lacks its ']'"))?;
                let (key, rest) = (&key[..end], &key[end + 1..]);
                let key = key
                    .parse::<i64>()
                    .map_or_else(|_| Value::from(key), Value::from);
                (lookup::item(self.state, &value, &key)?, rest)
            } else {
                let key = path.strip_prefix('.');
                let key = key.ok_or_else(|| refuse("a format has text behind a ']'"))?;
                let end = key.find(['.', '[']).unwrap_or(key.len());
                (lookup::attribute(&value, &key[..end]), &key[end..])
            };
            value = found;
            path = rest;
        }
        Ok(value)
    }

    fn position(&self, at: usize) -> Result<Value, Error> {
        self.positional
            .get(at)
            .cloned()
            .ok_or_else(|| refuse(format!("a format lacks its value {at}")))
    }
}

/// Where the field that just began ends.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// A name ends at `!` or `:` outside of brackets.
fn end_of_name(field: &str) -> usize {
    let mut in_brackets = false;
    for (at, c) in field.char_indices() {
        match c {
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            '!' | ':' if !in_brackets => return at,
            _ => {}
        }
    }
    field.len()
}
