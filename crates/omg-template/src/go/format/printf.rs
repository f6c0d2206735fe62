//! `fmt.Sprintf`.

use super::number::{rounded, shortest};
use super::quote::quoted;
use super::{own_text, plain};
use crate::go::Fault;
use crate::go::budget::Budget;
use crate::go::value::Value;

/// Characters of padding, and digits, that one directive may ask for; Go takes a million.
const WIDEST: usize = 65_000;

#[derive(Debug, Default, Clone, Copy)]
struct Spec {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

struct Printer<'a> {
    values: &'a [Value],
    at: usize,
    /// A directive named its argument by number: then arguments may be left over.
    reordered: bool,
    out: String,
    budget: &'a mut Budget,
}

pub(in crate::go) fn printf(
    format: &str,
    values: &[Value],
    budget: &mut Budget,
) -> Result<String, Fault> {
    let mut printer = Printer {
        values,
        at: 0,
        reordered: false,
        out: String::new(),
        budget,
    };
    let mut rest = format;
    while let Some((text, directive)) = rest.split_once('%') {
        printer.budget.text(text.len())?;
        printer.out.push_str(text);
        rest = printer.directive(directive)?;
    }
    printer.out.push_str(rest);
    if !printer.reordered && printer.at < values.len() {
        let extra = &values[printer.at..];
        printer.out.push_str("%!(EXTRA ");
        for (at, value) in extra.iter().enumerate() {
            if at > 0 {
                printer.out.push_str(", ");
            }
            if value.is_nil() {
                printer.out.push_str("<nil>");
                continue;
            }
            let text = plain(value, printer.budget)?;
            printer
                .out
                .push_str(&format!("{}={text}", value.type_name()));
        }
        printer.out.push(')');
    }
    Ok(printer.out)
}

enum Count {
    None,
    Number(usize),
    Bad,
}

impl Printer<'_> {
    /// What follows a percent sign; returns what follows the directive.
    fn directive<'f>(&mut self, text: &'f str) -> Result<&'f str, Fault> {
        let mut spec = Spec::default();
        let mut rest = text;
        while let Some(flag) = rest.chars().next() {
            match flag {
                '+' => spec.plus = true,
                '-' => spec.minus = true,
                '#' => spec.sharp = true,
                ' ' => spec.space = true,
                '0' => spec.zero = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        let mut bad_index = !self.index(&mut rest);
        match self.count(&mut rest) {
            Count::Number(width) => spec.width = Some(width),
            Count::Bad => self.out.push_str("%!(BADWIDTH)"),
            Count::None => {}
        }
        if let Some(behind) = rest.strip_prefix('.') {
            rest = behind;
            bad_index |= !self.index(&mut rest);
            match self.count(&mut rest) {
                Count::Number(precision) => spec.precision = Some(precision),
                Count::Bad => self.out.push_str("%!(BADPREC)"),
                Count::None => spec.precision = Some(0),
            }
        }
        bad_index |= !self.index(&mut rest);
        let mut chars = rest.chars();
        let Some(verb) = chars.next() else {
            self.out.push_str("%!(NOVERB)");
            return Ok("");
        };
        if verb == '%' {
            self.out.push('%');
        } else if bad_index {
            self.out.push_str(&format!("%!{verb}(BADINDEX)"));
        } else if let Some(value) = self.values.get(self.at) {
            self.at += 1;
            let text = formatted(value, spec, verb, self.budget)?;
            self.budget.text(text.len())?;
            self.out.push_str(&text);
        } else {
            self.out.push_str(&format!("%!{verb}(MISSING)"));
        }
        Ok(chars.as_str())
    }

    /// `[2]`; false where there is no such argument.
    fn index(&mut self, rest: &mut &str) -> bool {
        let Some(text) = rest.strip_prefix('[') else {
            return true;
        };
        self.reordered = true;
        let Some((number, behind)) = text.split_once(']') else {
            *rest = text;
            return false;
        };
        *rest = behind;
        match number.parse::<usize>() {
            Ok(number) if (1..=self.values.len()).contains(&number) => {
                self.at = number - 1;
                true
            }
            _ => false,
        }
    }

    /// A number, or `*` for one that is an argument.
    fn count(&mut self, rest: &mut &str) -> Count {
        if let Some(behind) = rest.strip_prefix('*') {
            *rest = behind;
            let value = self.values.get(self.at);
            self.at += 1;
            return match value {
                Some(Value::Int(number)) => match usize::try_from(*number) {
                    Ok(number) if number <= WIDEST => Count::Number(number),
                    _ => Count::Bad,
                },
                _ => Count::Bad,
            };
        }
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (digits, behind) = rest.split_at(end);
        if digits.is_empty() {
            return Count::None;
        }
        *rest = behind;
        match digits.parse::<usize>() {
            Ok(number) if number <= WIDEST => Count::Number(number),
            _ => Count::Bad,
        }
    }
}

fn formatted(value: &Value, spec: Spec, verb: char, budget: &mut Budget) -> Result<String, Fault> {
    budget.step()?;
    if verb == 'T' {
        return Ok(padded(value.type_name().to_owned(), spec));
    }
    if value.is_nil() && matches!(value, Value::Missing | Value::Nil) {
        return Ok(match verb {
            'v' => padded("<nil>".to_owned(), spec),
            _ => format!("%!{verb}(<nil>)"),
        });
    }
    if verb == 'v' && spec.sharp {
        return Ok(padded(go_syntax(value, budget)?, spec));
    }
    if matches!(verb, 'v' | 's' | 'q' | 'x' | 'X')
        && let Some(text) = own_text(value, budget)?
    {
        return text_by(&text, spec, verb).map_or_else(|| bad(value, verb, budget), Ok);
    }
    let known = match value {
        Value::Bool(value) if matches!(verb, 't' | 'v') => Some(padded(value.to_string(), spec)),
        Value::Int(number) => integer(i128::from(*number), spec, verb),
        Value::Byte(number) => integer(i128::from(*number), spec, verb),
        Value::Float(_) | Value::Spelled(_) => float(value.float().unwrap_or_default(), spec, verb),
        Value::Text(text) => text_by(text, spec, verb),
        Value::List(list) => {
            return Ok(format!(
                "[{}]",
                each(list.items.iter(), spec, verb, budget)?
            ));
        }
        Value::Map(map) => {
            let mut parts = Vec::new();
            for (key, value) in &map.members {
                let key = formatted(&Value::Text(key.clone()), spec, verb, budget)?;
                parts.push(format!("{key}:{}", formatted(value, spec, verb, budget)?));
            }
            return Ok(format!("map[{}]", parts.join(" ")));
        }
        Value::Struct(inner) if spec.plus && verb == 'v' => {
            let mut parts = Vec::new();
            for (field, value) in inner.shape.fields.iter().zip(&inner.values) {
                parts.push(format!(
                    "{}:{}",
                    field.name,
                    formatted(value, spec, verb, budget)?
                ));
            }
            return Ok(format!("{{{}}}", parts.join(" ")));
        }
        Value::Struct(inner) => {
            return Ok(format!(
                "{{{}}}",
                each(inner.values.iter(), spec, verb, budget)?
            ));
        }
        _ => None,
    };
    known.map_or_else(|| bad(value, verb, budget), Ok)
}

fn each<'a>(
    values: impl Iterator<Item = &'a Value>,
    spec: Spec,
    verb: char,
    budget: &mut Budget,
) -> Result<String, Fault> {
    let parts: Result<Vec<_>, _> = values.map(|v| formatted(v, spec, verb, budget)).collect();
    Ok(parts?.join(" "))
}

/// A verb that the type does not know.
fn bad(value: &Value, verb: char, budget: &mut Budget) -> Result<String, Fault> {
    let text = plain(value, budget)?;
    Ok(format!("%!{verb}({}={text})", value.type_name()))
}

fn text_by(text: &str, spec: Spec, verb: char) -> Option<String> {
    let cut = match spec.precision {
        Some(length) if verb != 'v' || !spec.sharp => {
            let end = text
                .char_indices()
                .nth(length)
                .map_or(text.len(), |(at, _)| at);
            &text[..end]
        }
        _ => text,
    };
    Some(match verb {
        'v' | 's' => padded(cut.to_owned(), spec),
        'q' if spec.sharp && !cut.contains(['`', '\n']) => padded(format!("`{cut}`"), spec),
        'q' => padded(quoted(cut, '"'), spec),
        'x' | 'X' => {
            let bytes = &text.as_bytes()[..spec.precision.unwrap_or(text.len()).min(text.len())];
            let digits: Vec<_> = bytes
                .iter()
                .map(|b| match verb {
                    'x' => format!("{b:02x}"),
                    _ => format!("{b:02X}"),
                })
                .collect();
            padded(digits.join(if spec.space { " " } else { "" }), spec)
        }
        _ => return None,
    })
}

fn integer(number: i128, spec: Spec, verb: char) -> Option<String> {
    let size = number.unsigned_abs();
    let (digits, prefix) = match verb {
        'd' | 'v' => (size.to_string(), ""),
        'b' => (format!("{size:b}"), if spec.sharp { "0b" } else { "" }),
        'o' => (format!("{size:o}"), if spec.sharp { "0" } else { "" }),
        'O' => (format!("{size:o}"), "0o"),
        'x' => (format!("{size:x}"), if spec.sharp { "0x" } else { "" }),
        'X' => (format!("{size:X}"), if spec.sharp { "0X" } else { "" }),
        'c' => return Some(padded(character(number).to_string(), spec)),
        'q' => {
            return Some(padded(
                quoted(character(number).encode_utf8(&mut [0; 4]), '\''),
                spec,
            ));
        }
        'U' => return Some(padded(format!("U+{size:04X}"), spec)),
        _ => return None,
    };
    let digits = match spec.precision {
        Some(0) if number == 0 => String::new(),
        Some(least) => format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len()))),
        None => digits,
    };
    let spec = Spec {
        zero: spec.zero && spec.precision.is_none(),
        ..spec
    };
    Some(signed(number < 0, prefix, &digits, spec))
}

fn character(code: i128) -> char {
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or('\u{fffd}')
}

fn float(number: f64, spec: Spec, verb: char) -> Option<String> {
    let style = match verb {
        'v' | 'g' | 'G' => 'g',
        'e' | 'E' => 'e',
        'f' | 'F' => 'f',
        _ => return None,
    };
    let precision = spec.precision.or((style != 'g').then_some(6));
    let size = number.abs();
    let text = match precision {
        Some(precision) => rounded(size, style, precision),
        None => shortest(size, style),
    };
    let text = if verb.is_uppercase() {
        text.to_uppercase()
    } else {
        text
    };
    let negative = number.is_sign_negative() && !number.is_nan();
    if !number.is_finite() {
        let spec = Spec {
            zero: false,
            ..spec
        };
        return Some(signed(negative, "", text.trim_start_matches('+'), spec));
    }
    Some(signed(negative, "", &text, spec))
}

fn signed(negative: bool, prefix: &str, digits: &str, spec: Spec) -> String {
    let sign = match (negative, spec.plus, spec.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    let length = sign.len() + prefix.len() + digits.chars().count();
    let missing = spec.width.unwrap_or_default().saturating_sub(length);
    if spec.zero && !spec.minus {
        return format!("{sign}{prefix}{}{digits}", "0".repeat(missing));
    }
    padded(format!("{sign}{prefix}{digits}"), spec)
}

fn padded(text: String, spec: Spec) -> String {
    let Some(width) = spec.width else {
        return text;
    };
    let missing = width.saturating_sub(text.chars().count());
    if spec.minus {
        format!("{text}{}", " ".repeat(missing))
    } else {
        format!(
            "{}{text}",
            if spec.zero { "0" } else { " " }.repeat(missing)
        )
    }
}

/// The verb `%#v`.
fn go_syntax(value: &Value, budget: &mut Budget) -> Result<String, Fault> {
    budget.step()?;
    Ok(match value {
        Value::Missing | Value::Nil => "interface {}(nil)".to_owned(),
        Value::Text(text) => {
            budget.text(text.len())?;
            quoted(text, '"')
        }
        Value::Byte(byte) => format!("{byte:#x}"),
        Value::List(list) if list.is_nil => format!("{}(nil)", value.type_name()),
        Value::Map(map) if map.is_nil => format!("{}(nil)", value.type_name()),
        Value::List(list) => {
            let parts: Result<Vec<_>, _> =
                list.items.iter().map(|v| go_syntax(v, budget)).collect();
            format!("{}{{{}}}", value.type_name(), parts?.join(", "))
        }
        Value::Map(map) => {
            let mut parts = Vec::new();
            for (key, value) in &map.members {
                parts.push(format!(
                    "{}:{}",
                    quoted(key, '"'),
                    go_syntax(value, budget)?
                ));
            }
            format!("{}{{{}}}", value.type_name(), parts.join(", "))
        }
        Value::Struct(inner) => {
            let mut parts = Vec::new();
            for (field, value) in inner.shape.fields.iter().zip(&inner.values) {
                parts.push(format!("{}:{}", field.name, go_syntax(value, budget)?));
            }
            format!("{}{{{}}}", value.type_name(), parts.join(", "))
        }
        value => plain(value, budget)?,
    })
}
