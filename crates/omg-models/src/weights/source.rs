use std::collections::HashSet;

use omg_format::{DType, ModelFiles, TensorInfo};

use super::{MatrixRows, Role, RowOrder, TensorNames, Transform};
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
    "model.visual.",
    "model.multi_modal_projector.",
    "model.audio_tower.",
    "model.embed_vision.",
    "model.embed_audio.",
];
const IGNORED_SUFFIXES: &[&str] = &[
    ".rotary_emb.inv_freq",
    ".attn_rot_embd",
    ".masked_bias",
    // GPT-2's causal mask.
    ".attn.bias",
];

/// Hands out the tensors of a model by role, checks their shapes, and remembers which were used.
pub(crate) struct WeightSource<'a> {
    files: &'a ModelFiles,
    names: &'a TensorNames,
    layers: usize,
    ignored: &'static [&'static str],
    used: HashSet<&'a str>,
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

    pub(super) fn files(&self) -> &'a ModelFiles {
        self.files
    }

    pub(super) fn names(&self) -> &'a TensorNames {
        self.names
    }

    pub(super) fn has_tensor(&self, name: &str) -> bool {
        self.files.tensor(name).is_some()
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
        self.rows(role, layer, RowOrder::all(rows), cols)
    }

    /// Some rows of the matrix of a role, in an order of their own: `[order.rows(), cols]`.
    pub(crate) fn rows(
        &mut self,
        role: Role,
        layer: usize,
        order: RowOrder,
        cols: usize,
    ) -> Result<MatrixRows<'a>> {
        let tensor = self.take(&self.names.weight(role, layer))?;
        let transform = self.names.transform(role);
        let shape = match transform {
            Some(Transform::Transpose) => [cols, order.total()],
            _ => [order.total(), cols],
        };
        if tensor.shape != shape {
            return Err(shape_error(tensor, &shape));
        }
        readable(tensor)?;
        let Some(transform) = transform else {
            return Ok(MatrixRows::of_file(self.files, tensor, order));
        };
        let values = transform.matrix(self.files.read_f32(tensor)?, shape[1]);
        // What checkpoints hold as it is; other types are kept as floats.
        let dtype = match tensor.dtype {
            kept @ (DType::F16 | DType::BF16) => kept,
            _ => DType::F32,
        };
        let bytes = omg_format::quantize(dtype, &values)?;
        Ok(MatrixRows::in_memory(dtype, bytes, order, cols))
    }

    /// The bias of a role, `len` elements.
    pub(crate) fn bias(&mut self, role: Role, layer: usize, len: usize) -> Result<Vec<f32>> {
        self.vector(&self.names.bias(role, layer), len)
    }

    /// As `bias`, of some rows.
    pub(crate) fn bias_rows(
        &mut self,
        role: Role,
        layer: usize,
        order: RowOrder,
    ) -> Result<Vec<f32>> {
        let all = self.bias(role, layer, order.total())?;
        Ok(order.pick(&all, 1))
    }

    /// The weight of a norm, with the one added that some files leave out.
    pub(crate) fn norm(
        &mut self,
        role: Role,
        layer: usize,
        norm: &NormSpec,
        len: usize,
    ) -> Result<Vec<f32>> {
        let mut weight = match role {
            // GGUF files have a row for each group.
            Role::StateNorm => self.values(role, layer, len)?,
            _ => self.weight_vector(role, layer, len)?,
        };
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
        let values = self.vector(&self.names.weight(role, layer), len)?;
        Ok(match self.names.transform(role) {
            Some(transform) => transform.values(values),
            None => values,
        })
    }

    /// A vector whose name has no suffix, `len` elements in any shape.
    pub(crate) fn bare_vector(&mut self, role: Role, layer: usize, len: usize) -> Result<Vec<f32>> {
        let tensor = self.take(&self.names.bare(role, layer))?;
        if tensor.elements() != len {
            return Err(shape_error(tensor, &[len]));
        }
        self.read_floats(tensor)
    }

    /// A matrix of one row, which GGUF files store as a vector.
    pub(crate) fn row(&mut self, role: Role, layer: usize, cols: usize) -> Result<MatrixRows<'a>> {
        let tensor = self.take(&self.names.weight(role, layer))?;
        if tensor.elements() != cols || tensor.cols() != cols {
            return Err(shape_error(tensor, &[1, cols]));
        }
        readable(tensor)?;
        Ok(MatrixRows::of_file(self.files, tensor, RowOrder::all(1)))
    }

    /// The weight of a role as floats, `[rows, cols]`.
    pub(crate) fn floats(
        &mut self,
        role: Role,
        layer: usize,
        rows: usize,
        cols: usize,
    ) -> Result<Vec<f32>> {
        let matrix = self.matrix(role, layer, rows, cols)?;
        let mut values = vec![0.0; rows * cols];
        omg_format::dequantize(matrix.dtype(), &matrix.read(0..rows)?, &mut values)?;
        Ok(values)
    }

    /// A tensor that some files have and the model has no use for.
    pub(crate) fn pass_over(&mut self, role: Role, layer: usize) {
        if let Some(tensor) = self.files.tensor(&self.names.weight(role, layer)) {
            self.used.insert(&tensor.name);
        }
    }

    /// The weights of a depthwise convolution, `[channels, taps]`; in safetensors they have a dimension of 1 between these.
    pub(crate) fn taps(
        &mut self,
        role: Role,
        layer: usize,
        channels: usize,
        taps: usize,
    ) -> Result<Vec<f32>> {
        let tensor = self.take(&self.names.weight(role, layer))?;
        if tensor.shape != [channels, taps] && tensor.shape != [channels, 1, taps] {
            return Err(shape_error(tensor, &[channels, taps]));
        }
        self.read_floats(tensor)
    }

    /// The weight of a role that is `len` elements in whatever dimensions.
    pub(crate) fn values(&mut self, role: Role, layer: usize, len: usize) -> Result<Vec<f32>> {
        let tensor = self.take(&self.names.weight(role, layer))?;
        if tensor.elements() != len {
            return Err(shape_error(tensor, &[len]));
        }
        let values = self.read_floats(tensor)?;
        Ok(match self.names.transform(role) {
            Some(transform) => transform.values(values),
            None => values,
        })
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

    pub(super) fn take(&mut self, name: &str) -> Result<&'a TensorInfo> {
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

    fn vector(&mut self, name: &str, len: usize) -> Result<Vec<f32>> {
        let tensor = self.take(name)?;
        if tensor.shape != [len] {
            return Err(shape_error(tensor, &[len]));
        }
        self.read_floats(tensor)
    }

    pub(super) fn read_floats(&self, tensor: &TensorInfo) -> Result<Vec<f32>> {
        readable(tensor)?;
        Ok(self.files.read_f32(tensor)?)
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

pub(super) fn shape_error(tensor: &TensorInfo, expected: &[usize]) -> Error {
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
        .skip_while(|part| !["blk", "layers", "h"].contains(part));
    parts.next()?;
    parts.next()?.parse().ok()
}
