//! `text % values`, printf as Python has it.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

use super::WIDEST;
use super::spec::Spec;
use crate::number::{self, Notation};
use crate::python::{self, charge, integer, refuse, type_name};
use crate::python_text::{ascii_of, repr_of, text_of};

/// `format % values`. A tuple is several values, anything else is one; a dict serves `%(name)s`.
pub(crate) fn percent(state: &State<'_, '_>, format: &str, values: &Value) -> Result<Value, Error> {
    let several: Vec<Value> = if values.is_tuple() {
        values.try_iter()?.collect()
    } else {
        vec![values.clone()]
    };
    let mut next = several.into_iter();
    let mut named = false;
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut given = None;
        if chars.next_if_eq(&'(').is_some() {
            let name = name(&mut chars)?;
            if !python::is_dict(values) {
                return Err(refuse("a format with names needs a dict"));
            }
            named = true;
            let found = values
                .as_object()
                .and_then(|dict| dict.get_value(&Value::from(name.as_str())));
            given = Some(found.ok_or_else(|| refuse(format!("a format lacks '{name}'")))?);
        }
        let mut take = || {
            next.next()
                .ok_or_else(|| refuse("a format has more fields than values"))
        };
        let mut spec = Spec::default();
        let mut zero = false;
        while let Some(flag) = chars.next_if(|c| "-+ #0".contains(*c)) {
            match flag {
                '-' => spec.align = Some('<'),
                '#' => spec.alternate = true,
                '0' => zero = true,
                '+' => spec.sign = '+',
                _ if spec.sign == '-' => spec.sign = ' ',
                _ => {}
            }
        }
        let width = size(&mut chars, &mut take)?.unwrap_or(0);
        if width < 0 {
            spec.align = Some('<');
        }
        spec.width = bounded(width.unsigned_abs())?;
        if chars.next_if_eq(&'.').is_some() {
            let precision = size(&mut chars, &mut take)?.unwrap_or(0).max(0);
            spec.precision = Some(bounded(precision.unsigned_abs())?);
        }
        while chars.next_if(|c| "hlL".contains(*c)).is_some() {}
        let kind = chars
            .next()
            .ok_or_else(|| refuse("a format ends within a field"))?;
        if kind == '%' {
            out.push('%');
            continue;
        }
        let value = match given {
            Some(value) => value,
            None => take()?,
        };
        if zero && spec.align.is_none() && !"srac".contains(kind) {
            (spec.fill, spec.align) = ('0', Some('='));
        }
        out.push_str(&field(state, &spec, kind, &value)?);
        charge(state, out.len() / 16)?;
    }
    let is_container = matches!(values.kind(), ValueKind::Map | ValueKind::Undefined)
        || (values.kind() == ValueKind::Seq && !values.is_tuple());
    if !named && !is_container && next.next().is_some() {
        return Err(refuse("a format has fewer fields than values"));
    }
    python::text(state, out)
}

fn name(chars: &mut impl Iterator<Item = char>) -> Result<String, Error> {
    let mut name = String::new();
    let mut depth = 1;
    for c in chars {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 {
            return Ok(name);
        }
        name.push(c);
    }
    Err(refuse("a format lacks its ')'"))
}

fn size(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    take: &mut impl FnMut() -> Result<Value, Error>,
) -> Result<Option<i64>, Error> {
    if chars.next_if_eq(&'*').is_some() {
        return python::index(&take()?).map(Some);
    }
    let mut number: Option<i64> = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        number = Some(
            number
                .unwrap_or(0)
                .saturating_mul(10)
                .saturating_add(i64::from(digit)),
        );
    }
    Ok(number)
}

fn bounded(size: u64) -> Result<usize, Error> {
    usize::try_from(size)
        .ok()
        .filter(|size| *size <= WIDEST)
        .ok_or_else(|| refuse(format!("a format is wider than {WIDEST}")))
}

fn field(state: &State<'_, '_>, spec: &Spec, kind: char, value: &Value) -> Result<String, Error> {
    let unfit = || {
        refuse(format!(
            "format '%{kind}' does not fit {}",
            type_name(value)
        ))
    };
    let cut = |text: String| -> String {
        text.chars()
            .take(spec.precision.unwrap_or(usize::MAX))
            .collect()
    };
    match kind {
        's' => spec.pad(state, "", &cut(text_of(state, value)?), '>'),
        'r' => spec.pad(state, "", &cut(repr_of(state, value)?), '>'),
        'a' => spec.pad(state, "", &cut(ascii_of(state, value)?), '>'),
        'c' => {
            let c = match (integer(value), value.as_str()) {
                (Some(i), _) => u32::try_from(i).ok().and_then(char::from_u32),
                (None, Some(text)) => {
                    let mut chars = text.chars();
                    chars.next().filter(|_| chars.next().is_none())
                }
                _ => None,
            };
            spec.pad(state, "", &c.ok_or_else(unfit)?.to_string(), '>')
        }
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
            let whole = match (integer(value), kind) {
                (Some(i), _) => i,
                (None, 'd' | 'i' | 'u') if value.kind() == ValueKind::Number => {
                    let float = python::number(value)
                        .filter(|f| f.is_finite())
                        .ok_or_else(unfit)?;
                    float as i128
                }
                _ => return Err(unfit()),
            };
            let magnitude = whole.unsigned_abs();
            let (prefix, digits) = match kind {
                'x' => ("0x", format!("{magnitude:x}")),
                'X' => ("0X", format!("{magnitude:X}")),
                'o' => ("0o", format!("{magnitude:o}")),
                _ => ("", magnitude.to_string()),
            };
            let zeros = spec.precision.unwrap_or(0).saturating_sub(digits.len());
            charge(state, zeros)?;
            let sign = signed(spec, whole < 0) + if spec.alternate { prefix } else { "" };
            spec.pad(state, &sign, &("0".repeat(zeros) + &digits), '>')
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let float = python::number(value).ok_or_else(unfit)?;
            let precision = spec.precision.unwrap_or(6);
            charge(state, precision)?;
            let notation = match kind.to_ascii_lowercase() {
                'e' => Notation::Exponent,
                'f' => Notation::Fixed,
                _ => Notation::General,
            };
            let body = number::notation(float.abs(), notation, precision, spec.alternate);
            let body = if kind.is_ascii_uppercase() {
                body.to_uppercase()
            } else {
                body
            };
            spec.pad(state, &signed(spec, float.is_sign_negative()), &body, '>')
        }
        _ => Err(refuse(format!("'%{kind}' is no format"))),
    }
}

fn signed(spec: &Spec, negative: bool) -> String {
    match (negative, spec.sign) {
        (true, _) => "-".to_owned(),
        (false, sign @ ('+' | ' ')) => sign.to_string(),
        _ => String::new(),
    }
}
