//! Filters for numbers.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};
use num_bigint::BigInt;

use crate::arguments::bind;
use crate::arithmetic::{self, int as integer_value};
use crate::lookup::Path;
use crate::methods::{decimal, strip};
use crate::number::{Notation, notation};
use crate::python::{self, refuse, type_name};
use crate::variables::LongInteger;

pub(super) fn abs(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    bind("abs", &arguments[1..], [], 0)?;
    let value = &arguments[0];
    match (python::integer(value), python::number(value)) {
        (Some(i), _) => Ok(integer_value(i.checked_abs().unwrap_or(i128::MAX))),
        (None, Some(f)) => Ok(Value::from(f.abs())),
        _ => Err(refuse(format!(
            "{} has no absolute value",
            type_name(value)
        ))),
    }
}

/// The digits of a text as Python reads numbers: of any script, with single underscores between them.
fn plain(text: &str) -> Option<String> {
    let text = strip(text, None, true, true);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut after_digit = false;
    while let Some(c) = chars.next() {
        if c == '_' {
            if !after_digit || !chars.peek().is_some_and(|c| c.is_alphanumeric()) {
                return None;
            }
            after_digit = false;
            continue;
        }
        match decimal(c) {
            Some(digit) => out.push(char::from_digit(digit, 10)?),
            None => out.push(c),
        }
        after_digit = c.is_alphanumeric();
    }
    Some(out)
}

fn float_of_text(text: &str) -> Option<f64> {
    let text = plain(text)?;
    let body = text
        .strip_prefix(['+', '-'])
        .unwrap_or(&text)
        .to_ascii_lowercase();
    let is_number = body.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    (is_number || ["inf", "infinity", "nan"].contains(&body.as_str()))
        .then(|| text.parse().ok())
        .flatten()
}

fn integer_of_text(text: &str, base: i64) -> Option<Value> {
    let text = plain(text)?;
    let (negative, mut digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let prefixed = [("0b", 2), ("0o", 8), ("0x", 16)]
        .into_iter()
        .find(|(prefix, _)| lower.as_deref() == Some(prefix))
        .map(|(_, base)| base);
    let base = match (base, prefixed) {
        (0, Some(found)) => {
            digits = &digits[2..];
            found
        }
        (0, None) => 10,
        (base, Some(found)) if base == found => {
            digits = &digits[2..];
            base
        }
        (base, _) => base,
    };
    let base = u32::try_from(base)
        .ok()
        .filter(|base| (2..=36).contains(base))?;
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    let sign = if negative { "-" } else { "" };
    // Python reads no integer of more digits.
    if digits.len() > 4300 {
        return None;
    }
    BigInt::parse_bytes(format!("{sign}{digits}").as_bytes(), base).map(arithmetic::long)
}

/// A float without its fraction.
fn whole(value: f64) -> Option<Value> {
    if value.abs() < 1.7e38 {
        return Some(integer_value(value as i128));
    }
    let digits = value.is_finite().then(|| format!("{value:.0}"))?;
    BigInt::parse_bytes(digits.as_bytes(), 10).map(arithmetic::long)
}

pub(super) fn int(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("int", &arguments[1..], ["default", "base"], 0)?;
    let value = &arguments[0];
    let base = bound.integer(1, 10)?;
    let found = match value.kind() {
        ValueKind::Undefined => return Err(refuse("undefined is no number")),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            integer_of_text(text, base).or_else(|| float_of_text(text).and_then(whole))
        }
        ValueKind::Bool => Some(Value::from(i64::from(value.is_true()))),
        ValueKind::Number if value.is_integer() => Some(value.clone()),
        ValueKind::Number => python::number(value).and_then(whole),
        _ if value.downcast_object_ref::<LongInteger>().is_some() => Some(value.clone()),
        _ => None,
    };
    Ok(found.unwrap_or_else(|| bound.get(0).cloned().unwrap_or_else(|| Value::from(0))))
}

pub(super) fn float(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("float", &arguments[1..], ["default"], 0)?;
    let value = &arguments[0];
    let found = match value.kind() {
        ValueKind::Undefined => return Err(refuse("undefined is no number")),
        ValueKind::String => float_of_text(value.as_str().unwrap_or_default()),
        _ => python::number(value),
    };
    Ok(found.map_or_else(
        || bound.get(0).cloned().unwrap_or_else(|| Value::from(0.0)),
        Value::from,
    ))
}

pub(super) fn round(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("round", &arguments[1..], ["precision", "method"], 0)?;
    let value = &arguments[0];
    let number = python::number(value)
        .ok_or_else(|| refuse(format!("{} cannot be rounded", type_name(value))))?;
    let precision = i32::try_from(bound.integer(0, 0)?.clamp(-400, 400)).unwrap_or(0);
    match bound.text(1)?.unwrap_or("common") {
        "common" => {}
        method @ ("ceil" | "floor") => {
            let factor = 10f64.powi(precision);
            let scaled = number * factor;
            let rounded = if method == "ceil" {
                scaled.ceil()
            } else {
                scaled.floor()
            };
            return Ok(Value::from(rounded / factor));
        }
        _ => return Err(refuse("round goes 'common', 'ceil' or 'floor'")),
    }
    if let Some(i) = python::integer(value) {
        return Ok(integer_value(rounded_integer(i, precision)));
    }
    if !number.is_finite() {
        return Ok(value.clone());
    }
    let rounded = if let Ok(digits) = usize::try_from(precision) {
        let text = notation(number.abs(), Notation::Fixed, digits, false);
        text.parse::<f64>().unwrap_or(number.abs()).copysign(number)
    } else {
        let factor = 10f64.powi(-precision);
        (number / factor).round_ties_even() * factor
    };
    Ok(Value::from(rounded))
}

/// Half to even, as Python rounds integers to tens, hundreds and so on.
fn rounded_integer(value: i128, precision: i32) -> i128 {
    if precision >= 0 {
        return value;
    }
    let Some(unit) = 10i128.checked_pow(precision.unsigned_abs()) else {
        return 0;
    };
    let (down, rest) = (value.div_euclid(unit), value.rem_euclid(unit));
    let up = rest > unit - rest || (rest == unit - rest && down % 2 != 0);
    (down + i128::from(up)) * unit
}

pub(super) fn sum(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("sum", &arguments[1..], ["attribute", "start"], 0)?;
    let path = bound.set(0).map(Path::new).transpose()?;
    let mut total = bound.get(1).cloned().unwrap_or_else(|| Value::from(0));
    if total.as_str().is_some() {
        return Err(refuse("texts are joined, not summed"));
    }
    for item in python::items(state, &arguments[0])? {
        state.consume_fuel(1)?;
        let item = match &path {
            Some(path) => path.of(state, &item)?,
            None => item,
        };
        total = arithmetic::add(state, &[total, item])?;
    }
    Ok(total)
}

pub(super) fn filesizeformat(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let bound = bind("filesizeformat", &arguments[1..], ["binary"], 0)?;
    let value = &arguments[0];
    let bytes = match value.as_str() {
        Some(text) => float_of_text(text),
        None => python::number(value),
    };
    let bytes = bytes.ok_or_else(|| refuse(format!("{} is no size", type_name(value))))?;
    let binary = bound.truth(0, false);
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes == 1.0 {
        return Ok(Value::from("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::from(format!("{} Bytes", bytes.trunc())));
    }
    let prefixes = if binary { "KMGTPEZY" } else { "kMGTPEZY" };
    let mut unit = base;
    let mut prefix = 'k';
    for p in prefixes.chars() {
        unit *= base;
        prefix = p;
        if bytes < unit {
            break;
        }
    }
    let infix = if binary { "i" } else { "" };
    Ok(Value::from(format!(
        "{:.1} {prefix}{infix}B",
        base * bytes / unit
    )))
}
