//! What is in a model file: GGUF and safetensors headers, the index of tensors, quantisation block layouts with their
//! reference dequantisation, and tokenizer metadata. Files are untrusted: every count, offset and length is checked
//! against the size of the file before anything is allocated for it.

mod dequantize;
mod dtype;
mod error;
mod folder;
mod gguf;
mod gguf_writer;
mod metadata;
mod model_files;
mod packed;
mod quantize;
mod regular_file;
mod safetensors;
mod shards;
mod tensor;
mod tokenizer_metadata;
mod value;

pub use dequantize::{Codes, dequantize};
pub use dtype::DType;
pub use error::{Error, Result};
pub use folder::{FolderFiles, SentenceTransformers, parse_safetensors_index};
pub use gguf::{GgufHeader, parse_gguf_header};
pub use gguf_writer::{GgufLayout, NewTensor, layout_gguf};
pub use metadata::Metadata;
pub use model_files::{Format, ModelFiles};
pub use quantize::quantize;
pub use regular_file::read_file;
pub use safetensors::{SafetensorsHeader, parse_safetensors_header};
pub use tensor::TensorInfo;
pub use tokenizer_metadata::{TokenType, TokenizerMetadata};
pub use value::{Array, Strings, Value};
