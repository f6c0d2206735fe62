//! Python's arithmetic: integers without bounds, sums and products of texts and lists.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};
use num_bigint::BigInt;

use crate::filters::markup;
use crate::python::{self, charge, is_list, refuse, type_name};
use crate::variables::LongInteger;

/// Integers of more bits are refused.
const MOST_BITS: u64 = 1 << 16;

/// Two numbers as the type that their result has.
enum Pair {
    Small(i128, i128),
    Large(BigInt, BigInt),
    Floats(f64, f64),
}

pub(crate) fn int(value: i128) -> Value {
    i64::try_from(value).map_or_else(|_| Value::from(value), Value::from)
}

pub(crate) fn long(value: BigInt) -> Value {
    match i128::try_from(&value) {
        Ok(small) => int(small),
        Err(_) => Value::from_object(LongInteger::new(value)),
    }
}

/// An integer of any size.
pub(crate) fn big(value: &Value) -> Option<BigInt> {
    match value.downcast_object_ref::<LongInteger>() {
        Some(long) => Some(long.value().clone()),
        None => python::integer(value).map(BigInt::from),
    }
}

fn pair(a: &Value, b: &Value) -> Option<Pair> {
    if let (Some(a), Some(b)) = (python::integer(a), python::integer(b)) {
        return Some(Pair::Small(a, b));
    }
    if let (Some(a), Some(b)) = (big(a), big(b)) {
        return Some(Pair::Large(a, b));
    }
    Some(Pair::Floats(python::number(a)?, python::number(b)?))
}

fn unfit(operator: &str, a: &Value, b: &Value) -> Error {
    refuse(format!(
        "'{operator}' does not fit {} and {}",
        type_name(a),
        type_name(b)
    ))
}

fn sized(state: &State<'_, '_>, value: BigInt) -> Result<Value, Error> {
    if value.bits() > MOST_BITS {
        return Err(refuse("an integer is too large"));
    }
    charge(state, value.bits() as usize / 8)?;
    Ok(long(value))
}

fn by_zero() -> Error {
    refuse("a number is divided by zero")
}

pub(crate) fn add(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let (a, b) = (&arguments[0], &arguments[1]);
    if a.kind() == ValueKind::String && b.kind() == ValueKind::String {
        let (left, right) = (markup::operand(a, b), markup::operand(b, a));
        charge(state, left.len() + right.len())?;
        let mut sum = String::with_capacity(left.len() + right.len());
        sum.push_str(&left);
        sum.push_str(&right);
        return Ok(if a.is_safe() || b.is_safe() {
            Value::from_safe_string(sum)
        } else {
            Value::from(sum)
        });
    }
    if (is_list(a) && is_list(b)) || (python::is_tuple(a) && python::is_tuple(b)) {
        let mut items = python::items(state, a)?;
        items.extend(python::items(state, b)?);
        return if is_list(a) {
            python::list(state, items)
        } else {
            Ok(python::tuple(items))
        };
    }
    match pair(a, b).ok_or_else(|| unfit("+", a, b))? {
        Pair::Small(x, y) => match x.checked_add(y) {
            Some(sum) => Ok(int(sum)),
            None => sized(state, BigInt::from(x) + y),
        },
        Pair::Large(x, y) => sized(state, x + y),
        Pair::Floats(x, y) => Ok(Value::from(x + y)),
    }
}

pub(crate) fn subtract(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let (a, b) = (&arguments[0], &arguments[1]);
    match pair(a, b).ok_or_else(|| unfit("-", a, b))? {
        Pair::Small(x, y) => match x.checked_sub(y) {
            Some(difference) => Ok(int(difference)),
            None => sized(state, BigInt::from(x) - y),
        },
        Pair::Large(x, y) => sized(state, x - y),
        Pair::Floats(x, y) => Ok(Value::from(x - y)),
    }
}

pub(crate) fn multiply(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let (a, b) = (&arguments[0], &arguments[1]);
    for (many, count) in [(a, b), (b, a)] {
        let is_text = many.kind() == ValueKind::String;
        if is_text || is_list(many) || python::is_tuple(many) {
            let count = python::index(count).map_err(|_| unfit("*", a, b))?;
            return repeated(state, many, usize::try_from(count).unwrap_or(0));
        }
    }
    match pair(a, b).ok_or_else(|| unfit("*", a, b))? {
        Pair::Small(x, y) => match x.checked_mul(y) {
            Some(product) => Ok(int(product)),
            None => sized(state, BigInt::from(x) * y),
        },
        Pair::Large(x, y) => sized(state, x * y),
        Pair::Floats(x, y) => Ok(Value::from(x * y)),
    }
}

fn repeated(state: &State<'_, '_>, many: &Value, count: usize) -> Result<Value, Error> {
    if let Some(text) = many.as_str() {
        charge(state, text.len().saturating_mul(count))?;
        return Ok(Value::from(text.repeat(count)));
    }
    let items = python::items(state, many)?;
    let slots = items.len().saturating_mul(count);
    charge(state, slots.saturating_mul(32))?;
    let all: Vec<Value> = items.iter().cycle().take(slots).cloned().collect();
    Ok(if is_list(many) {
        Value::from_object(all)
    } else {
        python::tuple(all)
    })
}

pub(crate) fn divide(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let (a, b) = (&arguments[0], &arguments[1]);
    let (Some(x), Some(y)) = (float(a), float(b)) else {
        return Err(unfit("/", a, b));
    };
    if y == 0.0 {
        return Err(by_zero());
    }
    Ok(Value::from(x / y))
}

fn float(value: &Value) -> Option<f64> {
    python::number(value).or_else(|| {
        value
            .downcast_object_ref::<LongInteger>()?
            .digits()
            .parse()
            .ok()
    })
}

pub(crate) fn floor_divide(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let (a, b) = (&arguments[0], &arguments[1]);
    match pair(a, b).ok_or_else(|| unfit("//", a, b))? {
        Pair::Small(_, 0) => Err(by_zero()),
        Pair::Small(x, y) => match x.checked_div(y) {
            Some(quotient) => Ok(int(quotient - i128::from(x % y != 0 && (x < 0) != (y < 0)))),
            None => sized(state, BigInt::from(x) / y),
        },
        Pair::Large(_, y) if y == BigInt::ZERO => Err(by_zero()),
        Pair::Large(x, y) => sized(state, floor(&x, &y).0),
        Pair::Floats(_, 0.0) => Err(by_zero()),
        Pair::Floats(x, y) => Ok(Value::from((x / y).floor())),
    }
}

/// Quotient and rest, rounded down.
fn floor(x: &BigInt, y: &BigInt) -> (BigInt, BigInt) {
    let (quotient, rest) = (x / y, x % y);
    if rest != BigInt::ZERO && (rest < BigInt::ZERO) != (*y < BigInt::ZERO) {
        (quotient - 1, rest + y)
    } else {
        (quotient, rest)
    }
}

/// The rest of a division, which has the sign of the divisor.
pub(crate) fn modulo(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Value, Error> {
    match pair(a, b).ok_or_else(|| unfit("%", a, b))? {
        Pair::Small(_, 0) | Pair::Floats(_, 0.0) => Err(by_zero()),
        Pair::Small(x, y) => {
            let rest = x.wrapping_rem(y);
            Ok(int(if rest != 0 && (rest < 0) != (y < 0) {
                rest + y
            } else {
                rest
            }))
        }
        Pair::Large(_, y) if y == BigInt::ZERO => Err(by_zero()),
        Pair::Large(x, y) => sized(state, floor(&x, &y).1),
        Pair::Floats(x, y) => {
            let rest = x % y;
            Ok(Value::from(if rest == 0.0 {
                0f64.copysign(y)
            } else if (rest < 0.0) != (y < 0.0) {
                rest + y
            } else {
                rest
            }))
        }
    }
}

pub(crate) fn power(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let (a, b) = (&arguments[0], &arguments[1]);
    let result = match pair(a, b).ok_or_else(|| unfit("**", a, b))? {
        Pair::Small(x, y) if y >= 0 => {
            let base = BigInt::from(x);
            let exponent = u32::try_from(y).unwrap_or(u32::MAX);
            if base.bits() > 1 && base.bits().saturating_mul(u64::from(exponent)) > MOST_BITS {
                return Err(refuse("an integer is too large"));
            }
            // The powers of 1, 0 and -1 depend on no more than the last bit of the exponent.
            let exponent = if base.bits() > 1 {
                exponent
            } else {
                exponent.min(2 + (y % 2) as u32)
            };
            return sized(state, base.pow(exponent));
        }
        Pair::Small(x, y) => {
            if x == 0 {
                return Err(by_zero());
            }
            (x as f64).powf(y as f64)
        }
        Pair::Large(..) => return Err(refuse("an integer is too large")),
        Pair::Floats(x, y) => {
            if x < 0.0 && y.fract() != 0.0 {
                return Err(refuse("the root of a negative number is complex"));
            }
            let result = x.powf(y);
            if x == 0.0 && y < 0.0 {
                return Err(by_zero());
            }
            if result.is_infinite() && x.is_finite() && y.is_finite() {
                return Err(refuse("a float is too large"));
            }
            result
        }
    };
    Ok(Value::from(result))
}

pub(crate) fn positive(_: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let value = &arguments[0];
    match (python::integer(value), value.kind()) {
        (Some(value), _) => Ok(int(value)),
        (None, ValueKind::Number) => Ok(value.clone()),
        _ if big(value).is_some() => Ok(value.clone()),
        _ => Err(refuse(format!("{} has no sign", type_name(value)))),
    }
}

pub(crate) fn negative(state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
    let value = &arguments[0];
    if let Some(negative) = python::integer(value).and_then(i128::checked_neg) {
        return Ok(int(negative));
    }
    match (big(value), python::number(value)) {
        (Some(value), _) => sized(state, -value),
        (None, Some(value)) => Ok(Value::from(-value)),
        _ => Err(refuse(format!("{} has no sign", type_name(value)))),
    }
}
