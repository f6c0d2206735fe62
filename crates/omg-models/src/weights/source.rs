use std::collections::HashSet;
use std::ops::Range;

use omg_format::{DType, ModelFiles, TensorInfo};

use super::{Role, TensorNames};
use crate::error::{Error, Result};
use crate::spec::NormSpec;

/// Tensors that checkpoints carry and a text decoder does not need: other modalities, further prediction heads, and
/// tables that are computed from the header.
const IGNORED_PREFIXES: &[&str] = &[
    "v.",
    "a.",
    "mm.",
    "mtp.",
    "rope_freqs",
    "rope_factors_",
    "vision_tower.",
    "vision_model.",
    "audio_tower.",
    "multi_modal_projector.",
    "model.vision_tower.",
    "model.multi_modal_projector.",
    "model.audio_tower.",
];
const IGNORED_SUFFIXES: &[&str] = &[".rotary_emb.inv_freq", ".attn_rot_embd", ".masked_bias"];

/// Hands out the tensors of a model by role, checks their shapes, and remembers which were used.
pub(crate) struct WeightSource<'a> {
    files: &'a ModelFiles,
    names: &'a TensorNames,
    layers: usize,
    ignored: &'static [&'static str],
    used: HashSet<&'a str>,
}

/// Rows that lie inside a matrix with others: `start` and `total` in rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fused {
    pub(crate) role: Role,
    pub(crate) start: usize,
    pub(crate) total: usize,
}

/// Some consecutive rows of a stored matrix, not yet read.
pub(crate) struct MatrixRows<'a> {
    files: &'a ModelFiles,
    tensor: &'a TensorInfo,
    start: usize,
    rows: usize,
}

impl<'a> WeightSource<'a> {
    /// `layers`: those that run; what belongs to later ones is not asked for.
    pub(crate) fn new(files: &'a ModelFiles, names: &'a TensorNames, layers: usize) -> Self {
        Self {
            files,
            names,
            layers,
            ignored: &[],
            used: HashSet::new(),
        }
    }

    /// Tensors whose names begin so may be left unused.
    pub(crate) fn ignoring(self, ignored: &'static [&'static str]) -> Self {
        Self { ignored, ..self }
    }

    pub(crate) fn has(&self, role: Role, layer: usize) -> bool {
        self.files.tensor(&self.names.weight(role, layer)).is_some()
    }

    /// The matrix `[rows, cols]` of a role.
    pub(crate) fn matrix(
        &mut self,
        role: Role,
        layer: usize,
        rows: usize,
        cols: usize,
    ) -> Result<MatrixRows<'a>> {
        let tensor = self.take(&self.names.weight(role, layer))?;
        self.slice(tensor, 0, rows, rows, cols)
    }

    /// As `matrix`, out of the rows of a fused one.
    pub(crate) fn fused_matrix(
        &mut self,
        fused: Fused,
        layer: usize,
        rows: usize,
        cols: usize,
    ) -> Result<MatrixRows<'a>> {
        let tensor = self.take(&self.names.weight(fused.role, layer))?;
        self.slice(tensor, fused.start, rows, fused.total, cols)
    }

    /// The bias of a role, `len` elements.
    pub(crate) fn bias(&mut self, role: Role, layer: usize, len: usize) -> Result<Vec<f32>> {
        self.vector(&self.names.bias(role, layer), len)
    }

    /// As `bias`, out of the elements of a fused one.
    pub(crate) fn fused_bias(
        &mut self,
        fused: Fused,
        layer: usize,
        len: usize,
    ) -> Result<Vec<f32>> {
        let all = self.vector(&self.names.bias(fused.role, layer), fused.total)?;
        Ok(all[fused.start..fused.start + len].to_vec())
    }

    /// The weight of a norm, with the one added that some files leave out.
    pub(crate) fn norm(
        &mut self,
        role: Role,
        layer: usize,
        norm: &NormSpec,
        len: usize,
    ) -> Result<Vec<f32>> {
        let mut weight = self.vector(&self.names.weight(role, layer), len)?;
        if norm.plus_one {
            weight.iter_mut().for_each(|value| *value += 1.0);
        }
        Ok(weight)
    }

    /// The weight of a role that is a vector of `len` elements.
    pub(crate) fn weight_vector(
        &mut self,
        role: Role,
        layer: usize,
        len: usize,
    ) -> Result<Vec<f32>> {
        self.vector(&self.names.weight(role, layer), len)
    }

    /// The weight of a role as floats, `[rows, cols]`.
    pub(crate) fn floats(
        &mut self,
        role: Role,
        layer: usize,
        rows: usize,
        cols: usize,
    ) -> Result<Vec<f32>> {
        let tensor = self.take(&self.names.weight(role, layer))?;
        self.slice(tensor, 0, rows, rows, cols)?;
        self.read_floats(tensor)
    }

    /// A tensor outside the roles, such as rope divisors, by its full name.
    pub(crate) fn named(&mut self, name: &str) -> Result<Vec<f32>> {
        let tensor = self.take(name)?;
        self.read_floats(tensor)
    }

    /// To be called when all is loaded. `Err(UnexpectedTensor)` for a tensor that was not used and is not known to be
    /// needless: the model is then not what its header says.
    pub(crate) fn finish(self) -> Result<()> {
        let unexpected = self.files.tensors().iter().find(|tensor| {
            !self.used.contains(tensor.name.as_str())
                && needed(&tensor.name, self.layers)
                && !self
                    .ignored
                    .iter()
                    .any(|part| tensor.name.starts_with(part))
        });
        match unexpected {
            Some(tensor) => Err(Error::UnexpectedTensor {
                name: tensor.name.clone(),
            }),
            None => Ok(()),
        }
    }

    fn take(&mut self, name: &str) -> Result<&'a TensorInfo> {
        let tensor = self
            .files
            .tensor(name)
            .or_else(|| self.files.tensor(&older_name(name)?))
            .ok_or_else(|| Error::MissingTensor {
                name: name.to_owned(),
            })?;
        self.used.insert(&tensor.name);
        Ok(tensor)
    }

    fn slice(
        &self,
        tensor: &'a TensorInfo,
        start: usize,
        rows: usize,
        total: usize,
        cols: usize,
    ) -> Result<MatrixRows<'a>> {
        if tensor.shape != [total, cols] {
            return Err(shape_error(tensor, &[total, cols]));
        }
        readable(tensor)?;
        Ok(MatrixRows {
            files: self.files,
            tensor,
            start,
            rows,
        })
    }

    fn vector(&mut self, name: &str, len: usize) -> Result<Vec<f32>> {
        let tensor = self.take(name)?;
        if tensor.shape != [len] {
            return Err(shape_error(tensor, &[len]));
        }
        self.read_floats(tensor)
    }

    fn read_floats(&self, tensor: &TensorInfo) -> Result<Vec<f32>> {
        readable(tensor)?;
        Ok(self.files.read_f32(tensor)?)
    }
}

impl MatrixRows<'_> {
    pub(crate) fn dtype(&self) -> DType {
        self.tensor.dtype
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn cols(&self) -> usize {
        self.tensor.cols()
    }

    /// The bytes of some of these rows, as they are in the file.
    pub(crate) fn read(&self, rows: Range<usize>) -> Result<Vec<u8>> {
        Ok(self
            .files
            .read_rows(self.tensor, self.start + rows.start..self.start + rows.end)?)
    }

    /// Ranges of rows of about `bytes` bytes each, so that reading needs little memory beside the result.
    pub(crate) fn chunks(&self, bytes: usize) -> Result<impl Iterator<Item = Range<usize>>> {
        let row_bytes = self.tensor.dtype.row_bytes(self.cols())?.max(1);
        // Whole groups of rows, because repacked layouts interleave a few of them.
        let step = (bytes / row_bytes / 64).max(1) * 64;
        let rows = self.rows;
        Ok((0..rows)
            .step_by(step)
            .map(move |start| start..(start + step).min(rows)))
    }
}

/// Whether a text decoder of this many layers has a use for a tensor, as far as its name tells.
pub(crate) fn needed(name: &str, layers: usize) -> bool {
    !IGNORED_PREFIXES
        .iter()
        .any(|prefix| name.starts_with(prefix))
        && !IGNORED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        && layer_of(name).is_none_or(|layer| layer < layers)
}

/// Checkpoints that began their life in TensorFlow call the two vectors of a norm gamma and beta.
fn older_name(name: &str) -> Option<String> {
    let norm = name.strip_suffix(".weight").map(|stem| (stem, "gamma"));
    let (stem, old) = norm.or_else(|| Some((name.strip_suffix(".bias")?, "beta")))?;
    stem.ends_with("LayerNorm").then(|| format!("{stem}.{old}"))
}

fn readable(tensor: &TensorInfo) -> Result<()> {
    if tensor.dtype.can_dequantize() {
        return Ok(());
    }
    Err(unsupported(tensor))
}

fn unsupported(tensor: &TensorInfo) -> Error {
    Error::UnsupportedQuantization {
        tensor: tensor.name.clone(),
        dtype: tensor.dtype.name(),
    }
}

/// Refuses, by the headers alone, weights of a type that cannot be computed with. Whole numbers are codes of a quantisation
/// that keeps its scales in other tensors (GPTQ, AWQ, MLX, bitsandbytes).
pub fn check_weight_types(files: &ModelFiles, layers: usize) -> Result<()> {
    let weights = files.tensors().iter().filter(|tensor| {
        tensor.shape.len() > 1 && tensor.name.ends_with("weight") && needed(&tensor.name, layers)
    });
    for tensor in weights {
        let is_code = matches!(
            tensor.dtype,
            DType::I8 | DType::I16 | DType::I32 | DType::I64
        );
        if is_code || !tensor.dtype.can_dequantize() {
            return Err(unsupported(tensor));
        }
    }
    Ok(())
}

fn shape_error(tensor: &TensorInfo, expected: &[usize]) -> Error {
    Error::TensorShape {
        name: tensor.name.clone(),
        expected: expected.to_vec(),
        found: tensor.shape.clone(),
    }
}

/// The layer in names such as `blk.7.ffn_up.weight` and `model.layers.7.mlp.up_proj.weight`.
fn layer_of(name: &str) -> Option<usize> {
    let mut parts = name
        .split('.')
        .skip_while(|part| *part != "blk" && *part != "layers");
    parts.next()?;
    parts.next()?.parse().ok()
}
