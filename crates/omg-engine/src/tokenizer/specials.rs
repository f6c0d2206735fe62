use aho_corasick::{AhoCorasick, MatchKind};

use super::file::invalid;
use super::segment::{Piece, push_text, push_tokens};
use crate::error::Result;

/// A token that is found in text by its name before the text is tokenised.
#[derive(Clone, Debug)]
pub(super) struct Special {
    pub(super) text: String,
    pub(super) id: u32,
    /// Also found in text whose special tokens are not parsed (user-defined tokens).
    pub(super) always: bool,
    /// Takes the white space before (after) it along.
    pub(super) strip_left: bool,
    pub(super) strip_right: bool,
    /// Only between non-word characters.
    pub(super) single_word: bool,
}

/// Finds special tokens in text, leftmost first, the longest of those that start together. Linear in the text.
#[derive(Debug)]
pub(super) struct Specials {
    all: Matcher,
    always: Matcher,
}

#[derive(Debug)]
struct Matcher {
    automaton: Option<AhoCorasick>,
    specials: Vec<Special>,
}

impl Specials {
    pub(super) fn new(mut specials: Vec<Special>) -> Result<Self> {
        specials.retain(|special| !special.text.is_empty());
        let always = specials
            .iter()
            .filter(|special| special.always)
            .cloned()
            .collect();
        Ok(Specials {
            all: Matcher::new(specials)?,
            always: Matcher::new(always)?,
        })
    }

    pub(super) fn split(&self, text: &str, parse_special: bool, pieces: &mut Vec<Piece>) {
        let matcher = if parse_special {
            &self.all
        } else {
            &self.always
        };
        let mut done = 0;
        for (start, end, special) in matcher.find(text) {
            push_text(pieces, &text[done..start]);
            push_tokens(pieces, &[special.id]);
            done = end;
        }
        push_text(pieces, &text[done..]);
    }

    /// Non-overlapping occurrences in text order.
    pub(super) fn find_all<'a>(
        &'a self,
        text: &'a str,
    ) -> impl Iterator<Item = (usize, usize, u32)> + 'a {
        self.all
            .find(text)
            .into_iter()
            .map(|(start, end, special)| (start, end, special.id))
    }
}

impl Matcher {
    fn new(specials: Vec<Special>) -> Result<Self> {
        let automaton = if specials.is_empty() {
            None
        } else {
            let built = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(specials.iter().map(|special| special.text.as_bytes()))
                .map_err(|error| {
                    invalid(format!("the special tokens cannot be indexed: {error}"))
                })?;
            Some(built)
        };
        Ok(Matcher {
            automaton,
            specials,
        })
    }

    fn find(&self, text: &str) -> Vec<(usize, usize, &Special)> {
        let Some(automaton) = &self.automaton else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut done = 0;
        for hit in automaton.find_iter(text) {
            let special = &self.specials[hit.pattern().as_usize()];
            let (mut start, mut end) = (hit.start(), hit.end());
            // White space taken by the token before may reach over this one's start only for names made of white space.
            if start < done || (special.single_word && touches_word(text, start, end)) {
                continue;
            }
            if special.strip_left {
                start = done + text[done..start].trim_end().len();
            }
            if special.strip_right {
                end = text.len() - text[end..].trim_start().len();
            }
            found.push((start, end, special));
            done = end;
        }
        found
    }
}

fn touches_word(text: &str, start: usize, end: usize) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text[..start].ends_with(is_word) || text[end..].starts_with(is_word)
}
