use std::collections::HashMap;

/// What every tokenizer knows of its tokens, apart from how to find them.
#[derive(Clone, Debug, Default)]
pub(super) struct Vocabulary {
    /// The bytes of all tokens one after another; token i ends at `ends[i]`.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    special: Vec<bool>,
    pub(super) bos: Option<u32>,
    pub(super) eos: Option<u32>,
    pub(super) eot: Option<u32>,
    /// Tokens that end generation, ascending.
    pub(super) eog: Vec<u32>,
}

/// Names under which models have end tokens that their metadata does not always declare.
const EOG_NAMES: &[&str] = &[
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<｜end▁of▁sentence｜>",
    "[e~[",
];

impl Vocabulary {
    pub(super) fn push(&mut self, bytes: &[u8], special: bool) {
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
        self.special.push(special);
    }

    /// Adds tokens without text until there are `rows`.
    pub(super) fn pad_to(&mut self, rows: usize) {
        while self.len() < rows {
            self.push(&[], false);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Empty outside the vocabulary.
    pub(super) fn bytes(&self, token: u32) -> &[u8] {
        let index = token as usize;
        match self.ends.get(index) {
            None => &[],
            Some(end) => {
                let start = if index == 0 { 0 } else { self.ends[index - 1] };
                &self.bytes[start..*end]
            }
        }
    }

    pub(super) fn is_special(&self, token: u32) -> bool {
        self.special.get(token as usize).copied().unwrap_or(false)
    }

    /// Special tokens come before plain ones of the same text.
    pub(super) fn id_of(&self, text: &str) -> Option<u32> {
        let ids = || (0..self.len() as u32).filter(|id| self.bytes(*id) == text.as_bytes());
        ids()
            .find(|id| self.is_special(*id))
            .or_else(|| ids().next())
    }

    /// Fills `eog` from the declared end tokens and the known names among `candidates`, which are special tokens and others
    /// that are added to the vocabulary as a whole.
    pub(super) fn find_eog(&mut self, declared: &[u32], candidates: impl Iterator<Item = u32>) {
        let mut named: HashMap<&str, u32> = HashMap::new();
        for id in candidates {
            if let Some(name) = EOG_NAMES
                .iter()
                .find(|name| name.as_bytes() == self.bytes(id))
            {
                named.insert(name, id);
            }
        }
        let has = |name: &str| named.contains_key(name);
        // Where these mark the end, `<|end|>` ends a message and another follows.
        let end_is_inner =
            (has("<|return|>") && has("<|call|>")) || (has("<|calls|>") && has("<|flush|>"));
        let eos_is_text = has("<|tool_response>");
        let mut eog: Vec<u32> = declared.to_vec();
        eog.extend(named.values());
        if end_is_inner {
            eog.retain(|id| Some(id) != named.get("<|end|>"));
        }
        if eos_is_text {
            eog.retain(|id| Some(id) != named.get("</s>"));
        }
        eog.retain(|id| (*id as usize) < self.ends.len());
        eog.sort_unstable();
        eog.dedup();
        self.eog = eog;
    }
}
