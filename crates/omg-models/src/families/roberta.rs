//! RoBERTa and XLM-RoBERTa: bge-m3, multilingual e5, arctic-embed 2, and the bge rerankers. Their positions begin after
//! the padding token's; GGUF files leave those rows out and call the family `bert`.

use super::bert;
use crate::config::{EncoderFamily, POST_NORM, keys};
use crate::weights::{Name, Role};

const NAMES: [Name; 10] = {
    let mut names = [(Role::ClassifierOutput, "cls.output", "classifier.out_proj"); 10];
    let mut index = 0;
    while index < bert::NAMES.len() {
        names[index] = bert::NAMES[index];
        index += 1;
    }
    names
};

pub(crate) const FAMILY: EncoderFamily = EncoderFamily {
    name: "roberta",
    architectures: &[
        "RobertaModel",
        "RobertaForMaskedLM",
        "RobertaForSequenceClassification",
        "XLMRobertaModel",
        "XLMRobertaForMaskedLM",
        "XLMRobertaForSequenceClassification",
    ],
    names: &NAMES,
    positions_after_padding: true,
    classifier_dense: Role::ClassifierDense,
    defaults: &[(keys::LAYER_NORM_EPS, 1e-12), (keys::PADDING_TOKEN, 1.0)],
    ..POST_NORM
};
