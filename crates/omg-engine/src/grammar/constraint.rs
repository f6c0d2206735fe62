use std::sync::Arc;

use llguidance::Matcher;
use llguidance::api::StopReason;
use llguidance::toktrie::{SimpleVob, TokenId};

use super::tokens::Tokens;
use super::watch::Watch;
use crate::error::{EngineError, Result};
use crate::types::GrammarAfter;

/// White space tokens between the end of a free span and the beginning of the grammar.
const MAX_GAP_TOKENS: usize = 3;

/// One answer's grammar: which tokens may come next. Depends on its own answer's tokens alone.
pub(crate) struct Constraint {
    tokens: Arc<Tokens>,
    matcher: Matcher,
    phase: Phase,
    open: Vec<u8>,
    close: Option<Watch>,
    opener: Option<Watch>,
    /// Tokens that contain the end of a free stretch and more.
    overrunning: Vec<TokenId>,
}

enum Phase {
    /// The answer may begin with the opening tag, of which so many bytes are there. It may still be the beginning of what the
    /// grammar asks for, too: then `grammar` is the one that has read those bytes.
    Opening {
        at: usize,
        grammar: Option<Box<Matcher>>,
    },
    /// As `Opening`, when nothing is forced: what the answer has begun with.
    Undecided(Vec<u8>),
    Span,
    /// Free until the opener.
    Free,
    /// White space may come first, so many tokens of it.
    Gap(usize),
    Grammar,
}

impl Constraint {
    /// `matcher` stands at the beginning of the grammar.
    pub(super) fn new(tokens: Arc<Tokens>, matcher: Matcher, after: Option<&GrammarAfter>) -> Self {
        let span = after.and_then(|a| a.span.as_ref());
        let opener = after.and_then(|a| a.opener.as_deref());
        let phase = match (span, opener) {
            (Some(span), _) if span.opened => Phase::Span,
            (Some(_), Some(_)) => Phase::Undecided(Vec::new()),
            (Some(_), None) => Phase::Opening {
                at: 0,
                grammar: Some(Box::new(matcher.deep_clone())),
            },
            (None, Some(_)) => Phase::Free,
            (None, None) => Phase::Grammar,
        };
        let close = span.map(|s| Watch::new(&s.close));
        let opener = opener.map(Watch::new);
        let overrunning = match opener.as_ref().or(close.as_ref()) {
            Some(watch) => overrunning(&tokens, watch).collect(),
            None => Vec::new(),
        };
        Self {
            open: span.map_or_else(Vec::new, |s| s.open.clone().into_bytes()),
            tokens,
            matcher,
            phase,
            close,
            opener,
            overrunning,
        }
    }

    /// Bans every token that may not come next. `unsupported` when none is left, `invalid_request` when the grammar has
    /// become too complex to follow.
    pub(crate) fn restrict(&mut self, logits: &mut [f32]) -> Result<()> {
        match &mut self.phase {
            Phase::Grammar => keep(logits, &mask(&mut self.matcher)?),
            Phase::Gap(left) => {
                let mut mask = mask(&mut self.matcher)?;
                if *left > 0 {
                    allow(&mut mask, &self.tokens.white_space);
                }
                keep(logits, &mask);
            }
            Phase::Opening { at, grammar } => {
                let mut mask = match grammar {
                    Some(grammar) => mask(grammar)?,
                    None => self.tokens.trie().alloc_token_set(),
                };
                let at = *at;
                allow(&mut mask, &self.openings(at));
                keep(logits, &mask);
            }
            Phase::Undecided(_) => {}
            Phase::Span if self.opener.is_some() => {}
            Phase::Span => {
                // What must follow the span is still to come.
                ban(logits, &self.tokens.ends);
                self.ban_overrunning(logits, self.close.as_ref());
            }
            Phase::Free => self.ban_overrunning(logits, self.opener.as_ref()),
        }
        Ok(())
    }

    /// Tokens that the opening tag goes on with behind so many bytes.
    fn openings(&self, at: usize) -> Vec<TokenId> {
        let rest = &self.open[at..];
        let all = 0..self.tokens.trie().vocab_size() as TokenId;
        let mut tokens = self.tokens.beginnings(rest);
        tokens.extend(all.filter(|&token| self.runs_over(rest, token)));
        tokens
    }

    fn is_opening(&self, at: usize, token: TokenId) -> bool {
        let rest = &self.open[at..];
        self.tokens.beginnings(rest).contains(&token) || self.runs_over(rest, token)
    }

    /// The token reaches over the end of the opening tag, into the thoughts, but not through them into the grammar.
    fn runs_over(&self, rest: &[u8], token: TokenId) -> bool {
        let inside = self.tokens.printed(token).strip_prefix(rest);
        inside.is_some_and(|inside| {
            !inside.is_empty() && self.close.as_ref().is_none_or(|w| !overruns(w, inside))
        })
    }

    /// The grammar begins on the border of a token, so none may reach over it.
    fn ban_overrunning(&self, logits: &mut [f32], watch: Option<&Watch>) {
        ban(logits, &self.overrunning);
        if let Some(watch) = watch.filter(|w| w.is_begun()) {
            for token in overrunning(&self.tokens, watch) {
                ban(logits, &[token]);
            }
        }
    }

    /// Goes on by a token that was drawn and does not end generation; true when the grammar is complete.
    pub(crate) fn accept(&mut self, token: u32) -> Result<bool> {
        match &mut self.phase {
            Phase::Grammar => return self.consume(token),
            Phase::Gap(left) => {
                let left = *left;
                if left > 0 && self.tokens.white_space.contains(&token) {
                    self.phase = Phase::Gap(left - 1);
                    return Ok(false);
                }
                self.phase = Phase::Grammar;
                return self.consume(token);
            }
            Phase::Opening { .. } => return self.go_on_opening(token),
            Phase::Undecided(seen) => {
                seen.extend_from_slice(self.tokens.printed(token));
                let seen = std::mem::take(seen);
                self.decide(seen);
            }
            Phase::Span => {
                let bytes = self.tokens.printed(token).to_vec();
                self.read_span(&bytes);
            }
            Phase::Free => {
                let bytes = self.tokens.printed(token).to_vec();
                self.read_free(&bytes);
            }
        }
        Ok(false)
    }

    fn go_on_opening(&mut self, token: u32) -> Result<bool> {
        let Phase::Opening { at, mut grammar } = std::mem::replace(&mut self.phase, Phase::Grammar)
        else {
            return Ok(false);
        };
        let opens = self.is_opening(at, token);
        if let Some(open) = &mut grammar {
            if !allows(open, token)? {
                grammar = None;
            } else if open.consume_token(token).is_err() {
                return Err(failure(open));
            }
        }
        if !opens {
            // What no mask allowed is the grammar's to refuse.
            let Some(grammar) = grammar else {
                return self.consume(token);
            };
            self.matcher = *grammar;
            return Ok(self.matcher.is_stopped());
        }
        let bytes = self.tokens.printed(token).to_vec();
        match at + bytes.len() {
            read if read < self.open.len() => {
                self.phase = Phase::Opening { at: read, grammar };
            }
            _ => {
                self.phase = Phase::Span;
                self.read_span(&bytes[self.open.len() - at..]);
            }
        }
        Ok(false)
    }

    fn decide(&mut self, seen: Vec<u8>) {
        let start = seen.trim_ascii_start();
        if let Some(inside) = start.strip_prefix(self.open.as_slice()) {
            self.phase = Phase::Span;
            self.read_span(inside);
        } else if self.open.starts_with(start) {
            self.phase = Phase::Undecided(seen);
        } else {
            self.phase = Phase::Free;
            self.read_free(&seen);
        }
    }

    fn read_span(&mut self, bytes: &[u8]) {
        let Some(end) = self.close.as_mut().and_then(|w| w.feed(bytes)) else {
            return;
        };
        if self.opener.is_some() {
            self.phase = Phase::Free;
            self.read_free(&bytes[end..]);
        } else {
            self.phase = Phase::Gap(MAX_GAP_TOKENS);
        }
    }

    fn read_free(&mut self, bytes: &[u8]) {
        if self
            .opener
            .as_mut()
            .is_some_and(|w| w.feed(bytes).is_some())
        {
            self.phase = Phase::Gap(MAX_GAP_TOKENS);
        }
    }

    fn consume(&mut self, token: TokenId) -> Result<bool> {
        match self.matcher.consume_token(token) {
            Ok(()) => Ok(self.matcher.is_stopped()),
            Err(_) => Err(failure(&self.matcher)),
        }
    }
}

fn mask(matcher: &mut Matcher) -> Result<SimpleVob> {
    match matcher.compute_mask() {
        Ok(mask) => Ok(mask),
        Err(_) => Err(failure(matcher)),
    }
}

fn allows(matcher: &mut Matcher, token: TokenId) -> Result<bool> {
    match matcher.validate_tokens(&[token]) {
        Ok(count) => Ok(count == 1),
        Err(_) => Err(failure(matcher)),
    }
}

/// Why a grammar cannot be followed any further. The matcher has no other reasons than the grammar and the vocabulary: it
/// reports the end of its fuel as an internal error, too.
pub(super) fn failure(matcher: &Matcher) -> EngineError {
    match matcher.stop_reason() {
        StopReason::NoExtensionBias => EngineError::Unsupported(
            "the model has no tokens for what the grammar asks for".to_owned(),
        ),
        reason => {
            tracing::warn!(%reason, error = matcher.get_error(), "a grammar cannot be followed");
            EngineError::InvalidRequest(
                "the grammar is too complex to follow; make it smaller".to_owned(),
            )
        }
    }
}

/// Tokens that contain what is watched for, as it stands, and more than white space behind it.
fn overrunning<'a>(tokens: &'a Tokens, watch: &'a Watch) -> impl Iterator<Item = TokenId> + 'a {
    (0..tokens.trie().vocab_size() as TokenId)
        .filter(|token| overruns(watch, tokens.printed(*token)))
}

fn overruns(watch: &Watch, bytes: &[u8]) -> bool {
    watch
        .peek(bytes)
        .is_some_and(|end| !bytes[end..].trim_ascii().is_empty())
}

fn allow(mask: &mut SimpleVob, tokens: &[TokenId]) {
    for token in tokens {
        mask.allow_token(*token);
    }
}

fn ban(logits: &mut [f32], tokens: &[TokenId]) {
    for token in tokens {
        if let Some(logit) = logits.get_mut(*token as usize) {
            *logit = f32::NEG_INFINITY;
        }
    }
}

fn keep(logits: &mut [f32], mask: &SimpleVob) {
    let known = mask.len();
    for (token, logit) in logits.iter_mut().enumerate() {
        if token >= known || !mask.get(token) {
            *logit = f32::NEG_INFINITY;
        }
    }
}
