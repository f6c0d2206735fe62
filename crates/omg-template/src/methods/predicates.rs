//! The `is` methods of text.

use minijinja::{Error, State, Value};

use super::layout::is_space;
use super::text::text;
use crate::arguments::{Callable, bind};
use crate::python::charge;
use crate::python_text::is_printable;

pub(super) fn find(name: &str) -> Option<Callable> {
    Some(match name {
        "isalnum" => |state, arguments| every(state, arguments, |c| is_letter(c) || is_numeric(c)),
        "isalpha" => |state, arguments| every(state, arguments, is_letter),
        "isascii" => |state, arguments| holds(state, arguments, str::is_ascii),
        "isdecimal" => |state, arguments| every(state, arguments, |c| decimal(c).is_some()),
        "isdigit" => |state, arguments| every(state, arguments, is_digit),
        "isidentifier" => |state, arguments| holds(state, arguments, is_identifier),
        "islower" => |state, arguments| {
            holds(state, arguments, |text| {
                cased(text, char::is_lowercase, char::is_uppercase)
            })
        },
        "isnumeric" => |state, arguments| every(state, arguments, is_numeric),
        "isprintable" => {
            |state, arguments| holds(state, arguments, |text| text.chars().all(is_printable))
        }
        "isspace" => |state, arguments| every(state, arguments, is_space),
        "istitle" => |state, arguments| holds(state, arguments, is_title),
        "isupper" => |state, arguments| {
            holds(state, arguments, |text| {
                cased(text, char::is_uppercase, char::is_lowercase)
            })
        },
        _ => return None,
    })
}

fn holds(
    state: &State<'_, '_>,
    arguments: &[Value],
    predicate: impl Fn(&str) -> bool,
) -> Result<Value, Error> {
    bind("it", &arguments[1..], [], 0)?;
    let text = text(&arguments[0]);
    charge(state, text.len())?;
    Ok(Value::from(predicate(text)))
}

fn every(
    state: &State<'_, '_>,
    arguments: &[Value],
    predicate: impl Fn(char) -> bool,
) -> Result<Value, Error> {
    holds(state, arguments, |text| {
        !text.is_empty() && text.chars().all(&predicate)
    })
}

/// A letter; marks that Unicode counts as alphabetic are none to Python.
fn is_letter(c: char) -> bool {
    c.is_alphabetic() && !c.is_numeric()
}

/// The digit zero of each script.
const ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
    0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
    0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650,
    0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50,
    0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// The value of a decimal digit of any script.
pub(crate) fn decimal(c: char) -> Option<u32> {
    let code = c as u32;
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    Some(code - zero).filter(|value| *value < 10)
}

/// Decimal digits and those above, below and within marks.
fn is_digit(c: char) -> bool {
    decimal(c).is_some()
        || matches!(c as u32,
            0xb2 | 0xb3 | 0xb9 | 0x1369..=0x1371 | 0x19da | 0x2070 | 0x2074..=0x2079 | 0x2080..=0x2089 | 0x2460..=0x2468
            | 0x2474..=0x247c | 0x2488..=0x2490 | 0x24ea | 0x24f5..=0x24fd | 0x24ff | 0x2776..=0x277e | 0x2780..=0x2788
            | 0x278a..=0x2792 | 0x10a40..=0x10a43 | 0x10e60..=0x10e68 | 0x11052..=0x1105a | 0x1f100..=0x1f10a)
}

/// Ideographs that are numbers.
const NUMBERS: &str = "㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖百肆萬貮貳贰阡陆陌陸零";

fn is_numeric(c: char) -> bool {
    c.is_numeric() || NUMBERS.contains(c)
}

fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c == '_' || is_letter(c))
        && chars.all(|c| c == '_' || c.is_alphanumeric() && !is_superscript(c))
}

fn is_superscript(c: char) -> bool {
    c.is_numeric() && decimal(c).is_none() && !c.is_alphabetic()
}

/// At least one letter with a case, and none of the other.
fn cased(text: &str, wanted: fn(char) -> bool, other: fn(char) -> bool) -> bool {
    text.chars().any(wanted) && !text.chars().any(other)
}

fn is_title(text: &str) -> bool {
    let mut in_word = false;
    let mut any = false;
    for c in text.chars() {
        if c.is_uppercase() {
            if in_word {
                return false;
            }
            in_word = true;
            any = true;
        } else if c.is_lowercase() {
            if !in_word {
                return false;
            }
        } else {
            in_word = false;
        }
    }
    any
}
