/// A normalisation over the last dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormSpec {
    pub kind: NormKind,
    pub eps: f32,
    /// The file has a weight; otherwise it is one everywhere.
    pub weight: bool,
    /// The file has a bias.
    pub bias: bool,
    /// The file stores `weight − 1`; one is added while loading. GGUF files have it folded in already.
    pub plus_one: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// `x / √(mean(x²) + eps) · weight`
    Rms,
    /// `(x − mean) / √(var + eps) · weight + bias`
    Layer,
}

impl NormSpec {
    /// The same without a weight or a bias.
    pub fn weightless(self) -> Self {
        Self {
            weight: false,
            bias: false,
            plus_one: false,
            ..self
        }
    }
}
