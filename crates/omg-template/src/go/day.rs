//! A date as `currentDate` writes it.

use std::fmt;

use crate::Moment;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    year: i32,
    month: u8,
    day: u8,
}

impl From<Moment> for Day {
    fn from(moment: Moment) -> Self {
        Self {
            year: moment.year,
            month: moment.month,
            day: moment.day,
        }
    }
}

impl Day {
    pub(super) fn before(self) -> Self {
        let Self { year, month, day } = self;
        match (month, day) {
            (0..=1, 0..=1) => Self {
                year: year.saturating_sub(1),
                month: 12,
                day: 31,
            },
            (_, 0..=1) => Self {
                year,
                month: month - 1,
                day: days_of(year, month - 1),
            },
            _ => Self {
                day: day - 1,
                ..self
            },
        }
    }
}

fn days_of(year: i32, month: u8) -> u8 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}
