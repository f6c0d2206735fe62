//! Ranges of numbers as regular expressions over what JSON writes, without exponents.

use super::decimal::Decimal;
use super::shape::{Bound, Number};

/// Whole numbers that every reader of JSON keeps exactly (RFC 8259, section 6), and a range for the others that needs no exponent.
const MAX_INTEGER: i128 = 9_007_199_254_740_991;
const MAX_NUMBER: i128 = 1_000_000_000_000_000;

/// Expressions of which a number in the range matches one, as Lark has them in terminals. None: there is no such number.
pub(super) fn terminals(number: &Number) -> Vec<String> {
    let (low, high) = bounds(number);
    if number.integer {
        let low = match low.inclusive || !low.value.is_whole() {
            true => low.value.ceil(),
            false => low.value.floor() + 1,
        };
        let high = match high.inclusive || !high.value.is_whole() {
            true => high.value.floor(),
            false => high.value.ceil() - 1,
        };
        return integers(low, high)
            .into_iter()
            .map(|rx| format!("/{rx}/"))
            .collect();
    }
    let zero = Bound::closed(Decimal::integer(0));
    let mut all = Vec::new();
    if low.value.is_negative() {
        let least = match high.value.is_negative() {
            true => high.negated(),
            false => Bound {
                inclusive: false,
                ..zero.clone()
            },
        };
        all.extend(positive("-", &least, &low.negated()));
    }
    if !high.value.is_negative() {
        let least = if low.value.is_negative() { &zero } else { &low };
        all.extend(positive("", least, &high));
    }
    all
}

/// Where the schema sets no end, one that nobody means to pass.
fn bounds(number: &Number) -> (Bound, Bound) {
    let usual = if number.integer {
        MAX_INTEGER
    } else {
        MAX_NUMBER
    };
    let end = |given: &Option<Bound>, other: &Option<Bound>, sign: i128| {
        if let Some(bound) = given {
            return bound.clone();
        }
        let reached = other
            .as_ref()
            .map_or(0, |b| sign * b.value.floor())
            .saturating_mul(1000);
        Bound::closed(Decimal::integer(sign * usual.max(reached)))
    };
    (
        end(&number.low, &number.high, -1),
        end(&number.high, &number.low, 1),
    )
}

fn integers(low: i128, high: i128) -> Option<String> {
    let mut parts = Vec::new();
    if low < 0 && low <= high {
        let digits = between(high.saturating_neg().max(1) as u128, low.unsigned_abs());
        parts.extend(digits.map(|d| format!("-{d}")));
    }
    if high >= 0 {
        parts.extend(between(low.max(0) as u128, high as u128));
    }
    (!parts.is_empty()).then(|| one_of(parts))
}

/// Numbers from `low` to `high`, neither of which is negative.
fn positive(sign: &str, low: &Bound, high: &Bound) -> Vec<String> {
    let (first, last) = (low.value.magnitude(), high.value.magnitude());
    let above = |digits: u128| {
        let fraction = fraction_from(low.value.fraction(), low.inclusive);
        format!("{sign}{digits}{fraction}")
    };
    let below = |digits: u128| {
        fraction_to(high.value.fraction(), high.inclusive)
            .map(|fraction| format!("{sign}{digits}{fraction}"))
    };
    if low.value > high.value {
        return Vec::new();
    }
    if low.value == high.value && !(low.inclusive && high.inclusive) {
        return Vec::new();
    }
    if first == last {
        return match below(first) {
            Some(below) => vec![format!("(/{}/ & /{below}/)", above(first))],
            None => Vec::new(),
        };
    }
    let mut parts = vec![above(first)];
    if first + 1 < last
        && let Some(inner) = between(first + 1, last - 1)
    {
        parts.push(format!(r"{sign}{inner}(\.[0-9]+)?"));
    }
    parts.extend(below(last));
    parts.into_iter().map(|rx| format!("/{rx}/")).collect()
}

/// What follows the whole part of a number so that its fraction is no less than `0.least`, or more when that is excluded.
fn fraction_from(least: &str, inclusive: bool) -> String {
    match (least, inclusive) {
        ("", true) => r"(\.[0-9]+)?".to_owned(),
        _ => format!(r"\.{}", digits_from(least.as_bytes(), inclusive)),
    }
}

fn digits_from(least: &[u8], inclusive: bool) -> String {
    let [first, rest @ ..] = least else {
        let more = if inclusive {
            "[0-9]*"
        } else {
            "[0-9]*[1-9][0-9]*"
        };
        return more.to_owned();
    };
    let mut parts = vec![format!(
        "{}{}",
        char::from(*first),
        digits_from(rest, inclusive)
    )];
    if *first < b'9' {
        parts.push(format!("[{}-9][0-9]*", char::from(first + 1)));
    }
    one_of(parts)
}

/// What follows the whole part of a number so that its fraction is no more than `0.most`.
fn fraction_to(most: &str, inclusive: bool) -> Option<String> {
    match (most, inclusive) {
        ("", true) => Some(r"(\.0+)?".to_owned()),
        ("", false) => None,
        _ => digits_to(most.as_bytes(), inclusive).map(|d| format!(r"(\.{d})?")),
    }
}

fn digits_to(most: &[u8], inclusive: bool) -> Option<String> {
    let [first, rest @ ..] = most else {
        return inclusive.then(|| "0*".to_owned());
    };
    let mut parts = Vec::new();
    if *first > b'0' {
        parts.push(format!("[0-{}][0-9]*", char::from(first - 1)));
    }
    let same = digits_to(rest, inclusive);
    let digit = char::from(*first);
    match (same, rest.is_empty()) {
        (Some(same), true) => parts.push(format!("{digit}{same}")),
        // Fewer digits are less.
        (Some(same), false) => parts.push(format!("{digit}({same})?")),
        (None, true) => {}
        (None, false) => parts.push(digit.to_string()),
    }
    (!parts.is_empty()).then(|| one_of(parts))
}

/// Whole numbers without a sign.
fn between(low: u128, high: u128) -> Option<String> {
    let mut parts = Vec::new();
    let mut low = low;
    while low <= high {
        let digits = low.to_string();
        let last = "9".repeat(digits.len());
        let end = last.parse::<u128>().map_or(high, |end| end.min(high));
        parts.push(of_equal_length(
            digits.as_bytes(),
            end.to_string().as_bytes(),
        ));
        let Some(next) = end.checked_add(1) else {
            break;
        };
        low = next;
    }
    (!parts.is_empty()).then(|| one_of(parts))
}

fn of_equal_length(low: &[u8], high: &[u8]) -> String {
    let ([l, low_rest @ ..], [h, high_rest @ ..]) = (low, high) else {
        return String::new();
    };
    let any = match low_rest.len() {
        0 => String::new(),
        1 => "[0-9]".to_owned(),
        n => format!("[0-9]{{{n}}}"),
    };
    if l == h {
        return format!("{}{}", char::from(*l), of_equal_length(low_rest, high_rest));
    }
    let (mut from, mut to) = (*l, *h);
    let mut parts = Vec::new();
    if low_rest.iter().any(|d| *d != b'0') {
        let nines = vec![b'9'; low_rest.len()];
        parts.push(format!(
            "{}{}",
            char::from(*l),
            of_equal_length(low_rest, &nines)
        ));
        from += 1;
    }
    let mut last = None;
    if high_rest.iter().any(|d| *d != b'9') {
        let zeros = vec![b'0'; high_rest.len()];
        last = Some(format!(
            "{}{}",
            char::from(*h),
            of_equal_length(&zeros, high_rest)
        ));
        to -= 1;
    }
    if from <= to {
        parts.push(format!("[{}-{}]{any}", char::from(from), char::from(to)));
    }
    parts.extend(last);
    one_of(parts)
}

fn one_of(mut parts: Vec<String>) -> String {
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => format!("({})", parts.join("|")),
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    /// One that matches what any of the expressions does.
    fn matches(number: &Number, text: &str) -> bool {
        terminals(number).iter().any(|terminal| {
            terminal.trim_matches(['(', ')']).split(" & ").all(|part| {
                let rx = &part[1..part.len() - 1];
                Regex::new(&format!("^(?:{rx})$")).expect(rx).is_match(text)
            })
        })
    }

    fn bound(text: &str, inclusive: bool) -> Option<Bound> {
        let number: serde_json::Number = serde_json::from_str(text).expect("a number");
        Some(Bound {
            value: Decimal::of(&number),
            inclusive,
        })
    }

    #[test]
    fn ranges_hold_what_lies_between_their_ends() {
        let ends = [
            "-100.25", "-3.5", "-3", "-0.5", "0", "0.25", "0.5", "0.99", "1", "3", "3.5", "17",
            "100", "100.25",
        ];
        let tried = [
            "-101", "-100.25", "-100.2", "-100", "-4", "-3.5", "-3.49", "-3.1", "-3", "-3.0", "-1",
            "-0.51", "-0.5", "-0.01", "0", "0.0", "0.001", "0.2", "0.25", "0.250", "0.26", "0.3",
            "0.5", "0.50", "0.9", "0.98", "0.99", "0.991", "1", "1.0", "1.01", "2", "2.99", "3",
            "3.0", "3.001", "3.5", "3.51", "9", "10", "16.99", "17", "17.01", "99", "100", "100.0",
            "100.2", "100.25", "100.26", "101",
        ];
        for low in ends {
            for high in ends {
                for (low_in, high_in) in
                    [(true, true), (true, false), (false, true), (false, false)]
                {
                    for integer in [false, true] {
                        let number = Number {
                            integer,
                            low: bound(low, low_in),
                            high: bound(high, high_in),
                            multiples: Vec::new(),
                        };
                        for text in tried {
                            let value: f64 = text.parse().expect("a number");
                            let (l, h): (f64, f64) = (
                                low.parse().expect("a number"),
                                high.parse().expect("a number"),
                            );
                            let inside = (value > l || low_in && value == l)
                                && (value < h || high_in && value == h)
                                && (!integer || !text.contains('.'));
                            assert_eq!(
                                matches(&number, text),
                                inside,
                                "{text} in {low} {low_in} to {high} {high_in}, {integer}: {:?}",
                                terminals(&number)
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn integers_are_exact_to_the_last_digit() {
        let number = |low: &str, high: &str| Number {
            integer: true,
            low: bound(low, true),
            high: bound(high, true),
            multiples: Vec::new(),
        };
        let wide = number("-9223372036854775808", "18446744073709551615");
        for inside in [
            "-9223372036854775808",
            "0",
            "18446744073709551615",
            "1234567890123456789",
        ] {
            assert!(matches(&wide, inside), "{inside}");
        }
        for outside in ["-9223372036854775809", "18446744073709551616", "-0", "007"] {
            assert!(!matches(&wide, outside), "{outside}");
        }
        let one = number("1234567890123456789", "1234567890123456789");
        assert!(matches(&one, "1234567890123456789") && !matches(&one, "1234567890123456788"));
        let open = Number {
            integer: true,
            ..Number::default()
        };
        assert!(matches(&open, "9007199254740991") && !matches(&open, "9007199254740992"));
        let above = Number {
            low: bound("9007199254740992", true),
            ..open
        };
        assert!(matches(&above, "9007199254740993") && !matches(&above, "9007199254740991"));
    }
}
