use std::ops::ControlFlow;

use regex::{Regex, RegexBuilder};

use super::file::invalid;
use crate::error::Result;

/// One way to cut text. What a rule does not match becomes pieces too.
#[derive(Debug)]
pub(super) enum Rule {
    Pattern { pattern: String, blanks: Blanks },
    Digits(Digits),
}

/// What becomes of white space that is not taken by a word behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blanks {
    /// The last character of a run goes to the word behind it.
    GiveBack,
    /// Runs of 512, 256, …, 8 and 4 characters, then one or two; the last character goes to the word behind it.
    Powers,
    /// White space is cut as the pattern matches it.
    AsMatched,
}

/// Runs of decimal digits in groups of three, counted from their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    /// `\d{1,3}(?=(?:\d{3})*\b)`: runs that end a word.
    WholeWords,
    /// All runs.
    Runs,
    /// `(?=(\d{3})+(?!\d))`: only cuts in front of each group, so what stands before a run may stay with its first digits.
    Cuts,
}

impl From<String> for Rule {
    fn from(pattern: String) -> Self {
        let blanks = match pattern.ends_with(r"|\s+") {
            true => Blanks::GiveBack,
            false => Blanks::AsMatched,
        };
        Rule::Pattern { pattern, blanks }
    }
}

impl From<&str> for Rule {
    fn from(pattern: &str) -> Self {
        pattern.to_owned().into()
    }
}

/// A rule that is ready to be used.
///
/// The published patterns end in `\s+(?!\S)|\s+`: white space before a word leaves its last character to that word. Instead of
/// the look-ahead, which would need a backtracking matcher, the pattern has `\s+` alone and the last character is given back
/// here: a match of white space alone is one of `\s+`, unless it ends in a line break and the pattern has `\s*[\r\n]+`.
#[derive(Debug)]
pub(super) enum Step {
    Pattern {
        pattern: Regex,
        blanks: Blanks,
        keeps_line_breaks: bool,
    },
    Digits {
        runs: Regex,
        digits: Digits,
    },
}

/// Classes of many scripts need more states than the library keeps by itself, and it is several times slower without them.
const AUTOMATON_BYTES: usize = 16 << 20;

const POWERS: [usize; 8] = [512, 256, 128, 64, 32, 16, 8, 4];

impl Step {
    pub(super) fn new(rule: Rule) -> Result<Self> {
        let compile = |pattern: &str| {
            RegexBuilder::new(pattern)
                .dfa_size_limit(AUTOMATON_BYTES)
                .build()
                .map_err(|error| invalid(format!("pre-tokenizer pattern: {error}")))
        };
        Ok(match rule {
            Rule::Pattern { pattern, blanks } => Step::Pattern {
                keeps_line_breaks: pattern.contains(r"\s*[\r\n]"),
                pattern: compile(&pattern)?,
                blanks,
            },
            Rule::Digits(digits) => Step::Digits {
                runs: compile(match digits {
                    // Whatever goes on with a word is what Oniguruma takes for that.
                    Digits::WholeWords => r"(\d+)([\p{Alphabetic}\p{M}\p{Pc}²³¹¼-¾])?",
                    Digits::Runs | Digits::Cuts => r"(\d+)",
                })?,
                digits,
            },
        })
    }

    /// Calls `piece` for each piece of the text, in order, until one of the calls ends it. Some pieces may be empty.
    pub(super) fn split<'a>(
        &self,
        text: &'a str,
        piece: &mut dyn FnMut(&'a str) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut done = 0;
        match self {
            Step::Pattern {
                pattern, blanks, ..
            } => {
                while let Some(found) = pattern.find_at(text, done) {
                    let end = match blanks {
                        Blanks::AsMatched => found.end(),
                        _ => {
                            found.start()
                                + self.blanks_to_keep(
                                    found.as_str(),
                                    *blanks,
                                    found.end() == text.len(),
                                )
                        }
                    };
                    piece(&text[done..found.start()])?;
                    piece(&text[found.start()..end])?;
                    done = end;
                }
            }
            Step::Digits { runs, digits } => {
                for found in runs.captures_iter(text) {
                    if found.get(2).is_some() {
                        continue;
                    }
                    let Some(found) = found.get(1) else { continue };
                    let run = &text[found.range()];
                    let count = run.chars().count();
                    if *digits != Digits::Cuts || count.is_multiple_of(3) {
                        piece(&text[done..found.start()])?;
                        done = found.start();
                    }
                    let border = |(index, _): &(usize, (usize, char))| {
                        *index > 0 && (count - index).is_multiple_of(3)
                    };
                    for (_, (at, _)) in run.char_indices().enumerate().filter(border) {
                        piece(&text[done..found.start() + at])?;
                        done = found.start() + at;
                    }
                    if *digits != Digits::Cuts {
                        piece(&text[done..found.end()])?;
                        done = found.end();
                    }
                }
            }
        }
        piece(&text[done..])
    }

    /// How many bytes of a match belong to it: all, unless it is white space of two or more characters.
    fn blanks_to_keep(&self, matched: &str, blanks: Blanks, at_end: bool) -> usize {
        let mut backwards = matched.chars().rev();
        let Some(last) = backwards.next().filter(|last| last.is_whitespace()) else {
            return matched.len();
        };
        // No other alternative matches white space at its end, so the match is white space throughout.
        let keeps_line_breaks = matches!(
            self,
            Step::Pattern {
                keeps_line_breaks: true,
                ..
            }
        );
        let stays = keeps_line_breaks && matches!(last, '\r' | '\n');
        if stays || backwards.next().is_none() {
            return matched.len();
        }
        let given_back = if at_end { 0 } else { last.len_utf8() };
        if blanks == Blanks::GiveBack {
            return matched.len() - given_back;
        }
        let free = matched.chars().count() - usize::from(!at_end);
        let taken = POWERS
            .into_iter()
            .find(|power| *power <= free)
            .unwrap_or(free.min(2));
        matched
            .char_indices()
            .nth(taken)
            .map_or(matched.len(), |(at, _)| at)
    }
}
