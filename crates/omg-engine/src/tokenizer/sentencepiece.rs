//! `tokenizer.model` of SentencePiece: a `ModelProto` of its protocol buffers.

use omg_format::TokenType;

use super::file::invalid;
use super::folder_vocabulary::FolderVocabulary;
use super::protobuf::{Field, fields};
use crate::error::{EngineError, Result};

const UNIGRAM: u64 = 1;
const BPE: u64 = 2;

pub(super) fn read(bytes: &[u8]) -> Result<FolderVocabulary> {
    let damaged = || invalid("the file is no model of SentencePiece");
    let mut vocabulary = FolderVocabulary {
        add_bos: true,
        add_space_prefix: true,
        remove_extra_whitespaces: true,
        unknown: Some(0),
        bos: Some(1),
        eos: Some(2),
        ..FolderVocabulary::default()
    };
    let mut kind = UNIGRAM;
    for field in fields(bytes) {
        match field.ok_or_else(damaged)? {
            (1, Field::Bytes(piece)) => {
                let (text, score, kind) = read_piece(piece).ok_or_else(damaged)?;
                vocabulary.tokens.push((text, kind));
                vocabulary.scores.push(score);
            }
            (2, Field::Bytes(trainer)) => {
                kind = read_trainer(trainer, &mut vocabulary).ok_or_else(damaged)?;
            }
            (3, Field::Bytes(normalizer)) => {
                read_normalizer(normalizer, &mut vocabulary).ok_or_else(damaged)?;
            }
            _ => {}
        }
    }
    if vocabulary.tokens.is_empty() {
        return Err(damaged());
    }
    match kind {
        UNIGRAM => {
            vocabulary.kind = "t5";
            (vocabulary.add_bos, vocabulary.add_eos) = (false, true);
        }
        BPE if vocabulary.remove_extra_whitespaces || !vocabulary.charsmap.is_empty() => {
            return Err(EngineError::Unsupported(
                "a SentencePiece vocabulary of merges whose text is normalised is not supported"
                    .to_owned(),
            ));
        }
        BPE => vocabulary.kind = "llama",
        other => {
            return Err(EngineError::Unsupported(format!(
                "vocabularies of SentencePiece of kind {other} are not supported (supported: 1, unigram; 2, BPE)"
            )));
        }
    }
    Ok(vocabulary)
}

fn read_piece(message: &[u8]) -> Option<(String, f32, TokenType)> {
    let (mut text, mut score, mut kind) = (String::new(), 0.0, TokenType::Normal);
    for field in fields(message) {
        match field? {
            (1, Field::Bytes(bytes)) => text = std::str::from_utf8(bytes).ok()?.to_owned(),
            (2, Field::Fixed32(bytes)) => score = f32::from_le_bytes(bytes),
            // The numbers are those of GGUF.
            (3, Field::Varint(id)) => kind = TokenType::of(i32::try_from(id).ok()?),
            _ => {}
        }
    }
    Some((text, score, kind))
}

/// The kind of the model.
fn read_trainer(message: &[u8], vocabulary: &mut FolderVocabulary) -> Option<u64> {
    let mut kind = UNIGRAM;
    // −1 stands for none, and is a large number here.
    let id = |value: u64| u32::try_from(value).ok();
    for field in fields(message) {
        match field? {
            (3, Field::Varint(value)) => kind = value,
            (40, Field::Varint(value)) => vocabulary.unknown = id(value),
            (41, Field::Varint(value)) => vocabulary.bos = id(value),
            (42, Field::Varint(value)) => vocabulary.eos = id(value),
            _ => {}
        }
    }
    Some(kind)
}

fn read_normalizer(message: &[u8], vocabulary: &mut FolderVocabulary) -> Option<()> {
    for field in fields(message) {
        match field? {
            (2, Field::Bytes(charsmap)) => vocabulary.charsmap = charsmap.to_vec(),
            (3, Field::Varint(value)) => vocabulary.add_space_prefix = value != 0,
            (4, Field::Varint(value)) => vocabulary.remove_extra_whitespaces = value != 0,
            _ => {}
        }
    }
    Some(())
}
