use std::collections::VecDeque;
use std::sync::Arc;

use crate::forward::{TokenDecoder, Vocabulary};
use crate::sampler::Logprobs;
use crate::stop::StopMatcher;
use crate::types::{Alternative, Event, TokenLogprob};

/// A token whose text has not been emitted yet.
struct PendingToken {
    /// Byte of the answer at which its text begins.
    start: usize,
    logprob: Option<TokenLogprob>,
}

/// Turns the tokens of an answer into text events: whole characters, nothing that may belong to a stop string.
pub(crate) struct Answer {
    decoder: Box<dyn TokenDecoder>,
    stops: StopMatcher,
    with_logprobs: bool,
    pending: VecDeque<PendingToken>,
    decoded: usize,
    emitted: usize,
}

impl Answer {
    pub(crate) fn new(
        decoder: Box<dyn TokenDecoder>,
        stop: Vec<String>,
        with_logprobs: bool,
    ) -> Self {
        Self {
            decoder,
            stops: StopMatcher::new(stop),
            with_logprobs,
            pending: VecDeque::new(),
            decoded: 0,
            emitted: 0,
        }
    }

    /// The text event this token allows, and the stop string it completes.
    pub(crate) fn push(
        &mut self,
        token: u32,
        logprob: Option<TokenLogprob>,
    ) -> (Option<Event>, Option<String>) {
        self.pending.push_back(PendingToken {
            start: self.decoded,
            logprob,
        });
        let text = self.decoder.push(token);
        self.decoded += text.len();
        self.advance(&text)
    }

    fn advance(&mut self, text: &str) -> (Option<Event>, Option<String>) {
        match self.stops.push(text) {
            Ok(text) if text.is_empty() => (None, None),
            Ok(text) => (Some(self.emit(text)), None),
            Err(stopped) => {
                let event = (!stopped.text.is_empty()).then(|| self.emit(stopped.text));
                self.pending.clear();
                (event, Some(stopped.sequence))
            }
        }
    }

    /// The rest, when the answer ends without a stop string. What was not a whole character by then is none.
    pub(crate) fn finish(&mut self) -> Option<Event> {
        let text = self.stops.finish();
        self.emitted += text.len();
        let tokens = self.pending.len();
        let event = self.event(text, tokens);
        let Event::Text { text, tokens, .. } = &event else {
            return None;
        };
        (*tokens > 0 || !text.is_empty()).then_some(event)
    }

    fn emit(&mut self, text: String) -> Event {
        self.emitted += text.len();
        let begun = |token: &PendingToken| token.start < self.emitted;
        let tokens = self.pending.iter().take_while(|token| begun(token)).count();
        self.event(text, tokens)
    }

    /// The text that ends at `emitted`, with so many of the tokens that wait.
    fn event(&mut self, text: String, tokens: usize) -> Event {
        let first = self.emitted - text.len();
        let at = |start: usize| start.saturating_sub(first).min(text.len());
        let mut lengths = Vec::with_capacity(tokens);
        let mut logprobs = self.with_logprobs.then(Vec::new);
        for _ in 0..tokens {
            let Some(token) = self.pending.pop_front() else {
                break;
            };
            let end = match self.pending.front() {
                Some(next) if lengths.len() + 1 < tokens => at(next.start),
                _ => text.len(),
            };
            lengths.push(text[at(token.start)..end].encode_utf16().count());
            if let (Some(all), Some(logprob)) = (&mut logprobs, token.logprob) {
                all.push(logprob);
            }
        }
        Event::Text {
            text,
            tokens,
            lengths,
            logprobs,
        }
    }
}

/// Log probabilities with the text of their tokens.
pub(crate) fn describe(
    vocabulary: &Arc<dyn Vocabulary>,
    token: u32,
    logprobs: Logprobs,
) -> TokenLogprob {
    let text = |id: u32| {
        let bytes = vocabulary.token_bytes(id);
        (String::from_utf8_lossy(&bytes).into_owned(), bytes)
    };
    let (name, bytes) = text(token);
    TokenLogprob {
        token: name,
        token_id: token,
        logprob: logprobs.logprob,
        bytes,
        top: logprobs
            .top
            .into_iter()
            .map(|(id, logprob)| {
                let (token, bytes) = text(id);
                Alternative {
                    token,
                    token_id: id,
                    logprob,
                    bytes,
                }
            })
            .collect(),
    }
}
