use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::ops::ControlFlow;

use super::reach::Reach;
use super::segment::check_undivided;
use crate::error::Result;

/// SentencePiece's BPE mode: characters are merged into the neighbouring pair with the best score, again and again; what is
/// not in the vocabulary at the end is spelled in byte tokens.
#[derive(Debug)]
pub(super) struct Spm {
    /// Text (with ▁ for spaces) of the tokens that merging may produce → (id, score).
    pub(super) tokens: HashMap<Box<str>, (u32, f32)>,
    /// Longer texts need no look-up.
    pub(super) longest_token: usize,
    pub(super) byte_tokens: Box<[Option<u32>; 256]>,
    pub(super) unknown: Option<u32>,
    pub(super) add_space_prefix: bool,
    /// No token has a space behind something else.
    pub(super) spaces_begin_words: bool,
}

const SPACE: &str = "▁";

/// The first space behind something else.
pub(super) fn first_border(text: &str) -> Option<usize> {
    let spaces = text.len() - text.trim_start_matches(SPACE).len();
    text[spaces..].find(SPACE).map(|at| spaces + at)
}

#[derive(Clone, Copy)]
struct Symbol {
    start: usize,
    /// 0 when it was merged into the one before.
    length: usize,
    previous: usize,
    next: usize,
}

struct Candidate {
    score: f32,
    left: usize,
    right: usize,
    /// Length of both when this was queued: tells that neither has changed.
    length: usize,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

impl Spm {
    pub(super) fn adds_space_prefix(&self) -> bool {
        self.add_space_prefix
    }

    /// `after_special`: the text begins the prompt or follows a special token, where a space is put in front of it.
    pub(super) fn encode(
        &self,
        text: &str,
        after_special: bool,
        reach: &Reach<'_>,
        ids: &mut Vec<u32>,
    ) -> Result<ControlFlow<()>> {
        let mut escaped = String::with_capacity(text.len() + text.len() / 4 + SPACE.len());
        if self.add_space_prefix && after_special {
            escaped.push_str(SPACE);
        }
        for c in text.chars() {
            match c {
                ' ' => escaped.push_str(SPACE),
                c => escaped.push(c),
            }
        }
        for word in self.words(&escaped) {
            check_undivided(word.len())?;
            for piece in self.merge(word) {
                self.emit(piece, ids);
            }
            if reach.check(ids.len()).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Stretches over whose borders nothing can be merged.
    fn words<'a>(&self, text: &'a str) -> impl Iterator<Item = &'a str> {
        let mut rest = text;
        std::iter::from_fn(move || {
            let end = match self.spaces_begin_words {
                true => first_border(rest).unwrap_or(rest.len()),
                false => rest.len(),
            };
            let (word, after) = rest.split_at(end);
            rest = after;
            (!word.is_empty()).then_some(word)
        })
    }

    fn merge<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut symbols: Vec<Symbol> = text
            .char_indices()
            .enumerate()
            .map(|(index, (start, c))| Symbol {
                start,
                length: c.len_utf8(),
                previous: index.wrapping_sub(1),
                next: index + 1,
            })
            .collect();
        let count = symbols.len();
        let mut heap = BinaryHeap::with_capacity(count);
        for left in 1..count {
            self.queue(&mut heap, text, &symbols, left - 1, left);
        }
        while let Some(best) = heap.pop() {
            let (left, right) = (symbols[best.left], symbols[best.right]);
            if left.length == 0 || right.length == 0 || left.length + right.length != best.length {
                continue;
            }
            symbols[best.left].length = best.length;
            symbols[best.left].next = right.next;
            symbols[best.right].length = 0;
            if right.next < count {
                symbols[right.next].previous = best.left;
                self.queue(&mut heap, text, &symbols, best.left, right.next);
            }
            if left.previous < count {
                self.queue(&mut heap, text, &symbols, left.previous, best.left);
            }
        }
        symbols.retain(|symbol| symbol.length > 0);
        symbols
            .iter()
            .map(|symbol| &text[symbol.start..symbol.start + symbol.length])
            .collect()
    }

    fn queue(
        &self,
        heap: &mut BinaryHeap<Candidate>,
        text: &str,
        symbols: &[Symbol],
        left: usize,
        right: usize,
    ) {
        let start = symbols[left].start;
        let length = symbols[left].length + symbols[right].length;
        if length > self.longest_token {
            return;
        }
        if let Some((_, score)) = self.tokens.get(&text[start..start + length]) {
            heap.push(Candidate {
                score: *score,
                left,
                right,
                length,
            });
        }
    }

    fn emit(&self, piece: &str, ids: &mut Vec<u32>) {
        if let Some((id, _)) = self.tokens.get(piece) {
            ids.push(*id);
            return;
        }
        let bytes: Option<Vec<u32>> = piece
            .bytes()
            .map(|byte| self.byte_tokens[usize::from(byte)])
            .collect();
        match bytes {
            Some(bytes) => ids.extend(bytes),
            None => ids.extend(self.unknown),
        }
    }
}
