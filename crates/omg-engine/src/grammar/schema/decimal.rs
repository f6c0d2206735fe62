use std::cmp::Ordering;
use std::fmt;

/// A number as it is written in decimals, so that 64-bit integers and `0.1` are what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Without leading zeros, at least one digit.
    whole: String,
    /// Without zeros at its end.
    fraction: String,
}

/// What a `u128` holds whatever the digits are.
const MOST_DIGITS: usize = 38;

impl Decimal {
    pub(super) fn of(number: &serde_json::Number) -> Self {
        Self::parse(&number.to_string())
    }

    pub(super) fn integer(value: i128) -> Self {
        Self::parse(&value.to_string())
    }

    /// `text` is a number of JSON.
    fn parse(text: &str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i64 = exponent.parse().unwrap_or(0);
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = format!("{whole}{fraction}");
        // The exponents of an f64 end at 308.
        let mut point = whole.len() as i64 + exponent.clamp(-400, 400);
        if point < 0 {
            digits.insert_str(0, &"0".repeat(-point as usize));
            point = 0;
        }
        let missing = (point as usize).saturating_sub(digits.len());
        digits.push_str(&"0".repeat(missing));
        let (whole, fraction) = digits.split_at(point as usize);
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let zero = whole.is_empty() && fraction.is_empty();
        Self {
            negative: negative && !zero,
            whole: if whole.is_empty() { "0" } else { whole }.to_owned(),
            fraction: fraction.to_owned(),
        }
    }

    pub(super) fn is_negative(&self) -> bool {
        self.negative
    }

    pub(super) fn is_zero(&self) -> bool {
        self.whole == "0" && self.fraction.is_empty()
    }

    pub(super) fn is_whole(&self) -> bool {
        self.fraction.is_empty()
    }

    pub(super) fn negated(&self) -> Self {
        Self {
            negative: !self.negative && !self.is_zero(),
            ..self.clone()
        }
    }

    pub(super) fn fraction(&self) -> &str {
        &self.fraction
    }

    /// The digits before the point as a number; beyond 38 of them, the largest that has 38.
    pub(super) fn magnitude(&self) -> u128 {
        match self.whole.len() {
            ..=MOST_DIGITS => self.whole.parse().unwrap_or(0),
            _ => 10u128.pow(MOST_DIGITS as u32) - 1,
        }
    }

    pub(super) fn floor(&self) -> i128 {
        let whole = self.magnitude() as i128;
        match (self.negative, self.is_whole()) {
            (false, _) => whole,
            (true, true) => -whole,
            (true, false) => -whole - 1,
        }
    }

    pub(super) fn ceil(&self) -> i128 {
        -self.negated().floor()
    }

    /// The power of ten that this is, if it is one: 2 for 100, -2 for 0.01.
    pub(super) fn power_of_ten(&self) -> Option<i32> {
        if self.negative {
            return None;
        }
        if self.fraction.is_empty() {
            let zeros = self.whole.strip_prefix('1')?;
            return zeros
                .bytes()
                .all(|b| b == b'0')
                .then_some(zeros.len() as i32);
        }
        let zeros = self.fraction.strip_suffix('1')?;
        let plain = self.whole == "0" && zeros.bytes().all(|b| b == b'0');
        plain.then_some(-(self.fraction.len() as i32))
    }

    /// Whether the number is `step` times a whole number; true where that takes more digits than fit.
    pub(super) fn is_multiple_of(&self, step: &Self) -> bool {
        let places = self.fraction.len().max(step.fraction.len());
        let scaled = |d: &Self| -> Option<u128> {
            format!("{}{:0<places$}", d.whole, d.fraction).parse().ok()
        };
        match (scaled(self), scaled(step)) {
            (Some(value), Some(step)) if step > 0 => value % step == 0,
            _ => true,
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let point = if self.fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{point}{}", self.whole, self.fraction)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let magnitude = |a: &Self, b: &Self| {
            (a.whole.len(), &a.whole, &a.fraction).cmp(&(b.whole.len(), &b.whole, &b.fraction))
        };
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => magnitude(self, other),
            (true, true) => magnitude(other, self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_they_are_written() {
        let d = Decimal::parse;
        let ordered = [
            "-1e3",
            "-12.5",
            "-12.49",
            "-0.001",
            "0",
            "1e-7",
            "0.5",
            "0.51",
            "1",
            "9.999",
            "10",
            "1234567890123456788",
            "1234567890123456789",
            "18446744073709551615",
            "1e30",
        ];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(d(a).cmp(&d(b)), i.cmp(&j), "{a} {b}");
            }
        }
        assert_eq!(d("-0.0"), d("0"));
        assert_eq!(d("1.50e1"), d("15"));
        assert_eq!((d("-2.5").floor(), d("-2.5").ceil()), (-3, -2));
        assert_eq!((d("2.5").floor(), d("2.5").ceil()), (2, 3));
        assert_eq!(
            ["1", "100", "0.01", "0.02", "20", "1.1"].map(|t| d(t).power_of_ten()),
            [Some(0), Some(2), Some(-2), None, None, None]
        );
        assert!(d("0.3").is_multiple_of(&d("0.1")) && !d("0.35").is_multiple_of(&d("0.1")));
    }
}
