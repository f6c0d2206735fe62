use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::ControlFlow;

use unicode_normalization_alignments::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::pre_tokenizer::PreTokenizer;
use super::reach::Reach;

/// Byte-pair encoding: text is cut into words, and in each word the neighbouring pair that was learned first is merged until
/// none is left.
#[derive(Debug)]
pub(super) struct Bpe {
    pub(super) pre_tokenizer: PreTokenizer,
    pub(super) spelling: Spelling,
    /// The token of each single byte; `NO_TOKEN` where the vocabulary lacks it.
    pub(super) byte_tokens: Box<[u32; 256]>,
    pub(super) merges: Merges,
    /// With ignore_merges: words that are tokens are emitted without merging.
    pub(super) whole_words: Option<HashMap<Box<[u8]>, u32>>,
    /// For bytes without a token; absent: they are dropped.
    pub(super) unknown: Option<u32>,
}

/// What merging begins with.
#[derive(Debug)]
pub(super) enum Spelling {
    /// The bytes of the text, which is first brought into the normal form NFC if the vocabulary was learned from that.
    Bytes { composed: bool },
    /// Its characters, with ▁ for spaces; bytes stand for the characters that have no token.
    Characters(HashMap<char, u32>),
}

pub(super) const NO_TOKEN: u32 = u32::MAX;

/// Above this many bytes a word is merged with a heap, so that long words are not quadratic.
const SHORT_WORD: usize = 48;

/// (left, right) → (rank, merged token); a lower rank was learned earlier.
#[derive(Debug, Default)]
pub(super) struct Merges(HashMap<u64, (u32, u32), BuildHasherDefault<PairHasher>>);

impl Merges {
    pub(super) fn with_capacity(count: usize) -> Self {
        Merges(HashMap::with_capacity_and_hasher(
            count,
            BuildHasherDefault::default(),
        ))
    }

    /// The first rank given to a pair stays.
    pub(super) fn insert(&mut self, left: u32, right: u32, rank: u32, merged: u32) {
        self.0.entry(key(left, right)).or_insert((rank, merged));
    }

    fn get(&self, left: u32, right: u32) -> Option<(u32, u32)> {
        self.0.get(&key(left, right)).copied()
    }

    fn rank(&self, left: u32, right: u32) -> u32 {
        self.get(left, right).map_or(u32::MAX, |(rank, _)| rank)
    }
}

fn key(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

/// One multiplication: the table is fixed when the model loads, so that no input can grow its chains.
#[derive(Debug, Default)]
pub(super) struct PairHasher(u64);

impl Hasher for PairHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte) ^ self.0);
        }
    }

    fn write_u64(&mut self, value: u64) {
        let product = u128::from(value ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

impl Bpe {
    pub(super) fn encode(
        &self,
        text: &str,
        reach: &Reach<'_>,
        ids: &mut Vec<u32>,
    ) -> ControlFlow<()> {
        let text = match self.spelling {
            Spelling::Bytes { composed: false } => Cow::Borrowed(text),
            Spelling::Bytes { composed: true } => composed(text),
            Spelling::Characters(_) => Cow::Owned(text.replace(' ', "▁")),
        };
        self.pre_tokenizer.split(&text, &mut |word| {
            self.encode_word(word, ids);
            reach.check(ids.len())
        })
    }

    fn encode_word(&self, word: &str, ids: &mut Vec<u32>) {
        let whole = |words: &HashMap<Box<[u8]>, u32>| words.get(word.as_bytes()).copied();
        if let Some(id) = self.whole_words.as_ref().and_then(whole) {
            ids.push(id);
            return;
        }
        let mut symbols: Vec<u32> = match &self.spelling {
            Spelling::Bytes { .. } => word
                .bytes()
                .map(|byte| self.byte_tokens[usize::from(byte)])
                .collect(),
            Spelling::Characters(characters) => self.spell(word, characters),
        };
        if symbols.len() <= SHORT_WORD {
            self.merge_short(&mut symbols);
        } else {
            symbols = self.merge_long(symbols);
        }
        for id in symbols {
            match (id, self.unknown) {
                (NO_TOKEN, Some(unknown)) => ids.push(unknown),
                (NO_TOKEN, None) => {}
                (id, _) => ids.push(id),
            }
        }
    }

    fn spell(&self, word: &str, characters: &HashMap<char, u32>) -> Vec<u32> {
        let mut symbols = Vec::with_capacity(word.len());
        for c in word.chars() {
            match characters.get(&c) {
                Some(id) => symbols.push(*id),
                None => {
                    let mut buffer = [0; 4];
                    let bytes = c.encode_utf8(&mut buffer).bytes();
                    symbols.extend(bytes.map(|byte| self.byte_tokens[usize::from(byte)]));
                }
            }
        }
        symbols
    }

    fn merge_short(&self, symbols: &mut Vec<u32>) {
        let mut ranks = [u32::MAX; SHORT_WORD];
        for (rank, pair) in ranks.iter_mut().zip(symbols.windows(2)) {
            *rank = self.merges.rank(pair[0], pair[1]);
        }
        while symbols.len() > 1 {
            let pairs = symbols.len() - 1;
            let best = (0..pairs).min_by_key(|at| ranks[*at]).unwrap_or(0);
            let Some((_, merged)) = self.merges.get(symbols[best], symbols[best + 1]) else {
                return;
            };
            symbols[best] = merged;
            symbols.remove(best + 1);
            ranks.copy_within(best + 1..pairs, best);
            ranks[pairs - 1] = u32::MAX;
            if best > 0 {
                ranks[best - 1] = self.merges.rank(symbols[best - 1], merged);
            }
            if best + 1 < symbols.len() {
                ranks[best] = self.merges.rank(merged, symbols[best + 1]);
            }
        }
    }

    /// A linked list of symbols and a heap of candidate pairs, lowest rank first, then leftmost. Stale candidates are told
    /// by the pair no longer having the rank they were queued with.
    fn merge_long(&self, mut symbols: Vec<u32>) -> Vec<u32> {
        const GONE: u32 = u32::MAX - 1;
        let count = symbols.len();
        let mut next: Vec<usize> = (1..=count).collect();
        let mut previous: Vec<usize> = (0..count).map(|at| at.wrapping_sub(1)).collect();
        let mut heap = BinaryHeap::with_capacity(count);
        for (at, pair) in symbols.windows(2).enumerate() {
            if let Some((rank, _)) = self.merges.get(pair[0], pair[1]) {
                heap.push(Reverse((rank, at)));
            }
        }
        while let Some(Reverse((rank, at))) = heap.pop() {
            let right = next[at];
            if symbols[at] == GONE || right >= count {
                continue;
            }
            let merged = match self.merges.get(symbols[at], symbols[right]) {
                Some((current, merged)) if current == rank => merged,
                _ => continue,
            };
            symbols[at] = merged;
            symbols[right] = GONE;
            next[at] = next[right];
            if next[at] < count {
                previous[next[at]] = at;
                if let Some((rank, _)) = self.merges.get(merged, symbols[next[at]]) {
                    heap.push(Reverse((rank, at)));
                }
            }
            if previous[at] < count
                && let Some((rank, _)) = self.merges.get(symbols[previous[at]], merged)
            {
                heap.push(Reverse((rank, previous[at])));
            }
        }
        symbols.retain(|id| *id != GONE);
        symbols
    }
}

/// The text in the normal form NFC.
fn composed(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        _ => Cow::Owned(text.nfc().map(|(c, _)| c).collect()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_ways_to_merge_agree(
            word in prop::collection::vec(0u32..4, 1..SHORT_WORD),
            rules in prop::collection::vec((0u32..12, 0u32..12), 0..40),
        ) {
            let mut merges = Merges::default();
            for (rank, (left, right)) in (0..).zip(rules) {
                merges.insert(left, right, rank, 4 + rank % 8);
            }
            let (pre_tokenizer, _) = PreTokenizer::named("gpt-2").unwrap();
            let bpe = Bpe { pre_tokenizer, spelling: Spelling::Bytes { composed: false }, byte_tokens: Box::new([0; 256]), merges, whole_words: None, unknown: None };
            let mut short = word.clone();
            bpe.merge_short(&mut short);
            prop_assert_eq!(short, bpe.merge_long(word));
        }
    }
}
