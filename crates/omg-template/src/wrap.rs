//! Lines of a width, as Python's `textwrap` breaks them.

use std::collections::VecDeque;

/// The lines that `line` becomes; no break within a word unless told so.
pub(crate) fn wrapped(
    line: &str,
    width: usize,
    break_long_words: bool,
    break_on_hyphens: bool,
) -> Vec<String> {
    let mut chunks: VecDeque<Vec<char>> = chunks(line, break_on_hyphens);
    let is_blank = |chunk: &[char]| chunk.iter().all(|c| c.is_whitespace());
    let mut lines: Vec<String> = Vec::new();
    while let Some(first) = chunks.front() {
        if is_blank(first) && !lines.is_empty() {
            chunks.pop_front();
            if chunks.is_empty() {
                break;
            }
        }
        let mut current: Vec<Vec<char>> = Vec::new();
        let mut length = 0;
        while chunks
            .front()
            .is_some_and(|chunk| length + chunk.len() <= width)
        {
            let Some(chunk) = chunks.pop_front() else {
                break;
            };
            length += chunk.len();
            current.push(chunk);
        }
        if let Some(chunk) = chunks.front_mut().filter(|chunk| chunk.len() > width) {
            if break_long_words {
                let room = width - length;
                let mut end = room;
                if break_on_hyphens
                    && let Some(hyphen) = chunk[..room].iter().rposition(|c| *c == '-')
                    && chunk[..hyphen].iter().any(|c| *c != '-')
                {
                    end = hyphen + 1;
                }
                current.push(chunk.drain(..end).collect());
            } else if current.is_empty() {
                current.extend(chunks.pop_front());
            }
        }
        if current.last().is_some_and(|chunk| is_blank(chunk)) {
            current.pop();
        }
        if !current.is_empty() {
            lines.push(current.into_iter().flatten().collect());
        }
    }
    lines
}

/// Words and the white space between them; words end after some hyphens too.
fn chunks(line: &str, break_on_hyphens: bool) -> VecDeque<Vec<char>> {
    let chars: Vec<char> = line.chars().collect();
    let mut chunks = VecDeque::new();
    let mut start = 0;
    for at in 1..=chars.len() {
        let ends = at == chars.len()
            || chars[at - 1].is_whitespace() != chars[at].is_whitespace()
            || (break_on_hyphens && breaks_after(&chars[start..], at - 1 - start));
        if ends {
            chunks.push_back(chars[start..at].to_vec());
            start = at;
        }
    }
    chunks
}

/// Whether a word may break after its hyphen: two letters before it, and letters behind it.
fn breaks_after(word: &[char], at: usize) -> bool {
    let is_letter = |at: usize| word.get(at).is_some_and(|c| c.is_alphabetic() || *c == '_');
    let is_hyphen = |at: usize| word.get(at) == Some(&'-');
    let before = at >= 2 && is_letter(at - 1) && is_letter(at - 2)
        || at >= 3 && is_letter(at - 1) && is_hyphen(at - 2) && is_letter(at - 3);
    let behind = is_letter(at + 1) && (is_letter(at + 2) || is_hyphen(at + 2) && is_letter(at + 3));
    is_hyphen(at) && before && behind
}
