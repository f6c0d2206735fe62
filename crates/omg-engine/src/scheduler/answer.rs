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

    /// The rest, when the answer ends without a stop string; that may still turn up in the last characters.
    pub(crate) fn finish(&mut self) -> (Option<Event>, Option<String>) {
        let tail = self.decoder.finish();
        self.decoded += tail.len();
        let (event, stop) = self.advance(&tail);
        if stop.is_some() {
            return (event, stop);
        }
        let mut text = String::new();
        let mut tokens = 0;
        let mut logprobs = self.with_logprobs.then(Vec::new);
        if let Some(Event::Text {
            text: t,
            tokens: n,
            logprobs: l,
        }) = event
        {
            (text, tokens, logprobs) = (t, n, l);
        }
        text.push_str(&self.stops.finish());
        tokens += self.pending.len();
        for token in self.pending.drain(..) {
            if let (Some(all), Some(logprob)) = (&mut logprobs, token.logprob) {
                all.push(logprob);
            }
        }
        let event = (tokens > 0 || !text.is_empty()).then_some(Event::Text {
            text,
            tokens,
            logprobs,
        });
        (event, None)
    }

    fn emit(&mut self, text: String) -> Event {
        self.emitted += text.len();
        let mut tokens = 0;
        let mut logprobs = self.with_logprobs.then(Vec::new);
        while self.pending.front().is_some_and(|t| t.start < self.emitted) {
            tokens += 1;
            let logprob = self.pending.pop_front().and_then(|t| t.logprob);
            if let (Some(all), Some(logprob)) = (&mut logprobs, logprob) {
                all.push(logprob);
            }
        }
        Event::Text {
            text,
            tokens,
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
