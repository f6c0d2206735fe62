//! The projections of all experts of a layer, however a file stores them.

use std::ops::Range;

use omg_format::{DType, ModelFiles, TensorInfo};

use super::source::shape_error;
use super::{Role, RowOrder, TensorNames, WeightSource};
use crate::error::{Error, Result};
use crate::spec::ExpertLayout;

/// Which projection of the experts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExpertPart {
    Gate,
    Up,
    Down,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExpertShape {
    pub(crate) experts: usize,
    /// Outputs of each expert.
    pub(crate) rows: usize,
    /// Inputs of each expert.
    pub(crate) cols: usize,
}

/// One projection of all experts of a layer, not yet read.
pub(crate) struct ExpertRows<'a> {
    files: &'a ModelFiles,
    pub(crate) dtype: DType,
    pub(crate) shape: ExpertShape,
    stored: Stored<'a>,
}

enum Stored<'a> {
    /// A matrix for each expert.
    Apart(Vec<&'a TensorInfo>),
    /// `[experts, all outputs, cols]`
    Rows(&'a TensorInfo, RowOrder),
    /// `[experts, cols, all outputs]`
    Columns(&'a TensorInfo, RowOrder),
    /// MXFP4 in two tensors: blocks of 16 bytes `[experts, all outputs, cols / 32, 16]`, in which byte j holds columns 2j
    /// and 2j + 1, and scales `[experts, all outputs, cols / 32]`.
    Blocks(&'a TensorInfo, &'a TensorInfo, RowOrder),
}

const BLOCK: usize = 32;

impl ExpertPart {
    fn role(self) -> Role {
        match self {
            Self::Gate => Role::ExpertGate,
            Self::Up => Role::ExpertUp,
            Self::Down => Role::ExpertDown,
        }
    }

    /// The role of a tensor with the outputs of several projections, or with all experts where others have one each.
    fn fused(self) -> Role {
        match self {
            Self::Gate | Self::Up => Role::ExpertGateUp,
            Self::Down => Role::ExpertDownFused,
        }
    }

    /// The outputs of this part among those that are stored together.
    fn outputs(self, rows: usize, layout: ExpertLayout) -> RowOrder {
        match (self, layout.interleaved) {
            (Self::Down, _) => RowOrder::all(rows),
            (Self::Gate, false) => RowOrder::run(0, rows, 2 * rows),
            (Self::Up, false) => RowOrder::run(rows, rows, 2 * rows),
            (Self::Gate, true) => RowOrder::every(1, 2, 0, rows),
            (Self::Up, true) => RowOrder::every(1, 2, 1, rows),
        }
    }
}

/// Whether a layer has experts, as far as the tensors tell.
pub(crate) fn has_experts(files: &ModelFiles, names: &TensorNames, layer: usize) -> bool {
    let stored = |name: &String| files.tensor(name).is_some();
    stored(&names.weight(Role::Router, layer))
        || stored(&names.expert(Role::ExpertDown, layer, 0))
        || fused_names(names, Role::ExpertDownFused, layer)
            .iter()
            .any(stored)
}

/// Inputs of the down projection, by its tensor.
pub(crate) fn stored_expert_width(
    files: &ModelFiles,
    names: &TensorNames,
    layer: usize,
    layout: ExpertLayout,
) -> Option<usize> {
    let [plain, bare, blocks] = fused_names(names, Role::ExpertDownFused, layer);
    let together = files.tensor(&plain).or_else(|| files.tensor(&bare));
    if let Some(tensor) = together {
        let axis = if layout.transposed { 1 } else { 2 };
        return tensor.shape.get(axis).copied();
    }
    if let Some(tensor) = files.tensor(&blocks) {
        return Some(tensor.shape.get(2)? * BLOCK);
    }
    let apart = names.expert(Role::ExpertDown, layer, 0);
    Some(files.tensor(&apart)?.cols())
}

/// Names under which a tensor with all experts may be stored; the last is that of MXFP4 blocks.
fn fused_names(names: &TensorNames, role: Role, layer: usize) -> [String; 3] {
    let bare = names.bare(role, layer);
    [names.weight(role, layer), bare.clone(), bare + "_blocks"]
}

impl<'a> WeightSource<'a> {
    /// A projection of all experts. Errors name the tensor that is missing or has another number of experts.
    pub(crate) fn experts(
        &mut self,
        part: ExpertPart,
        layer: usize,
        shape: ExpertShape,
        layout: ExpertLayout,
    ) -> Result<ExpertRows<'a>> {
        let ExpertShape {
            experts,
            rows,
            cols,
        } = shape;
        let whole = part.outputs(rows, layout);
        let single = RowOrder::all(rows);
        let own = self.names().weight(part.role(), layer);
        let [plain, bare, blocks] = fused_names(self.names(), part.fused(), layer);
        let together = [(own, single), (plain, whole), (bare, whole)];
        for (name, order) in together {
            if !self.has_tensor(&name) {
                continue;
            }
            let tensor = self.take(&name)?;
            let (expected, stored) = match layout.transposed {
                false => ([experts, order.total(), cols], Stored::Rows(tensor, order)),
                true => (
                    [experts, cols, order.total()],
                    Stored::Columns(tensor, order),
                ),
            };
            check(tensor, &expected)?;
            if layout.transposed && tensor.dtype.block_elems() != 1 {
                return Err(shape_error(tensor, &expected));
            }
            return self.expert_rows(tensor, shape, stored);
        }
        if self.has_tensor(&blocks) {
            let (blocks, scales) = (
                self.take(&blocks)?,
                self.take(&blocks.replace("_blocks", "_scales"))?,
            );
            let groups = cols / BLOCK;
            check(blocks, &[experts, whole.total(), groups, BLOCK / 2])?;
            check(scales, &[experts, whole.total(), groups])?;
            for tensor in [blocks, scales] {
                if tensor.dtype != DType::U8 {
                    return Err(Error::UnsupportedQuantization {
                        tensor: tensor.name.clone(),
                        dtype: tensor.dtype.name(),
                    });
                }
            }
            return Ok(ExpertRows {
                files: self.files(),
                dtype: DType::MXFP4,
                shape,
                stored: Stored::Blocks(blocks, scales, whole),
            });
        }
        let mut apart = Vec::with_capacity(experts);
        for expert in 0..experts {
            let tensor = self.take(&self.names().expert(part.role(), layer, expert))?;
            check(tensor, &[rows, cols])?;
            apart.push(tensor);
        }
        match apart.first().copied() {
            Some(first) => self.expert_rows(first, shape, Stored::Apart(apart)),
            None => Err(Error::MissingTensor {
                name: self.names().weight(part.role(), layer),
            }),
        }
    }

    /// The biases `[experts, rows]` of a projection, where the file has them.
    pub(crate) fn expert_biases(
        &mut self,
        part: ExpertPart,
        layer: usize,
        shape: ExpertShape,
        layout: ExpertLayout,
    ) -> Result<Option<Vec<f32>>> {
        let ExpertShape { experts, rows, .. } = shape;
        let own = self.names().bias(part.role(), layer);
        let fused = self.names().bare(part.fused(), layer) + "_bias";
        let together = [
            (own, RowOrder::all(rows)),
            (fused, part.outputs(rows, layout)),
        ];
        for (name, order) in together {
            if !self.has_tensor(&name) {
                continue;
            }
            let tensor = self.take(&name)?;
            check(tensor, &[experts, order.total()])?;
            let all = self.read_floats(tensor)?;
            let biases = all.chunks_exact(order.total());
            return Ok(Some(biases.flat_map(|all| order.pick(all, 1)).collect()));
        }
        Ok(None)
    }

    fn expert_rows(
        &self,
        first: &'a TensorInfo,
        shape: ExpertShape,
        stored: Stored<'a>,
    ) -> Result<ExpertRows<'a>> {
        let odd = match &stored {
            Stored::Apart(tensors) => tensors.iter().find(|tensor| tensor.dtype != first.dtype),
            _ => None,
        };
        for tensor in [Some(first), odd.copied()].into_iter().flatten() {
            if !tensor.dtype.can_dequantize() || tensor.dtype != first.dtype {
                return Err(Error::UnsupportedQuantization {
                    tensor: tensor.name.clone(),
                    dtype: tensor.dtype.name(),
                });
            }
        }
        Ok(ExpertRows {
            files: self.files(),
            dtype: first.dtype,
            shape,
            stored,
        })
    }
}

fn check(tensor: &TensorInfo, expected: &[usize]) -> Result<()> {
    match tensor.shape == expected {
        true => Ok(()),
        false => Err(shape_error(tensor, expected)),
    }
}

impl ExpertRows<'_> {
    /// The bytes of all rows of one expert, in `dtype`.
    pub(crate) fn read(&self, expert: usize) -> Result<Vec<u8>> {
        let ExpertShape { rows, cols, .. } = self.shape;
        match &self.stored {
            Stored::Apart(tensors) => Ok(self.files.read(tensors[expert])?),
            Stored::Rows(tensor, order) => {
                let row_bytes = tensor.row_bytes()?;
                self.pick(tensor, expert, 1, row_bytes, *order)
            }
            Stored::Columns(tensor, order) => {
                let all = self
                    .files
                    .read_rows(tensor, expert * cols..(expert + 1) * cols)?;
                let size = tensor.dtype.block_bytes();
                let mut out = Vec::with_capacity(rows * cols * size);
                for output in order.stored(0..rows).flatten() {
                    for col in 0..cols {
                        let at = (col * order.total() + output) * size;
                        out.extend_from_slice(&all[at..at + size]);
                    }
                }
                Ok(out)
            }
            Stored::Blocks(blocks, scales, order) => {
                let groups = cols / BLOCK;
                let quants = self.pick(blocks, expert, groups, BLOCK / 2, *order)?;
                let scales = self.pick(scales, expert, 1, groups, *order)?;
                Ok(mxfp4(&quants, &scales))
            }
        }
    }

    /// The outputs of one expert; an output is `parts` rows of the tensor, of `row_bytes` bytes each.
    fn pick(
        &self,
        tensor: &TensorInfo,
        expert: usize,
        parts: usize,
        row_bytes: usize,
        order: RowOrder,
    ) -> Result<Vec<u8>> {
        let rows_of = |outputs: Range<usize>| {
            let first = expert * order.total();
            (first + outputs.start) * parts..(first + outputs.end) * parts
        };
        let mut runs = order.stored(0..order.rows());
        if let (Some(run), None) = (runs.next(), runs.next()) {
            return Ok(self.files.read_rows(tensor, rows_of(run))?);
        }
        let all = self.files.read_rows(tensor, rows_of(0..order.total()))?;
        Ok(order.pick(&all, parts * row_bytes))
    }
}

/// Blocks of ggml's MXFP4 from pairs of neighbouring columns and a scale: byte j of ggml's holds columns j and j + 16.
fn mxfp4(quants: &[u8], scales: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(quants.len() + scales.len());
    for (pairs, scale) in quants.chunks_exact(BLOCK / 2).zip(scales) {
        let column = |at: usize| (pairs[at / 2] >> (4 * (at % 2))) & 15;
        out.push(*scale);
        out.extend((0..BLOCK / 2).map(|at| column(at) | (column(at + BLOCK / 2) << 4)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_fp4_keep_their_values() {
        // Column c has the code c % 16.
        let pairs: Vec<u8> = (0..16)
            .map(|at| ((2 * at) % 16) | (((2 * at + 1) % 16) << 4))
            .collect();
        let block = mxfp4(&pairs, &[127]);
        let mut values = [0.0; 32];
        omg_format::dequantize(DType::MXFP4, &block, &mut values).expect("a known type");
        let codes = [
            0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0,
        ];
        for (at, value) in values.iter().enumerate() {
            assert_eq!(*value, codes[at % 16], "column {at}");
        }
    }
}
