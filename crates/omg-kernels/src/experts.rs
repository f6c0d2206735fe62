//! Mixtures of experts: each row of activations goes through a few of many feed-forward networks.

use std::cell::RefCell;

use omg_format::DType;

use crate::activation::{Activation, activate, gated};
use crate::error::{Error, Result};
use crate::matrix::{Matrix, MatrixBuilder, Packing};
use crate::pool::Pool;
use crate::product::{Part, run};
use crate::quant::LANES;
use crate::quant::activation::Activations;
use crate::rows::each_row;
use crate::shared::SharedMut;

/// One projection of all experts: [experts, rows (outputs), cols (inputs)], in one allocation.
pub struct ExpertMatrix {
    matrix: Matrix,
    experts: usize,
    rows: usize,
}

/// A matrix of experts under construction; see [`ExpertMatrix::builder`].
pub struct ExpertMatrixBuilder {
    builder: MatrixBuilder,
    experts: usize,
    rows: usize,
}

/// The feed-forward networks of one layer. Biases are [experts, rows] of their projection.
pub struct Experts<'a> {
    /// `None`: an expert is `down(activation(up(x)))`.
    pub gate: Option<&'a ExpertMatrix>,
    pub up: &'a ExpertMatrix,
    pub down: &'a ExpertMatrix,
    pub gate_bias: Option<&'a [f32]>,
    pub up_bias: Option<&'a [f32]>,
    pub down_bias: Option<&'a [f32]>,
    pub activation: Activation,
    /// The weight of a route multiplies what goes into the expert and not what comes out.
    pub weight_on_input: bool,
}

/// Which experts each row goes through: `used` of them per row, the order of a row's routes being the order in which their
/// results are added.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Routes {
    pub used: usize,
    /// [rows, used]
    pub experts: Vec<u32>,
    /// [rows, used]
    pub weights: Vec<f32>,
}

impl ExpertMatrix {
    /// A matrix that is filled expert after expert, with some rows at a time.
    pub fn builder(
        dtype: DType,
        experts: usize,
        rows: usize,
        cols: usize,
    ) -> Result<ExpertMatrixBuilder> {
        // Each expert begins a panel.
        let all = rows.next_multiple_of(LANES).checked_mul(experts);
        let all = all.ok_or(Error::TooLarge { rows, cols })?;
        Ok(ExpertMatrixBuilder {
            builder: Matrix::builder(dtype, all, cols)?,
            experts,
            rows,
        })
    }

    pub fn experts(&self) -> usize {
        self.experts
    }

    /// Outputs of each expert.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs of each expert.
    pub fn cols(&self) -> usize {
        self.matrix.cols()
    }

    /// Bytes the weights take in memory.
    pub fn byte_size(&self) -> usize {
        self.matrix.byte_size()
    }

    fn is_quantised(&self) -> bool {
        matches!(self.matrix.packing, Packing::Quant(_))
    }

    /// The product of one expert with some rows of `x`.
    fn part<'a>(&'a self, group: &Group, x: &'a [f32], y: SharedMut<'a, f32>) -> Part<'a> {
        let panels = self.rows.div_ceil(LANES);
        Part {
            matrix: &self.matrix,
            panels: group.expert * panels..(group.expert + 1) * panels,
            outputs: self.rows,
            rows: group.start..group.end,
            x,
            y,
        }
    }
}

impl ExpertMatrixBuilder {
    /// Appends rows of one expert; `bytes` are those of the file and hold whole rows, not beyond the expert's last.
    pub fn push_rows(&mut self, bytes: &[u8], pool: &Pool) -> Result<()> {
        let (before, rows) = (self.builder.written(), self.rows);
        let start = before % rows.next_multiple_of(LANES).max(1);
        self.builder.push_rows(bytes, pool)?;
        let end = start + self.builder.written() - before;
        if end > rows {
            return Err(Error::RowsOutside { start, end, rows });
        }
        if end == rows {
            self.builder.skip_to_panel();
        }
        Ok(())
    }

    /// `Err(RowsMissing)` unless all rows of all experts were pushed.
    pub fn finish(self) -> Result<ExpertMatrix> {
        Ok(ExpertMatrix {
            matrix: self.builder.finish()?,
            experts: self.experts,
            rows: self.rows,
        })
    }
}

/// The routes of one expert: `start..end` in the order of experts.
struct Group {
    expert: usize,
    start: usize,
    end: usize,
}

/// Buffers, kept between calls. A route is a row of each.
#[derive(Default)]
struct Scratch {
    /// Routes sorted by expert: the index of each in `Routes`, and where each index is in that order.
    order: Vec<u32>,
    places: Vec<u32>,
    x: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    mixed: Vec<f32>,
    out: Vec<f32>,
    narrow: Option<Activations>,
    wide: Option<Activations>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

/// `y` [n, hidden] = for each row of `x` [n, hidden] the sum over its routes of weight · expert(x), where an expert is
/// `down(activation(gate(x)) · up(x))`. All rows of an expert are one product, and all products of a projection one
/// dispatch. A row of `y` has the same bits whatever else is in the batch.
pub fn experts(pool: &Pool, layer: &Experts<'_>, routes: &Routes, x: &[f32], y: &mut [f32]) {
    let (hidden, width) = (layer.up.cols(), layer.up.rows());
    let count = routes.experts.len();
    let projections: Vec<&ExpertMatrix> = layer.gate.into_iter().chain([layer.up]).collect();
    assert!(
        projections
            .iter()
            .all(|p| p.cols() == hidden && p.rows() == width)
    );
    assert!(layer.down.cols() == width && layer.down.rows() == hidden);
    assert!(hidden > 0 && width > 0 && routes.used > 0 && routes.weights.len() == count);
    assert_eq!(x.len(), count / routes.used * hidden);
    assert_eq!(x.len(), y.len());
    let mut scratch = SCRATCH.take();
    let Scratch {
        order,
        places,
        x: gathered,
        gate,
        up,
        mixed,
        out,
        narrow,
        wide,
    } = &mut scratch;
    let groups = sort(routes, layer.up.experts(), order, places);
    let (order, places) = (&*order, &*places);
    let expert_of = |place: usize| routes.experts[order[place] as usize] as usize;

    // What goes in, by expert. Quantised weights read rows from where they are, unless these change on the way.
    let source = |place: usize| order[place] as usize / routes.used;
    let quantised = projections.iter().any(|p| p.is_quantised());
    let plain = projections.iter().any(|p| !p.is_quantised());
    if plain || layer.weight_on_input {
        gathered.resize(count * hidden, 0.0);
        each_row(pool, hidden, gathered, &|place, row| {
            row.copy_from_slice(&x[source(place) * hidden..][..hidden]);
            if layer.weight_on_input {
                let weight = routes.weights[order[place] as usize];
                row.iter_mut().for_each(|x| *x *= weight);
            }
        });
    }
    let gathered = &*gathered;
    let narrow = narrow.get_or_insert_with(Activations::new);
    match (quantised, layer.weight_on_input) {
        (false, _) => {}
        (true, true) => narrow.quantize(pool, &gathered[..count * hidden], count, hidden),
        (true, false) => narrow.gather(pool, x, count, hidden, &source),
    }

    up.resize(count * width, 0.0);
    gate.resize(layer.gate.map_or(0, |_| count * width), 0.0);
    let (gates, ups) = (SharedMut::new(gate), SharedMut::new(up));
    run(
        pool,
        groups.iter().flat_map(|group| {
            let gate = layer.gate.map(|matrix| (matrix, gates));
            let both = gate.into_iter().chain([(layer.up, ups)]);
            both.map(|(matrix, y)| matrix.part(group, gathered, y).with(Some(narrow)))
        }),
    );
    add_biases(pool, layer.up_bias, width, up, &expert_of);
    let mixed = match layer.gate {
        Some(_) => {
            add_biases(pool, layer.gate_bias, width, gate, &expert_of);
            mixed.resize(count * width, 0.0);
            gated(pool, layer.activation, gate, up, mixed);
            &*mixed
        }
        None => {
            activate(pool, layer.activation, up);
            &*up
        }
    };

    let wide = wide.get_or_insert_with(Activations::new);
    if layer.down.is_quantised() {
        wide.quantize(pool, mixed, count, width);
    }
    out.resize(count * hidden, 0.0);
    let outs = SharedMut::new(out);
    run(
        pool,
        groups
            .iter()
            .map(|group| layer.down.part(group, mixed, outs).with(Some(wide))),
    );
    add_biases(pool, layer.down_bias, hidden, out, &expert_of);
    each_row(pool, hidden, y, &|row, y| {
        y.fill(0.0);
        for route in row * routes.used..(row + 1) * routes.used {
            let weight = match layer.weight_on_input {
                true => 1.0,
                false => routes.weights[route],
            };
            let out = &out[places[route] as usize * hidden..][..hidden];
            for (y, out) in y.iter_mut().zip(out) {
                *y += weight * out;
            }
        }
    });
    SCRATCH.replace(scratch);
}

/// Sorts routes by expert, those of one expert by row.
fn sort(
    routes: &Routes,
    experts: usize,
    order: &mut Vec<u32>,
    places: &mut Vec<u32>,
) -> Vec<Group> {
    let mut next = vec![0; experts];
    for &expert in &routes.experts {
        next[expert as usize] += 1;
    }
    let (mut groups, mut start) = (Vec::new(), 0);
    for (expert, next) in next.iter_mut().enumerate() {
        let end = start + *next;
        *next = start;
        if end > start {
            groups.push(Group { expert, start, end });
        }
        start = end;
    }
    order.resize(routes.experts.len(), 0);
    places.resize(routes.experts.len(), 0);
    for (route, &expert) in routes.experts.iter().enumerate() {
        let place = next[expert as usize];
        next[expert as usize] += 1;
        order[place] = route as u32;
        places[route] = place as u32;
    }
    groups
}

fn add_biases(
    pool: &Pool,
    biases: Option<&[f32]>,
    width: usize,
    rows: &mut [f32],
    expert_of: &(dyn Fn(usize) -> usize + Sync),
) {
    let Some(biases) = biases else { return };
    each_row(pool, width, rows, &|place, row| {
        let bias = &biases[expert_of(place) * width..][..width];
        for (x, b) in row.iter_mut().zip(bias) {
            *x += b;
        }
    });
}
