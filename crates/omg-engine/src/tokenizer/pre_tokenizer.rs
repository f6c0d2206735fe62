use std::ops::ControlFlow;

use super::pre_names::{PreDefaults, named};
use super::step::{Rule, Step};
use crate::error::{EngineError, Result};

/// Cuts text into the words that byte-pair merges stay inside of. Each step cuts the pieces of the step before.
#[derive(Debug)]
pub(super) struct PreTokenizer {
    steps: Vec<Step>,
}

impl PreTokenizer {
    /// By the name in `tokenizer.ggml.pre`; `unsupported` for names without an implementation.
    pub(super) fn named(pre: &str) -> Result<(Self, PreDefaults)> {
        let (rules, defaults) = named(pre).ok_or_else(|| {
            EngineError::Unsupported(format!(
                "the pre-tokenizer {pre:?} of the model's vocabulary is not supported"
            ))
        })?;
        Ok((Self::new(rules)?, defaults))
    }

    /// By a pattern as tokenizers publish them. `unsupported` where it looks ahead or behind in ways that need a backtracking
    /// matcher, whose time would not be linear.
    pub(super) fn of_pattern(pattern: &str) -> Result<Self> {
        let linear = pattern
            .replace(r"\s+(?!\S)|\s+", r"\s+")
            .replace("++", "+")
            .replace("?+", "?");
        let possessive = linear.contains("}+") || linear.contains("*+");
        let plain = !possessive
            && linear.matches("(?").count()
                == linear.matches("(?:").count() + linear.matches("(?i:").count();
        if !plain || (linear.contains(r"\s+|") && linear != pattern) {
            return Err(EngineError::Unsupported(format!(
                "the pattern {pattern:?} by which the model's tokenizer cuts text is not supported"
            )));
        }
        Self::new(vec![Rule::from(linear)])
    }

    fn new(rules: Vec<Rule>) -> Result<Self> {
        let steps = rules.into_iter().map(Step::new).collect::<Result<_>>()?;
        Ok(PreTokenizer { steps })
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

fn split_by<'a>(
    steps: &[Step],
    text: &'a str,
    word: &mut dyn FnMut(&'a str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if text.is_empty() {
        return ControlFlow::Continue(());
    }
    match steps.split_first() {
        None => word(text),
        Some((step, rest)) => step.split(text, &mut |piece| split_by(rest, piece, word)),
    }
}
