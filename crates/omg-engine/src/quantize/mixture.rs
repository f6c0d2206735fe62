use omg_format::DType;

/// What a model is quantised to: one type for all matrices, or one of llama.cpp's mixtures, which spend more bits where they
/// matter most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mixture {
    pub(super) name: &'static str,
    /// `general.file_type`.
    pub(super) file_type: u32,
    pub(super) base: DType,
    grade: Grade,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    Plain,
    Small,
    Medium,
    Large,
}

const fn mixture(name: &'static str, file_type: u32, base: DType, grade: Grade) -> Mixture {
    Mixture {
        name,
        file_type,
        base,
        grade,
    }
}

pub(super) const MIXTURES: [Mixture; 16] = [
    mixture("F32", 0, DType::F32, Grade::Plain),
    mixture("F16", 1, DType::F16, Grade::Plain),
    mixture("BF16", 32, DType::BF16, Grade::Plain),
    mixture("Q4_0", 2, DType::Q4_0, Grade::Plain),
    mixture("Q4_1", 3, DType::Q4_1, Grade::Plain),
    mixture("Q5_0", 8, DType::Q5_0, Grade::Plain),
    mixture("Q5_1", 9, DType::Q5_1, Grade::Plain),
    mixture("Q8_0", 7, DType::Q8_0, Grade::Plain),
    mixture("Q3_K_S", 11, DType::Q3_K, Grade::Small),
    mixture("Q3_K_M", 12, DType::Q3_K, Grade::Medium),
    mixture("Q3_K_L", 13, DType::Q3_K, Grade::Large),
    mixture("Q4_K_S", 14, DType::Q4_K, Grade::Small),
    mixture("Q4_K_M", 15, DType::Q4_K, Grade::Medium),
    mixture("Q5_K_S", 16, DType::Q5_K, Grade::Small),
    mixture("Q5_K_M", 17, DType::Q5_K, Grade::Medium),
    mixture("Q6_K", 18, DType::Q6_K, Grade::Plain),
];

/// What the choice for a tensor goes by.
pub(super) struct Surroundings {
    pub(super) layers: usize,
    pub(super) experts: usize,
    /// The architecture is `llama`.
    pub(super) llama: bool,
    /// The output matrix is the token embedding.
    pub(super) tied: bool,
}

impl Mixture {
    /// By its name in any case; `Q4_K` and the like mean the medium grade.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        let wanted = name.trim().to_ascii_uppercase();
        let find = |name: &str| MIXTURES.into_iter().find(|mixture| mixture.name == name);
        find(&wanted).or_else(|| find(&format!("{wanted}_M")))
    }

    /// The type of one tensor; `None`: it stays as it is.
    pub(super) fn type_of(
        &self,
        name: &str,
        shape: &[usize],
        around: &Surroundings,
    ) -> Option<DType> {
        if shape.len() < 2 || !is_matrix(name) {
            return None;
        }
        let wanted = self.wanted(name, around);
        Some(fitting(wanted, shape.last().copied().unwrap_or(1)))
    }

    fn wanted(&self, name: &str, around: &Surroundings) -> DType {
        if is_plain(self.base) {
            return self.base;
        }
        let is_output = name == "output.weight" || (around.tied && name == "token_embd.weight");
        if is_output {
            return if self.base == DType::Q8_0 {
                DType::Q8_0
            } else {
                DType::Q6_K
            };
        }
        let layer = layer_of(name).unwrap_or(0);
        if is_value(name) || name.ends_with("attn_k.weight") && around.experts == 8 {
            return self.value(name, layer, around);
        }
        if name.contains("ffn_down") {
            return self.down(layer, around.layers);
        }
        if name.ends_with("attn_output.weight") && around.experts != 8 {
            return match (self.base, self.grade) {
                (DType::Q3_K, Grade::Medium) => DType::Q4_K,
                (DType::Q3_K, Grade::Large) => DType::Q5_K,
                _ => self.base,
            };
        }
        self.base
    }

    fn value(&self, name: &str, layer: usize, around: &Surroundings) -> DType {
        // Eight experts share these, so that more bits cost next to nothing.
        if around.experts == 8 && self.grade != Grade::Plain {
            return DType::Q8_0;
        }
        if !is_value(name) {
            return self.base;
        }
        let more = needs_more_bits(layer, around.layers);
        let chosen = match (self.base, self.grade) {
            (DType::Q3_K, Grade::Medium) if layer < 2 => DType::Q5_K,
            (DType::Q3_K, Grade::Medium) => DType::Q4_K,
            (DType::Q3_K, Grade::Large) => DType::Q5_K,
            (DType::Q4_K | DType::Q5_K, Grade::Medium) if more => DType::Q6_K,
            (DType::Q4_K, Grade::Small) if layer < 4 => DType::Q5_K,
            _ => self.base,
        };
        // Eight queries share a value in Llama's 70B, so that more bits cost little.
        match chosen {
            DType::Q3_K | DType::Q4_K if around.layers == 80 && around.llama => DType::Q5_K,
            _ => chosen,
        }
    }

    fn down(&self, layer: usize, layers: usize) -> DType {
        let more = needs_more_bits(layer, layers);
        match (self.base, self.grade) {
            (DType::Q3_K, Grade::Medium) if layer < layers / 16 => DType::Q5_K,
            (DType::Q3_K, Grade::Medium) => DType::Q4_K,
            (DType::Q3_K, Grade::Large) => DType::Q5_K,
            (DType::Q4_K | DType::Q5_K, Grade::Medium) if more => DType::Q6_K,
            (DType::Q4_K, Grade::Small) if layer < layers / 8 => DType::Q5_K,
            _ => self.base,
        }
    }
}

/// Alone or in one matrix with others.
fn is_value(name: &str) -> bool {
    ["attn_v.weight", "attn_qkv.weight", "attn_kv_b.weight"]
        .iter()
        .any(|value| name.ends_with(value))
}

pub(super) fn is_plain(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::F16 | DType::BF16)
}

/// Norms, biases, routers and the small tensors of state-space layers lose more by fewer bits than they save.
fn is_matrix(name: &str) -> bool {
    const KEPT: [&str; 6] = [
        "ffn_gate_inp.weight",
        "ffn_gate_inp_shexp.weight",
        "position_embd.weight",
        "token_types.weight",
        "ssm_conv1d.weight",
        "shortconv.conv.weight",
    ];
    name.ends_with("weight")
        && !name.ends_with("_norm.weight")
        && !KEPT.iter().any(|kept| name.ends_with(kept))
}

/// The first and last eighth of the layers, and every third between them.
fn needs_more_bits(layer: usize, layers: usize) -> bool {
    let eighth = layers / 8;
    layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2
}

fn layer_of(name: &str) -> Option<usize> {
    name.strip_prefix("blk.")?.split('.').next()?.parse().ok()
}

/// Rows that are not whole blocks of a K type take the type of smaller blocks that is nearest, or halves.
fn fitting(wanted: DType, cols: usize) -> DType {
    if cols.is_multiple_of(wanted.block_elems()) {
        return wanted;
    }
    let smaller = match wanted {
        DType::Q3_K => DType::Q4_0,
        DType::Q4_K => DType::Q5_0,
        DType::Q5_K => DType::Q5_1,
        _ => DType::Q8_0,
    };
    if cols.is_multiple_of(smaller.block_elems()) {
        smaller
    } else {
        DType::F16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(mixture: &str, names: &[&str]) -> Vec<Option<DType>> {
        let around = Surroundings {
            layers: 16,
            experts: 0,
            llama: true,
            tied: false,
        };
        of_model(mixture, names, &around)
    }

    fn of_model(mixture: &str, names: &[&str], around: &Surroundings) -> Vec<Option<DType>> {
        let mixture = Mixture::by_name(mixture).unwrap();
        names
            .iter()
            .map(|name| mixture.type_of(name, &[512, 512], around))
            .collect()
    }

    #[test]
    fn q4_k_m_is_the_mixture_of_llama_cpp() {
        use DType::{Q4_K, Q6_K};
        let names = [
            "blk.0.attn_v.weight",
            "blk.2.attn_v.weight",
            "blk.4.attn_v.weight",
            "blk.15.ffn_down.weight",
            "blk.3.ffn_down.weight",
            "blk.0.attn_q.weight",
            "token_embd.weight",
            "output.weight",
        ];
        let expected = [Q6_K, Q4_K, Q6_K, Q6_K, Q4_K, Q4_K, Q4_K, Q6_K];
        assert_eq!(types("q4_k_m", &names), expected.map(Some));
        assert_eq!(types("Q4_K", &names), expected.map(Some));
    }

    #[test]
    fn q3_k_m_has_four_bits_behind_the_first_sixteenth() {
        use DType::{Q4_K, Q5_K};
        let names = ["blk.0", "blk.1", "blk.5", "blk.15"].map(|b| format!("{b}.ffn_down.weight"));
        let names = names.each_ref().map(String::as_str);
        let expected = [Q5_K, Q4_K, Q4_K, Q4_K];
        assert_eq!(types("Q3_K_M", &names), expected.map(Some));
    }

    #[test]
    fn a_fused_value_counts_as_a_value_and_the_largest_llama_has_more_of_it() {
        use DType::{Q4_K, Q5_K, Q6_K};
        let names = ["blk.0.attn_qkv.weight", "blk.3.attn_qkv.weight"];
        assert_eq!(types("Q4_K_M", &names), [Q6_K, Q4_K].map(Some));
        let mut around = Surroundings {
            layers: 80,
            experts: 0,
            llama: true,
            tied: false,
        };
        let names = ["blk.0.attn_v.weight", "blk.11.attn_v.weight"];
        let expected = [Q6_K, Q5_K].map(Some);
        assert_eq!(of_model("Q4_K_M", &names, &around), expected);
        around.llama = false;
        let expected = [Q6_K, Q4_K].map(Some);
        assert_eq!(of_model("Q4_K_M", &names, &around), expected);
    }

    #[test]
    fn norms_and_routers_stay() {
        let names = [
            "blk.0.attn_norm.weight",
            "blk.0.ffn_gate_inp.weight",
            "blk.0.attn_q.bias",
        ];
        assert_eq!(types("Q8_0", &names), [None; 3]);
    }

    #[test]
    fn rows_that_are_no_whole_blocks_take_smaller_ones() {
        assert_eq!(fitting(DType::Q3_K, 96), DType::Q4_0);
        assert_eq!(fitting(DType::Q4_K, 96), DType::Q5_0);
        assert_eq!(fitting(DType::Q6_K, 288), DType::Q8_0);
        assert_eq!(fitting(DType::Q4_0, 33), DType::F16);
    }
}
