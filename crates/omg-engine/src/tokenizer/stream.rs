use std::sync::Arc;

use super::vocabulary::Vocabulary;

/// Text of a growing sequence of tokens. What it returns is whole UTF-8 characters only; bytes that can never become one
/// are U+FFFD. Special tokens are left out unless asked for.
#[derive(Debug)]
pub struct StreamDecoder {
    vocabulary: Arc<Vocabulary>,
    keep_special: bool,
    /// The start of a character whose other bytes have not come yet: at most 3 bytes.
    pending: Vec<u8>,
}

impl StreamDecoder {
    pub(super) fn new(vocabulary: Arc<Vocabulary>, keep_special: bool) -> Self {
        StreamDecoder {
            vocabulary,
            keep_special,
            pending: Vec::new(),
        }
    }

    /// The text that is complete now; often all of the token, sometimes nothing.
    pub fn push(&mut self, token: u32) -> String {
        if !self.keep_special && self.vocabulary.is_special(token) {
            return String::new();
        }
        self.pending.extend_from_slice(self.vocabulary.bytes(token));
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.pending) {
                Ok(rest) => {
                    text.push_str(rest);
                    self.pending.clear();
                    return text;
                }
                Err(error) => {
                    let valid = error.valid_up_to();
                    text.push_str(&String::from_utf8_lossy(&self.pending[..valid]));
                    let Some(broken) = error.error_len() else {
                        self.pending.drain(..valid);
                        return text;
                    };
                    text.push('\u{FFFD}');
                    self.pending.drain(..valid + broken);
                }
            }
        }
    }

    /// What is left at the end: an unfinished character becomes U+FFFD. The decoder is as new afterwards.
    pub fn finish(&mut self) -> String {
        let rest = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending.clear();
        rest
    }
}
