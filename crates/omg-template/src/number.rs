//! Numbers as Python writes them.

/// `repr` of a Python float: the shortest digits that read back the same, with an exponent below 1e-4 and from 1e16 on.
pub(crate) fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific
        .split_once('e')
        .expect("`e` writes an exponent always");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    if value != 0.0 && !(-4..16).contains(&exponent) {
        return format!("{digits}{}", exponent_text(exponent));
    }
    let plain = value.to_string();
    if plain.contains('.') {
        plain
    } else {
        format!("{plain}.0")
    }
}

/// How a float is written with a given precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notation {
    /// `f`: digits after the point.
    Fixed,
    /// `e`: digits after the point and an exponent.
    Exponent,
    /// `g`: significant digits, without an exponent where it is near zero, without zeros at the end.
    General,
    /// What a precision without a type means: `g` that keeps its point.
    Repr,
}

/// Every digit of a float, also of the smallest, is one of so many.
const MOST_DIGITS: usize = 1100;

/// `value`, which is not negative, in a notation of C. With `alternate` the point and zeros at the end stay.
pub(crate) fn notation(
    value: f64,
    notation: Notation,
    precision: usize,
    alternate: bool,
) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "nan" } else { "inf" }.to_owned();
    }
    match notation {
        Notation::Fixed => {
            let digits = precision.min(MOST_DIGITS);
            let point = if alternate && precision == 0 { "." } else { "" };
            format!("{value:.digits$}{point}{}", "0".repeat(precision - digits))
        }
        Notation::Exponent => {
            let digits = precision.min(MOST_DIGITS);
            let text = format!("{value:.digits$e}");
            let (mantissa, exponent) = text.split_once('e').expect("`e` writes an exponent always");
            let exponent: i32 = exponent.parse().expect("an exponent is a number");
            let point = if alternate && precision == 0 { "." } else { "" };
            let zeros = "0".repeat(precision - digits);
            format!("{mantissa}{point}{zeros}{}", exponent_text(exponent))
        }
        Notation::General | Notation::Repr => {
            let significant = precision.max(1);
            let rounded = format!("{value:.*e}", (significant - 1).min(MOST_DIGITS));
            let (_, exponent) = rounded
                .split_once('e')
                .expect("`e` writes an exponent always");
            let exponent: i64 = exponent.parse().expect("an exponent is a number");
            let limit = significant as i64 - i64::from(notation == Notation::Repr);
            let text = if (-4..limit.max(1)).contains(&exponent) || value == 0.0 {
                let digits = usize::try_from(significant as i64 - 1 - exponent).unwrap_or(0);
                self::notation(value, Notation::Fixed, digits, alternate)
            } else {
                self::notation(value, Notation::Exponent, significant - 1, alternate)
            };
            if alternate {
                return text;
            }
            let (mantissa, exponent) = text
                .split_once('e')
                .map_or((text.as_str(), None), |(m, e)| (m, Some(e)));
            let mut mantissa = if mantissa.contains('.') {
                mantissa
                    .trim_end_matches('0')
                    .trim_end_matches('.')
                    .to_owned()
            } else {
                mantissa.to_owned()
            };
            if notation == Notation::Repr && exponent.is_none() && !mantissa.contains('.') {
                mantissa.push_str(".0");
            }
            match exponent {
                Some(exponent) => format!("{mantissa}e{exponent}"),
                None => mantissa,
            }
        }
    }
}

fn exponent_text(exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::float_text;

    #[test]
    fn writes_floats_as_python_does() {
        for (value, text) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e22, "1.5e+22"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.2345e-7, "1.2345e-07"),
            (1e100, "1e+100"),
            (123_456.789, "123456.789"),
        ] {
            assert_eq!(float_text(value), text);
        }
    }
}
