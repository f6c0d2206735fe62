//! The formats of JSON Schema that are enforced.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::decimal::Decimal;
use super::pattern::Pattern;
use super::shape::{Bound, Number};

/// Those of text; `unknown` is any text.
pub(super) const FORMATS: &[&str] = &[
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "json-pointer",
    "time",
    "unknown",
    "uri",
    "uri-reference",
    "uuid",
];

/// Formats of OpenAPI that say how a number is kept, and no more than `text_of` of texts.
pub(super) const OF_NUMBERS: &[&str] = &[
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float", "double",
];

const DAY: &str = "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)\
                   |02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)";
/// Without the leap second, which hardly a reader takes.
const TIME: &str = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:[zZ]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";
const OCTET: &str = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
/// No longer than 253 characters: a few long labels or some short ones.
const HOST: &str = "(?:LONG(?:[.]LONG){0,2}|SHORT(?:[.]SHORT){0,7})";
const LONG_LABEL: &str = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const SHORT_LABEL: &str = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,28}[a-zA-Z0-9])?";
const URI_CHARACTER: &str = r"(?:[a-zA-Z0-9\-._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})";

thread_local! {
    static KNOWN: RefCell<HashMap<&'static str, Option<Rc<Pattern>>>> = RefCell::default();
}

/// None for a format that is not known and for one that any text has.
pub(super) fn text_of(format: &str) -> Option<Rc<Pattern>> {
    let name = FORMATS.iter().find(|name| **name == format)?;
    KNOWN.with_borrow_mut(|known| {
        known
            .entry(*name)
            .or_insert_with(|| expression(name).map(|rx| Rc::new(Pattern::known(&rx))))
            .clone()
    })
}

fn expression(format: &str) -> Option<String> {
    let host = || {
        HOST.replace("LONG", LONG_LABEL)
            .replace("SHORT", SHORT_LABEL)
    };
    let ipv4 = || format!(r"{OCTET}(?:\.{OCTET}){{3}}");
    Some(match format {
        "date" => DAY.to_owned(),
        "time" => TIME.to_owned(),
        "date-time" => format!("{DAY}[tT]{TIME}"),
        "duration" => {
            let clock = "T(?:[0-9]{1,9}H(?:[0-9]{1,9}M(?:[0-9]{1,9}S)?)?|[0-9]{1,9}M(?:[0-9]{1,9}S)?|[0-9]{1,9}S)";
            let days = "(?:[0-9]{1,9}Y(?:[0-9]{1,9}M(?:[0-9]{1,9}D)?)?|[0-9]{1,9}M(?:[0-9]{1,9}D)?|[0-9]{1,9}D)";
            format!("P(?:{days}(?:{clock})?|{clock}|[0-9]{{1,9}}W)")
        }
        "email" => {
            let atom = r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~]{1,31}";
            format!(r"{atom}(?:\.{atom})?@{}", host())
        }
        "hostname" => host(),
        "ipv4" => ipv4(),
        "ipv6" => ipv6(),
        "uuid" => "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}".to_owned(),
        "json-pointer" => "(?:/(?:[^~/]|~[01])*)*".to_owned(),
        "uri" => uri(&host(), &ipv4()),
        "uri-reference" => {
            let relative = format!("(?:/|{URI_CHARACTER})*{}", tail());
            // A colon in the first part would make it a scheme.
            let plain = URI_CHARACTER.replace(":@", "@");
            format!(
                "(?:{}|/{relative}|{plain}*(?:/{relative})?{})",
                uri(&host(), &ipv4()),
                tail()
            )
        }
        _ => return None,
    })
}

fn tail() -> String {
    format!(r"(?:\?(?:[/?]|{URI_CHARACTER})*)?(?:#(?:[/?]|{URI_CHARACTER})*)?")
}

fn uri(host: &str, ipv4: &str) -> String {
    let user = r"(?:(?:[a-zA-Z0-9\-._~!$&'()*+,;=:]|%[0-9a-fA-F]{2})*@)?";
    let authority = format!(
        r"//{user}(?:\[{}\]|{ipv4}|{host})(?::[0-9]{{1,5}})?",
        ipv6()
    );
    let path = format!("(?:/{URI_CHARACTER}*)*");
    let rootless = format!("{URI_CHARACTER}+{path}");
    format!(
        r"[a-zA-Z][a-zA-Z0-9+\-.]*:(?:{authority}{path}|///{URI_CHARACTER}+{path}|/{rootless}|{rootless}){}",
        tail()
    )
}

fn ipv6() -> String {
    let group = "[0-9a-fA-F]{1,4}";
    let mut all = vec![format!("(?:{group}:){{7}}{group}")];
    // Groups before the gap, and so many behind it at most that one is left out.
    for before in 0..=7usize {
        let first = match before {
            0 => String::new(),
            n => format!("{group}(?::{group}){{{}}}", n - 1),
        };
        all.push(match 7 - before {
            0 => format!("{first}::"),
            n => format!("{first}::(?:{group}(?::{group}){{0,{}}})?", n - 1),
        });
    }
    format!("(?:{})", all.join("|"))
}

/// What the format says of a whole number.
pub(super) fn integer_of(format: &str) -> Option<Number> {
    let (low, high) = match format {
        "int8" => (i128::from(i8::MIN), i128::from(i8::MAX)),
        "int16" => (i128::from(i16::MIN), i128::from(i16::MAX)),
        "int32" => (i128::from(i32::MIN), i128::from(i32::MAX)),
        "uint8" => (0, i128::from(u8::MAX)),
        "uint16" => (0, i128::from(u16::MAX)),
        "uint32" => (0, i128::from(u32::MAX)),
        "uint64" => (0, i128::from(u64::MAX)),
        "int64" => (i128::from(i64::MIN), i128::from(i64::MAX)),
        _ => return None,
    };
    Some(Number {
        low: Some(Bound::closed(Decimal::integer(low))),
        high: Some(Bound::closed(Decimal::integer(high))),
        ..Number::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_what_their_standards_say() {
        for (format, right, wrong) in [
            (
                "date",
                &["2026-11-27", "2024-02-29", "2000-02-29", "1999-12-31"][..],
                &[
                    "2026-02-29",
                    "1900-02-29",
                    "2026-13-01",
                    "2026-04-31",
                    "26-1-1",
                ][..],
            ),
            (
                "time",
                &["04:44:59Z", "23:59:00.123+01:00"],
                &["04:44:60Z", "24:00:00Z", "04:44:00"],
            ),
            (
                "date-time",
                &["2026-11-27T04:44:59Z", "2026-11-27T04:44:59.5-20:27"],
                &["2026-11-27 04:44:59Z", "2026-11-27T14:12:60-20:27"],
            ),
            (
                "duration",
                &["P1Y2M3D", "PT5M", "P2W", "P1DT2H"],
                &["P", "PT", "1D", "P1H"],
            ),
            (
                "email",
                &["a@b.co", "a.b+c@d-e.example"],
                &["a", "@b", "a@", "a b@c.d", "a@-b.c"],
            ),
            (
                "hostname",
                &["localhost", "a.b-c.example", "a.b.c.d.e.f"],
                &["-a", "a-.b", "a..b", "a_b", ""],
            ),
            (
                "ipv4",
                &["127.0.0.1", "255.255.255.255"],
                &["256.1.1.1", "1.1.1", "01.1.1.1"],
            ),
            (
                "ipv6",
                &[
                    "::",
                    "::1",
                    "fe80::1:2",
                    "1:2:3:4:5:6:7:8",
                    "1:2:3:4:5:6:7::",
                ],
                &["1:2:3", ":::", "1::2::3", "12345::", "1:2:3:4:5:6:7:8:9"],
            ),
            (
                "uuid",
                &["123e4567-e89b-12d3-a456-426614174000"],
                &["123e4567e89b12d3a456426614174000"],
            ),
            (
                "uri",
                &[
                    "https://a.example/b?c=d#e",
                    "mailto:a@b.example",
                    "file:///etc/x",
                    "http://[::1]:80/",
                    "urn:isbn:1",
                ],
                &["//a/b", "a b:c", "http://a b", "example.com/x", "https:"],
            ),
            (
                "uri-reference",
                &["/a/b?c", "../x", "https://a.example", "#f", ""],
                &["a b", ":x"],
            ),
            ("json-pointer", &["", "/a/0", "/a~1b"], &["a", "/~2"]),
        ] {
            let pattern = text_of(format).expect(format);
            for text in right {
                assert!(pattern.is_found_in(text), "{format}: {text}");
            }
            for text in wrong {
                assert!(!pattern.is_found_in(text), "{format}: {text}");
            }
        }
        let host = text_of("hostname").expect("a format");
        assert!(
            host.excludes(254, None),
            "a host name ends at 253 characters"
        );
    }
}
