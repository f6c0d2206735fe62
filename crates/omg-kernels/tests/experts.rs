//! Experts together against each expert and each row on its own.

mod weights;

use omg_format::DType;
use omg_kernels::{
    Activation, Error, ExpertMatrix, Experts, Isa, Matrix, Pool, Routes, activate, experts, gated,
};
use weights::{Random, random_weights};

const EXPERTS: usize = 5;

/// One projection: all experts together, and one by one.
struct Projection {
    together: ExpertMatrix,
    single: Vec<Matrix>,
    bias: Vec<f32>,
}

impl Projection {
    fn new(dtype: DType, rows: usize, cols: usize, seed: u64, pool: &Pool) -> Self {
        let mut builder = ExpertMatrix::builder(dtype, EXPERTS, rows, cols).unwrap();
        let mut single = Vec::new();
        for expert in 0..EXPERTS {
            let bytes = random_weights(dtype, rows, cols, seed + expert as u64);
            // In two portions, as from a file.
            let (first, second) = bytes.split_at(bytes.len() / rows * (rows / 3));
            builder.push_rows(first, pool).unwrap();
            builder.push_rows(second, pool).unwrap();
            single.push(Matrix::from_bytes(dtype, rows, cols, &bytes, pool).unwrap());
        }
        let mut random = Random::new(seed);
        Self {
            together: builder.finish().unwrap(),
            single,
            bias: (0..EXPERTS * rows).map(|_| random.float()).collect(),
        }
    }

    fn run(&self, expert: usize, biased: bool, x: &[f32], pool: &Pool) -> Vec<f32> {
        let matrix = &self.single[expert];
        let mut y = vec![0.0; matrix.rows()];
        matrix.matmul(pool, x, 1, &mut y);
        if biased {
            let bias = &self.bias[expert * matrix.rows()..];
            y.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
        }
        y
    }
}

struct Case {
    projections: [Projection; 3],
    biased: bool,
    weight_on_input: bool,
    gated: bool,
}

const ACTIVATION: Activation = Activation::ClampedSwiglu {
    alpha: 1.702,
    limit: 7.0,
};

impl Case {
    fn new(types: [DType; 3], hidden: usize, width: usize, pool: &Pool) -> Self {
        let projection = |at: usize, rows, cols| {
            Projection::new(types[at], rows, cols, 100 * at as u64 + 7, pool)
        };
        Self {
            projections: [
                projection(0, width, hidden),
                projection(1, width, hidden),
                projection(2, hidden, width),
            ],
            biased: false,
            weight_on_input: false,
            gated: true,
        }
    }

    fn layer(&self) -> Experts<'_> {
        let [gate, up, down] = &self.projections;
        Experts {
            gate: self.gated.then_some(&gate.together),
            up: &up.together,
            down: &down.together,
            gate_bias: self.biased.then_some(&gate.bias[..]),
            up_bias: self.biased.then_some(&up.bias[..]),
            down_bias: self.biased.then_some(&down.bias[..]),
            activation: ACTIVATION,
            weight_on_input: self.weight_on_input,
        }
    }

    fn row_by_row(&self, routes: &Routes, x: &[f32], pool: &Pool) -> Vec<f32> {
        let [gate, up, down] = &self.projections;
        let hidden = gate.together.cols();
        let mut all = Vec::new();
        for (row, x) in x.chunks_exact(hidden).enumerate() {
            let mut sum = vec![0.0; hidden];
            for route in row * routes.used..(row + 1) * routes.used {
                let (expert, weight) = (routes.experts[route] as usize, routes.weights[route]);
                let scaled: Vec<f32> = x.iter().map(|x| x * weight).collect();
                let x = if self.weight_on_input { &scaled } else { x };
                let g = gate.run(expert, self.biased, x, pool);
                let u = up.run(expert, self.biased, x, pool);
                let mut mixed = vec![0.0; g.len()];
                if self.gated {
                    gated(pool, ACTIVATION, &g, &u, &mut mixed);
                } else {
                    mixed.copy_from_slice(&u);
                    activate(pool, ACTIVATION, &mut mixed);
                }
                let out = down.run(expert, self.biased, &mixed, pool);
                let factor = if self.weight_on_input { 1.0 } else { weight };
                sum.iter_mut()
                    .zip(out)
                    .for_each(|(y, out)| *y += factor * out);
            }
            all.extend(sum);
        }
        all
    }
}

fn routes(rows: usize, used: usize, random: &mut Random) -> Routes {
    let mut routes = Routes {
        used,
        ..Routes::default()
    };
    for row in 0..rows {
        // Expert 3 is never chosen, and one expert gets many rows.
        let chosen = [0, 1 + row as u32 % 2, 4];
        routes.experts.extend_from_slice(&chosen[..used]);
        routes
            .weights
            .extend((0..used).map(|_| random.float().abs()));
    }
    routes
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

fn rows(count: usize, random: &mut Random) -> Vec<f32> {
    (0..count).map(|_| random.float()).collect()
}

#[test]
fn together_as_one_by_one() {
    use DType::{BF16, F32, MXFP4, Q4_K, Q6_K, Q8_0};
    let cases = [
        ([F32, F32, F32], 24, 40),
        ([BF16, BF16, BF16], 48, 20),
        ([Q8_0, Q8_0, Q8_0], 96, 64),
        ([Q4_K, Q4_K, Q6_K], 256, 512),
        ([MXFP4, MXFP4, MXFP4], 64, 96),
        ([F32, Q8_0, BF16], 32, 32),
    ];
    for isa in Isa::available() {
        let pool = Pool::with_isa(3, isa);
        let mut random = Random::new(11);
        for (types, hidden, width) in cases {
            let mut case = Case::new(types, hidden, width, &pool);
            for (biased, weight_on_input, gated) in [
                (false, false, true),
                (true, false, true),
                (true, true, true),
                (true, false, false),
            ] {
                (case.biased, case.weight_on_input, case.gated) = (biased, weight_on_input, gated);
                for n in [1, 2, 37] {
                    for used in [1, 3] {
                        let routes = routes(n, used, &mut random);
                        let x = rows(n * hidden, &mut random);
                        let mut y = vec![f32::NAN; x.len()];
                        experts(&pool, &case.layer(), &routes, &x, &mut y);
                        let expected = case.row_by_row(&routes, &x, &pool);
                        assert_eq!(bits(&y), bits(&expected), "{types:?} {n} {used} {biased}");
                    }
                }
            }
        }
    }
}

#[test]
fn rows_that_cross_an_expert_are_refused() {
    let pool = Pool::new(1);
    let mut builder = ExpertMatrix::builder(DType::F32, 2, 20, 4).unwrap();
    builder.push_rows(&[0; 19 * 16], &pool).unwrap();
    let error = builder.push_rows(&[0; 2 * 16], &pool).err().unwrap();
    assert!(
        matches!(
            error,
            Error::RowsOutside {
                start: 19,
                end: 21,
                rows: 20
            }
        ),
        "{error}"
    );
}

#[test]
fn missing_experts_are_noticed() {
    let pool = Pool::new(1);
    let mut builder = ExpertMatrix::builder(DType::F32, 2, 20, 4).unwrap();
    builder.push_rows(&[0; 20 * 16], &pool).unwrap();
    assert!(matches!(
        builder.finish().err().unwrap(),
        Error::RowsMissing { .. }
    ));
}
