//! `format(value, spec)`: `[[fill]align][sign][#][0][width][grouping][.precision][type]`.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

use super::WIDEST;
use crate::number::{self, Notation};
use crate::python::{self, charge, refuse, type_name};
use crate::python_text::text_of;

#[derive(Debug, Clone, Copy)]
pub(super) struct Spec {
    pub(super) fill: char,
    pub(super) align: Option<char>,
    pub(super) sign: char,
    pub(super) alternate: bool,
    pub(super) width: usize,
    pub(super) grouping: Option<char>,
    pub(super) precision: Option<usize>,
    pub(super) kind: Option<char>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            fill: ' ',
            align: None,
            sign: '-',
            alternate: false,
            width: 0,
            grouping: None,
            precision: None,
            kind: None,
        }
    }
}

impl Spec {
    fn parse(text: &str) -> Result<Self, Error> {
        let chars: Vec<char> = text.chars().collect();
        let mut spec = Self::default();
        let mut at = 0;
        let is_align = |c: Option<&char>| c.is_some_and(|c| "<>^=".contains(*c));
        if is_align(chars.get(1)) {
            (spec.fill, spec.align) = (chars[0], Some(chars[1]));
            at = 2;
        } else if is_align(chars.first()) {
            spec.align = Some(chars[0]);
            at = 1;
        }
        let mut take = |set: &str| {
            let found = chars.get(at).copied().filter(|c| set.contains(*c));
            at += usize::from(found.is_some());
            found
        };
        spec.sign = take("+- ").unwrap_or('-');
        spec.alternate = take("#").is_some();
        if take("0").is_some() && spec.align.is_none() {
            (spec.fill, spec.align) = ('0', Some('='));
        }
        spec.width = digits(&chars, &mut at)?.unwrap_or(0);
        if let Some(c @ (',' | '_')) = chars.get(at).copied() {
            spec.grouping = Some(c);
            at += 1;
        }
        if chars.get(at) == Some(&'.') {
            at += 1;
            let precision = digits(&chars, &mut at)?;
            spec.precision = Some(precision.ok_or_else(|| refuse("a format lacks its precision"))?);
        }
        spec.kind = chars.get(at).copied();
        if at + 1 < chars.len() {
            return Err(refuse(format!("'{text}' is no format specification")));
        }
        Ok(spec)
    }

    /// Fills `sign` and `body` up to the width. Numbers stand on the right, all else on the left.
    pub(super) fn pad(
        &self,
        state: &State<'_, '_>,
        sign: &str,
        body: &str,
        default: char,
    ) -> Result<String, Error> {
        let length = sign.chars().count() + body.chars().count();
        let missing = self.width.saturating_sub(length);
        charge(state, missing * self.fill.len_utf8() + body.len())?;
        let fill = |n: usize| self.fill.to_string().repeat(n);
        Ok(match self.align.unwrap_or(default) {
            '<' => format!("{sign}{body}{}", fill(missing)),
            '^' => format!(
                "{}{sign}{body}{}",
                fill(missing / 2),
                fill(missing - missing / 2)
            ),
            '=' => format!("{sign}{}{body}", fill(missing)),
            _ => format!("{}{sign}{body}", fill(missing)),
        })
    }
}

fn digits(chars: &[char], at: &mut usize) -> Result<Option<usize>, Error> {
    let mut number = None;
    while let Some(digit) = chars.get(*at).and_then(|c| c.to_digit(10)) {
        let next = number.unwrap_or(0) * 10 + digit as usize;
        if next > WIDEST {
            return Err(refuse(format!("a format is wider than {WIDEST}")));
        }
        number = Some(next);
        *at += 1;
    }
    Ok(number)
}

/// `format(value, spec)`.
pub(super) fn apply(state: &State<'_, '_>, value: &Value, spec: &str) -> Result<String, Error> {
    if spec.is_empty() {
        return text_of(state, value);
    }
    let unknown = |kind: char| refuse(format!("format '{kind}' does not fit {}", type_name(value)));
    let parsed = Spec::parse(spec)?;
    match value.kind() {
        ValueKind::String | ValueKind::Undefined => {
            if let Some(kind) = parsed.kind.filter(|kind| *kind != 's') {
                return Err(unknown(kind));
            }
            if parsed.align == Some('=') || parsed.sign != '-' || parsed.grouping.is_some() {
                return Err(refuse("signs and grouping are for numbers"));
            }
            let text = text_of(state, value)?;
            let cut: String = text
                .chars()
                .take(parsed.precision.unwrap_or(usize::MAX))
                .collect();
            parsed.pad(state, "", &cut, '<')
        }
        ValueKind::Bool | ValueKind::Number => match (python::integer(value), parsed.kind) {
            (Some(i), None | Some('b' | 'c' | 'd' | 'n' | 'o' | 'x' | 'X')) => {
                integer(state, &parsed, i)
            }
            (_, None | Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%')) => {
                float(state, &parsed, python::number(value).unwrap_or(f64::NAN))
            }
            (_, Some(kind)) => Err(unknown(kind)),
        },
        _ => Err(refuse(format!(
            "{} takes no format specification",
            type_name(value)
        ))),
    }
}

fn sign_of(spec: &Spec, negative: bool) -> &'static str {
    match (negative, spec.sign) {
        (true, _) => "-",
        (false, '+') => "+",
        (false, ' ') => " ",
        _ => "",
    }
}

fn integer(state: &State<'_, '_>, spec: &Spec, value: i128) -> Result<String, Error> {
    if spec.precision.is_some() {
        return Err(refuse("a precision does not fit an integer"));
    }
    let magnitude = value.unsigned_abs();
    let (prefix, digits) = match spec.kind {
        Some('b') => ("0b", format!("{magnitude:b}")),
        Some('o') => ("0o", format!("{magnitude:o}")),
        Some('x') => ("0x", format!("{magnitude:x}")),
        Some('X') => ("0X", format!("{magnitude:X}")),
        Some('c') => {
            let c = u32::try_from(value).ok().and_then(char::from_u32);
            let c = c.ok_or_else(|| refuse("no character has this number"))?;
            return spec.pad(state, "", &c.to_string(), '<');
        }
        _ => ("", magnitude.to_string()),
    };
    let group = if prefix.is_empty() { 3 } else { 4 };
    let prefix = if spec.alternate { prefix } else { "" };
    let sign = format!("{}{prefix}", sign_of(spec, value < 0));
    let digits = grouped(spec, &sign, &digits, "", group);
    spec.pad(state, &sign, &digits, '>')
}

fn float(state: &State<'_, '_>, spec: &Spec, value: f64) -> Result<String, Error> {
    let kind = spec
        .kind
        .unwrap_or(if spec.precision.is_some() { 'r' } else { '\0' });
    let precision = spec.precision.unwrap_or(6);
    charge(state, precision)?;
    let magnitude = value.abs();
    let body = match kind {
        _ if !value.is_finite() => {
            let text = if value.is_nan() { "nan" } else { "inf" };
            text.to_owned() + if kind == '%' { "%" } else { "" }
        }
        '\0' => number::float_text(magnitude),
        'e' | 'E' => number::notation(magnitude, Notation::Exponent, precision, spec.alternate),
        'f' | 'F' => number::notation(magnitude, Notation::Fixed, precision, spec.alternate),
        '%' => {
            number::notation(
                magnitude * 100.0,
                Notation::Fixed,
                precision,
                spec.alternate,
            ) + "%"
        }
        'r' => number::notation(magnitude, Notation::Repr, precision, spec.alternate),
        _ => number::notation(magnitude, Notation::General, precision, spec.alternate),
    };
    let body = if kind.is_ascii_uppercase() {
        body.to_uppercase()
    } else {
        body
    };
    let end = body
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(body.len());
    let sign = sign_of(spec, value.is_sign_negative() && !value.is_nan());
    let body = grouped(spec, sign, &body[..end], &body[end..], 3);
    spec.pad(state, sign, &body, '>')
}

/// `digits` with separators; zeros that fill the width get them too.
fn grouped(spec: &Spec, sign: &str, digits: &str, rest: &str, group: usize) -> String {
    let Some(separator) = spec.grouping else {
        return format!("{digits}{rest}");
    };
    let mut digits = digits.to_owned();
    if spec.fill == '0' && spec.align == Some('=') {
        let room = spec.width.saturating_sub(sign.len() + rest.len());
        // A separator must not stand first, so the text may become one wider than asked.
        while digits.len() + (digits.len() - 1) / group < room {
            digits.insert(0, '0');
        }
    }
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(group) {
            out.push(separator);
        }
        out.push(digit);
    }
    out + rest
}
