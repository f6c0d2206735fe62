//! Floats as `strconv` writes them.

/// The shortest digits that read back as the same number, by the verb `e`, `f` or `g`.
pub(super) fn shortest(value: f64, verb: char) -> String {
    if !value.is_finite() {
        return special(value);
    }
    match verb {
        'f' => format!("{value}"),
        'e' => with_exponent(&format!("{value:e}")),
        _ => {
            let text = format!("{value:e}");
            match exponent_of(&text) {
                -4..6 => format!("{value}"),
                _ => with_exponent(&text),
            }
        }
    }
}

/// A number of digits: behind the point, or in all for `g`.
pub(super) fn rounded(value: f64, verb: char, precision: usize) -> String {
    if !value.is_finite() {
        return special(value);
    }
    match verb {
        'f' => format!("{value:.precision$}"),
        'e' => with_exponent(&format!("{value:.precision$e}")),
        _ => {
            let digits = precision.max(1);
            let text = format!("{value:.*e}", digits - 1);
            let exponent = exponent_of(&text);
            let (mantissa, _) = text.split_once('e').unwrap_or((&text, ""));
            let mantissa = trimmed(mantissa);
            // Digits that are not there do not move the border.
            let shown = mantissa.chars().filter(char::is_ascii_digit).count();
            let border = if digits > shown && shown as i64 > exponent {
                shown
            } else {
                digits
            };
            if exponent < -4 || exponent >= border as i64 {
                return with_exponent(&format!("{mantissa}e{exponent}"));
            }
            let behind = usize::try_from(digits as i64 - 1 - exponent).unwrap_or_default();
            trimmed(&format!("{value:.behind$}")).to_owned()
        }
    }
}

fn special(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value > 0.0 {
        "+Inf".to_owned()
    } else {
        "-Inf".to_owned()
    }
}

/// Without the zeros at the end of a fraction.
fn trimmed(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

fn exponent_of(text: &str) -> i64 {
    text.split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or_default()
}

/// Go gives an exponent a sign and at least two digits.
fn with_exponent(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}
