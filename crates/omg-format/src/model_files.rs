use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::folder::{FolderFiles, open_safetensors_set};
use crate::metadata::Metadata;
use crate::packed::{self, Packed};
use crate::shards::{OpenSet, Shard, open_gguf_set};
use crate::tensor::TensorInfo;
use crate::tokenizer_metadata::TokenizerMetadata;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Gguf,
    Safetensors,
}

/// An open model: a GGUF file (with its shards) or a safetensors folder. Headers are read, weights are not.
#[derive(Debug)]
pub struct ModelFiles {
    path: PathBuf,
    format: Format,
    shards: Vec<Shard>,
    tensors: Vec<TensorInfo>,
    by_name: HashMap<String, usize>,
    metadata: Metadata,
    folder: Option<FolderFiles>,
    packed: HashMap<String, Packed>,
}

impl ModelFiles {
    /// Opens a GGUF file (any file of a split set), a safetensors folder, or a `.safetensors` file in such a folder.
    /// Errors: `not_found`, `permission_denied`, `invalid_model_file`, `unsupported_quantization`.
    pub fn open(path: &Path) -> Result<Self> {
        let meta = fs::metadata(path).map_err(|error| Error::io(path, error))?;
        let in_safetensors = path
            .extension()
            .is_some_and(|extension| extension == "safetensors");
        let (format, set, folder) = if meta.is_dir() {
            match lone_gguf(path)? {
                Some(gguf) => (Format::Gguf, open_gguf_set(&gguf)?, None),
                None => (
                    Format::Safetensors,
                    open_safetensors_set(path)?,
                    Some(FolderFiles::read(path)?),
                ),
            }
        } else if in_safetensors {
            let parent = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
            (
                Format::Safetensors,
                open_safetensors_set(parent)?,
                Some(FolderFiles::read(parent)?),
            )
        } else {
            (Format::Gguf, open_gguf_set(path)?, None)
        };
        Self::of_set(path, format, set, folder)
    }

    fn of_set(
        path: &Path,
        format: Format,
        set: OpenSet,
        folder: Option<FolderFiles>,
    ) -> Result<Self> {
        let (shards, tensors, metadata) = set;
        let (tensors, packed) = match &folder {
            Some(folder) => {
                packed::join(tensors, &folder.config).map_err(|error| error.in_file(path))?
            }
            None => (tensors, HashMap::new()),
        };
        let mut by_name = HashMap::with_capacity(tensors.len());
        for (index, tensor) in tensors.iter().enumerate() {
            if by_name.insert(tensor.name.clone(), index).is_some() {
                return Err(
                    Error::invalid(format!("tensor {} is in two files", tensor.name)).in_file(path),
                );
            }
        }
        Ok(ModelFiles {
            path: path.to_owned(),
            format,
            shards,
            tensors,
            by_name,
            metadata,
            folder,
            packed,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Paths of all files with weights, in the order of `TensorInfo::file`.
    pub fn files(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.shards.iter().map(|shard| shard.path.as_path())
    }

    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.by_name.get(name).map(|index| &self.tensors[*index])
    }

    /// As `tensor`, with `invalid_model_file` when it is missing.
    pub fn require_tensor(&self, name: &str) -> Result<&TensorInfo> {
        self.tensor(name).ok_or_else(|| {
            Error::invalid(format!("the tensor {name} is missing")).in_file(&self.path)
        })
    }

    /// The bytes of a tensor as they are in the file.
    pub fn read(&self, tensor: &TensorInfo) -> Result<Vec<u8>> {
        self.read_rows(tensor, 0..tensor.rows())
    }

    /// The bytes of some rows; for tensors of more than two dimensions all but the last count as one.
    pub fn read_rows(&self, tensor: &TensorInfo, rows: Range<usize>) -> Result<Vec<u8>> {
        let row_bytes = tensor.row_bytes()?;
        if rows.start > rows.end || rows.end > tensor.rows() {
            return Err(Error::Argument(format!(
                "rows {rows:?} of {}, which has {}",
                tensor.name,
                tensor.rows()
            )));
        }
        let mut out = vec![0; (rows.end - rows.start) * row_bytes];
        self.read_rows_into(tensor, rows, &mut out)?;
        Ok(out)
    }

    /// As `read_rows`, into a buffer of exactly that size.
    pub fn read_rows_into(
        &self,
        tensor: &TensorInfo,
        rows: Range<usize>,
        out: &mut [u8],
    ) -> Result<()> {
        match self.packed.get(&tensor.name) {
            Some(packed) if rows.start <= rows.end && rows.end <= tensor.rows() => {
                let bytes = packed.rows(rows, &|part, rows| {
                    let mut out = vec![0; rows.len() * part.row_bytes()?];
                    self.read_stored(part, rows, &mut out)?;
                    Ok(out)
                })?;
                if bytes.len() != out.len() {
                    return Err(Error::Argument(format!(
                        "{} bytes for rows of {}",
                        out.len(),
                        tensor.name
                    )));
                }
                out.copy_from_slice(&bytes);
                Ok(())
            }
            _ => self.read_stored(tensor, rows, out),
        }
    }

    fn read_stored(&self, tensor: &TensorInfo, rows: Range<usize>, out: &mut [u8]) -> Result<()> {
        let row_bytes = tensor.row_bytes()?;
        let shard = self.shards.get(tensor.file);
        match shard {
            Some(shard)
                if rows.start <= rows.end
                    && rows.end <= tensor.rows()
                    && out.len() == (rows.end - rows.start) * row_bytes =>
            {
                shard.read_exact_at(out, tensor.offset + (rows.start * row_bytes) as u64)
            }
            _ => Err(Error::Argument(format!(
                "{} bytes for rows {rows:?} of {}",
                out.len(),
                tensor.name
            ))),
        }
    }

    /// The whole tensor as floats.
    pub fn read_f32(&self, tensor: &TensorInfo) -> Result<Vec<f32>> {
        if !tensor.dtype.can_dequantize() {
            return Err(Error::UnsupportedQuantization {
                name: tensor.dtype.name().to_owned(),
            });
        }
        let bytes = self.read(tensor)?;
        let mut out = vec![0.0; tensor.elements()];
        crate::dequantize(tensor.dtype, &bytes, &mut out)?;
        Ok(out)
    }

    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The tokenizer of a GGUF file; `Ok(None)` for safetensors folders and files without one.
    pub fn tokenizer(&self) -> Result<Option<TokenizerMetadata<'_>>> {
        TokenizerMetadata::of(&self.metadata).map_err(|error| error.in_file(&self.path))
    }

    /// config.json of a safetensors folder.
    pub fn config(&self) -> Option<&Json> {
        self.folder.as_ref().map(|folder| &folder.config)
    }

    /// Everything beside the weights of a safetensors folder.
    pub fn folder(&self) -> Option<&FolderFiles> {
        self.folder.as_ref()
    }

    /// The sizes of all weight files together.
    pub fn total_bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.len).sum()
    }

    pub fn parameter_count(&self) -> u64 {
        self.tensors
            .iter()
            .map(|tensor| tensor.elements() as u64)
            .sum()
    }

    /// `Q4_K_M`, `Q8_0`, `BF16`, …: what `general.file_type` says, else the type that most bytes of weights have.
    pub fn quantization(&self) -> String {
        let largest = self.packed.iter().max_by_key(|(name, _)| {
            let bytes = self.tensor(name).map_or(0, |tensor| tensor.bytes);
            (bytes, name.as_str())
        });
        if let Some((_, packed)) = largest {
            return packed.name();
        }
        let declared = self
            .metadata
            .u32("general.file_type")
            .ok()
            .flatten()
            .and_then(file_type_name);
        declared
            .or_else(|| self.majority_dtype().map(DType::name))
            .unwrap_or("unknown")
            .to_owned()
    }

    fn majority_dtype(&self) -> Option<DType> {
        let mut bytes: HashMap<DType, u64> = HashMap::new();
        for tensor in &self.tensors {
            *bytes.entry(tensor.dtype).or_default() += tensor.bytes;
        }
        DType::ALL
            .iter()
            .copied()
            .filter(|dtype| bytes.contains_key(dtype))
            .max_by_key(|dtype| bytes[dtype])
    }
}

/// A folder that holds a GGUF model and no safetensors: its only file, or the first of its only split set.
fn lone_gguf(folder: &Path) -> Result<Option<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| Error::io(folder, error))? {
        let path = entry.map_err(|error| Error::io(folder, error))?.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("safetensors") => return Ok(None),
            Some("gguf") => found.push(path),
            _ => {}
        }
    }
    found.sort();
    let first = found.first().cloned();
    let whole_set = first.as_ref().is_some_and(|path| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        name.ends_with(&format!("-00001-of-{:05}.gguf", found.len()))
    });
    match found.len() {
        0 => Ok(None),
        1 => Ok(first),
        _ if whole_set => Ok(first),
        count => Err(
            Error::invalid(format!("{count} GGUF files: name the one that is meant"))
                .in_file(folder),
        ),
    }
}

/// Bit 10 of `general.file_type` marks a guess.
fn file_type_name(file_type: u32) -> Option<&'static str> {
    Some(match file_type & !1024 {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        7 => "Q8_0",
        8 => "Q5_0",
        9 => "Q5_1",
        10 => "Q2_K",
        11 => "Q3_K_S",
        12 => "Q3_K_M",
        13 => "Q3_K_L",
        14 => "Q4_K_S",
        15 => "Q4_K_M",
        16 => "Q5_K_S",
        17 => "Q5_K_M",
        18 => "Q6_K",
        19 => "IQ2_XXS",
        20 => "IQ2_XS",
        21 => "Q2_K_S",
        22 => "IQ3_XS",
        23 => "IQ3_XXS",
        24 => "IQ1_S",
        25 => "IQ4_NL",
        26 => "IQ3_S",
        27 => "IQ3_M",
        28 => "IQ2_S",
        29 => "IQ2_M",
        30 => "IQ4_XS",
        31 => "IQ1_M",
        32 => "BF16",
        36 => "TQ1_0",
        37 => "TQ2_0",
        38 => "MXFP4_MOE",
        39 => "NVFP4",
        40 => "Q1_0",
        41 => "Q2_0",
        _ => return None,
    })
}
