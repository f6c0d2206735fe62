use serde::{Deserialize, Serialize};

use super::Grammar;

/// One part of a prompt. Text that a person wrote comes with `parse_special: false`, so that it can never become a
/// special token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum PromptSegment {
    #[serde(rename_all = "camelCase")]
    Text {
        text: String,
        parse_special: bool,
    },
    Tokens {
        tokens: Vec<u32>,
    },
}

/// Absent fields take the engine's defaults; what the model's files suggest is the caller's to fill in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sampling {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typical_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_last_n: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirostat: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirostat_tau: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirostat_eta: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// (token id, bias); −100 and less bans the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logit_bias: Option<Vec<(u32, f32)>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerateRequest {
    pub prompt: Vec<PromptSegment>,
    #[serde(default)]
    pub sampling: Sampling,
    #[serde(default)]
    pub stop: Vec<String>,
    #[serde(default)]
    pub max_tokens: Option<usize>,
    #[serde(default)]
    pub top_logprobs: Option<usize>,
    #[serde(default)]
    pub prompt_logprobs: bool,
    #[serde(default)]
    pub keep_special_tokens: bool,
    #[serde(default)]
    pub grammar: Option<Grammar>,
}

/// Log probability of one token under the model's own distribution: the softmax of the logits before bias, penalties,
/// temperature and truncation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenLogprob {
    pub token: String,
    pub token_id: u32,
    pub logprob: f32,
    pub bytes: Vec<u8>,
    /// Best first. Empty for the first token of a prompt, which follows nothing (its `logprob` is 0).
    pub top: Vec<Alternative>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alternative {
    pub token: String,
    pub token_id: u32,
    pub logprob: f32,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub prompt_tokens: usize,
    pub cached_tokens: usize,
    pub completion_tokens: usize,
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timings {
    pub queue_ms: f64,
    pub prefill_ms: f64,
    pub decode_ms: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopReason {
    Stop,
    Length,
    Cancelled,
}

fn is_single(lengths: &[usize]) -> bool {
    lengths.len() < 2
}

/// What a generation reports: at most one `Start`, any number of `Text`, then one `End` (or an error in its place).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "lowercase",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    Start {
        prompt_tokens: usize,
        cached_tokens: usize,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prompt_logprobs: Option<Vec<TokenLogprob>>,
    },
    /// Whole characters only. `lengths` says how many UTF-16 units of the text each of the tokens brought, the last one's at its end; what is
    /// in front of them belongs to earlier tokens. Of a single token it is not told.
    Text {
        text: String,
        tokens: usize,
        #[serde(default, skip_serializing_if = "is_single")]
        lengths: Vec<usize>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        logprobs: Option<Vec<TokenLogprob>>,
    },
    End {
        reason: StopReason,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop_sequence: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window_full: Option<bool>,
        usage: Usage,
        timings: Timings,
    },
}

impl Event {
    /// The end of a request that was cancelled before anybody began with it.
    pub(crate) fn cancelled_unread(queue_ms: f64) -> Self {
        Self::End {
            reason: StopReason::Cancelled,
            stop_sequence: None,
            window_full: None,
            usage: Usage::default(),
            timings: Timings {
                queue_ms,
                ..Timings::default()
            },
        }
    }

    /// Text joins text; anything else is given back.
    pub(super) fn join(&mut self, next: Self) -> Option<Self> {
        match (self, next) {
            (
                Self::Text {
                    text,
                    tokens,
                    lengths,
                    logprobs,
                },
                Self::Text {
                    text: more,
                    tokens: n,
                    lengths: more_lengths,
                    logprobs: further,
                },
            ) => {
                // What stands in front of the further tokens was brought by the last one before them.
                if let Some(last) = lengths.last_mut() {
                    *last += more.encode_utf16().count() - more_lengths.iter().sum::<usize>();
                }
                lengths.extend(more_lengths);
                text.push_str(&more);
                *tokens += n;
                if let (Some(all), Some(further)) = (logprobs, further) {
                    all.extend(further);
                }
                None
            }
            (_, next) => Some(next),
        }
    }
}
