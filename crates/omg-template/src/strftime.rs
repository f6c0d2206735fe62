//! `strftime_now`: the date as templates ask for it.

use std::cell::Cell;

use minijinja::{Error, ErrorKind, Value};

/// A local date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub year: i32,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
}

thread_local! {
    static NOW: Cell<Option<Moment>> = const { Cell::new(None) };
}

/// Runs `render` with `now` as the time that templates see.
pub(crate) fn at<T>(now: Moment, render: impl FnOnce() -> T) -> T {
    NOW.set(Some(now));
    let result = render();
    NOW.set(None);
    result
}

pub(crate) fn strftime_now(format: &str) -> Result<Value, Error> {
    let now = NOW
        .get()
        .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "there is no clock"))?;
    Ok(Value::from(now.format(format)))
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

impl Moment {
    /// `strftime` of the C locale. What it does not know it leaves as it is, as glibc does.
    fn format(self, format: &str) -> String {
        let mut out = String::new();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let mut unpadded = false;
            let mut directive = chars.next();
            if directive == Some('-') {
                unpadded = true;
                directive = chars.next();
            }
            match directive.and_then(|d| self.directive(d, unpadded)) {
                Some(text) => out.push_str(&text),
                None => {
                    out.push('%');
                    if unpadded {
                        out.push('-');
                    }
                    out.extend(directive);
                }
            }
        }
        out
    }

    fn directive(self, directive: char, unpadded: bool) -> Option<String> {
        let number = |value: u32, width: usize| {
            if unpadded {
                value.to_string()
            } else {
                format!("{value:0width$}")
            }
        };
        let month = MONTHS[usize::from(self.month.clamp(1, 12)) - 1];
        let day = DAYS[self.weekday() as usize];
        let hour12 = (u32::from(self.hour) + 11) % 12 + 1;
        Some(match directive {
            'Y' => self.year.to_string(),
            'y' => number(self.year.rem_euclid(100) as u32, 2),
            'm' => number(self.month.into(), 2),
            'd' => number(self.day.into(), 2),
            'e' => {
                if unpadded {
                    self.day.to_string()
                } else {
                    format!("{:2}", self.day)
                }
            }
            'H' => number(self.hour.into(), 2),
            'I' => number(hour12, 2),
            'M' => number(self.minute.into(), 2),
            'S' => number(self.second.into(), 2),
            'f' => "000000".to_owned(),
            'p' => if self.hour < 12 { "AM" } else { "PM" }.to_owned(),
            'B' => month.to_owned(),
            'b' | 'h' => month[..3].to_owned(),
            'A' => day.to_owned(),
            'a' => day[..3].to_owned(),
            'j' => number(self.day_of_year(), 3),
            'k' => format!("{:2}", self.hour),
            'l' => format!("{hour12:2}"),
            'U' => number((self.day_of_year() + 6 - (self.weekday() + 1) % 7) / 7, 2),
            'W' => number((self.day_of_year() + 6 - self.weekday()) / 7, 2),
            'V' => number(self.iso_week().1, 2),
            'G' => self.iso_week().0.to_string(),
            'g' => number(self.iso_week().0.rem_euclid(100) as u32, 2),
            'C' => number((self.year / 100) as u32, 2),
            'u' => (self.weekday() + 1).to_string(),
            'w' => ((self.weekday() + 1) % 7).to_string(),
            'F' => self.format("%Y-%m-%d"),
            'T' | 'X' => self.format("%H:%M:%S"),
            'R' => self.format("%H:%M"),
            'D' | 'x' => self.format("%m/%d/%y"),
            'c' => self.format("%a %b %e %H:%M:%S %Y"),
            'z' | 'Z' => String::new(),
            'n' => "\n".to_owned(),
            't' => "\t".to_owned(),
            '%' => "%".to_owned(),
            _ => return None,
        })
    }

    /// The year and week by ISO 8601: weeks start on Monday, and the first has the year's first Thursday.
    fn iso_week(self) -> (i32, u32) {
        let week = |moment: Self| (moment.day_of_year() + 9 - moment.weekday()) / 7;
        let of_year = |year: i32| {
            let last = Self {
                year,
                month: 12,
                day: 28,
                ..self
            };
            week(last)
        };
        match week(self) {
            0 => (self.year - 1, of_year(self.year - 1)),
            53 if of_year(self.year) == 52 => (self.year + 1, 1),
            week => (self.year, week),
        }
    }

    fn day_of_year(self) -> u32 {
        (1..u32::from(self.month))
            .map(|month| self.days_in(month))
            .sum::<u32>()
            + u32::from(self.day)
    }

    fn days_in(self, month: u32) -> u32 {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// Monday is 0. Sakamoto's method, which counts from Sunday.
    fn weekday(self) -> u32 {
        const OFFSETS: [i32; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        let year = if self.month < 3 {
            self.year - 1
        } else {
            self.year
        };
        let sunday = year + year.div_euclid(4) - year.div_euclid(100)
            + year.div_euclid(400)
            + OFFSETS[usize::from(self.month.clamp(1, 12)) - 1]
            + i32::from(self.day);
        (sunday + 6).rem_euclid(7) as u32
    }
}
