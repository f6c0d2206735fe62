use std::ops::ControlFlow;

use regex::Regex;

use super::file::invalid;
use crate::error::{EngineError, Result};

/// Cuts text into the words that byte-pair merges stay inside of. Each step cuts the pieces of the step before; what its
/// pattern does not match becomes pieces too.
#[derive(Debug)]
pub(super) struct PreTokenizer {
    steps: Vec<Step>,
}

/// The published patterns end in `\s+(?!\S)|\s+`: white space before a word leaves its last character to that word. Instead of
/// the look-ahead, which would need a backtracking matcher, the pattern has `\s+` alone and the last character is given back
/// here: a match of white space alone is one of `\s+`, unless it ends in a line break and the pattern has `\s*[\r\n]+`.
#[derive(Debug)]
struct Step {
    pattern: Regex,
    gives_back_space: bool,
    keeps_line_breaks: bool,
}

const CONTRACTIONS: &str = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+";
/// What most later patterns end with.
const TAIL: &str = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const UPPER: &str = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
const LOWER: &str = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";

/// What `tokenizer.ggml.pre` stands for, apart from the patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PreDefaults {
    pub(super) ignore_merges: bool,
    pub(super) add_bos: bool,
}

impl PreTokenizer {
    /// By the name in `tokenizer.ggml.pre`; `unsupported` for names without an implementation.
    pub(super) fn named(pre: &str) -> Result<(Self, PreDefaults)> {
        let words = |letters: &str, digits: &str| {
            format!("{CONTRACTIONS}|[^\\r\\n\\p{{L}}\\p{{N}}]?{letters}+|{digits}|{TAIL}")
        };
        let llama3 = || vec![words(r"\p{L}", r"\p{N}{1,3}")];
        let qwen2 = || vec![words(r"\p{L}", r"\p{N}")];
        let by_case = |suffix: &str, digits: &str| {
            let lead = r"[^\r\n\p{L}\p{N}]?";
            format!(
                r"{lead}{UPPER}*{LOWER}+{suffix}|{lead}{UPPER}+{LOWER}*{suffix}|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+"
            )
        };
        let optional_contraction = format!("{CONTRACTIONS}?");
        let (mut ignore_merges, mut add_bos) = (false, false);
        let patterns: Vec<String> = match pre {
            "llama3" | "llama-v3" | "llama-bpe" | "falcon3" | "falcon-h1" | "pixtral" | "midm-2.0" | "lfm2"
            | "jina-v5-nano" => {
                (ignore_merges, add_bos) = (true, true);
                llama3()
            }
            "dbrx" | "smaug-bpe" => llama3(),
            "chatglm-bpe" => llama3(),
            "glm4" | "glm5" => {
                ignore_merges = true;
                llama3()
            }
            "qwen2" | "deepseek-r1-qwen" | "kormo" | "f2llmv2" | "megrez" | "stablelm2" | "hunyuan" | "solar-open"
            | "grok-2" => qwen2(),
            "qwen35" => vec![format!(
                r"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+"
            )],
            "gpt-2" | "phi-2" | "mpt" | "olmo" | "jais" | "trillion" | "modern-bert" | "gigachat" | "a.x-4.0"
            | "mellum" | "exaone4" | "granite-docling" | "jina-es" | "jina-de" | "jina-v2-es" | "jina-v2-de"
            | "jina-v2-code" | "roberta-bpe" => vec![GPT2.to_owned()],
            "starcoder" | "refact" | "command-r" | "smollm" | "codeshell" | "exaone" | "minerva-7b" | "mellum2" => {
                vec![r"\p{N}".to_owned(), GPT2.to_owned()]
            }
            "falcon" => {
                vec![r"[\p{P}\$\+<=>\^~\|`]+".to_owned(), GPT2.to_owned(), "[0-9][0-9][0-9]".to_owned()]
            }
            "default" => vec![
                r"[\p{P}\$\+<=>\^~\|]+".to_owned(),
                GPT2.to_owned(),
                r"\p{N}+".to_owned(),
                "[0-9][0-9][0-9]".to_owned(),
            ],
            "deepseek-v3" | "hunyuan-dense" | "joyai-llm" | "hy_v4" => vec![
                r"\p{N}{1,3}".to_owned(),
                "[一-龥\u{3040}-ゟ゠-ヿ]+".to_owned(),
                concat!(
                    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##,
                    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+"
                )
                .to_owned(),
            ],
            "deepseek-coder" => vec![
                r"[\r\n]".to_owned(),
                r"\s?\p{L}+".to_owned(),
                r"\s?\p{P}+".to_owned(),
                "[一-龥ࠀ-一가-\u{d7ff}]+".to_owned(),
                r"\p{N}".to_owned(),
            ],
            "tekken" => {
                (ignore_merges, add_bos) = (true, true);
                vec![by_case("", r"\p{N}")]
            }
            "gpt-4o" | "llama4" | "kanana2" | "talkie" | "minimax-m2" => {
                vec![by_case(&optional_contraction, r"\p{N}{1,3}")]
            }
            "bailingmoe" | "bailingmoe2" | "llada-moe" => vec![
                r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+".to_owned(),
            ],
            "seed-coder" => vec![format!(
                r"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|\s*[\r\n]+|\s+"
            )],
            "bloom" | "poro-chat" | "gpt3-finnish" => vec![r" ?[^(\s|.,!?…。，、।۔،)]+".to_owned()],
            "viking" => vec![r" ?[^(\s|.,!?…。，、।۔،)]+".to_owned(), r"\p{N}".to_owned()],
            _ => {
                return Err(EngineError::Unsupported(format!(
                    "the pre-tokenizer {pre:?} of the model's vocabulary is not supported"
                )));
            }
        };
        let steps = patterns
            .iter()
            .map(|pattern| Step::new(pattern))
            .collect::<Result<_>>()?;
        Ok((
            PreTokenizer { steps },
            PreDefaults {
                ignore_merges,
                add_bos,
            },
        ))
    }

    /// Calls `word` for every word, in order, until one of the calls says that it was the last; together they are the text.
    pub(super) fn split<'a>(
        &self,
        text: &'a str,
        word: &mut dyn FnMut(&'a str) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        split_by(&self.steps, text, word)
    }
}

impl Step {
    fn new(pattern: &str) -> Result<Self> {
        let gives_back_space = pattern.ends_with(r"|\s+");
        let keeps_line_breaks = pattern.contains(r"\s*[\r\n]");
        let pattern = Regex::new(pattern)
            .map_err(|error| invalid(format!("pre-tokenizer pattern: {error}")))?;
        Ok(Step {
            pattern,
            gives_back_space,
            keeps_line_breaks,
        })
    }

    /// Bytes of the last character of a run of two or more characters of white space.
    fn space_to_give_back(&self, matched: &str) -> usize {
        let mut backwards = matched.chars().rev();
        let Some(last) = backwards.next().filter(|last| last.is_whitespace()) else {
            return 0;
        };
        // No other alternative matches white space at its end, so the match is white space throughout.
        let stays = self.keeps_line_breaks && matches!(last, '\r' | '\n');
        if stays || backwards.next().is_none() {
            0
        } else {
            last.len_utf8()
        }
    }
}

fn split_by<'a>(
    steps: &[Step],
    text: &'a str,
    word: &mut dyn FnMut(&'a str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some((step, rest)) = steps.split_first() else {
        return match text.is_empty() {
            true => ControlFlow::Continue(()),
            false => word(text),
        };
    };
    let mut done = 0;
    while let Some(found) = step.pattern.find_at(text, done) {
        let mut end = found.end();
        if step.gives_back_space && end < text.len() {
            end -= step.space_to_give_back(found.as_str());
        }
        if found.start() > done {
            split_by(rest, &text[done..found.start()], word)?;
        }
        split_by(rest, &text[found.start()..end], word)?;
        done = end;
    }
    split_by(rest, &text[done..], word)
}
