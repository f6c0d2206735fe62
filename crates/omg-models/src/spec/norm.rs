/// A normalisation over the last dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormSpec {
    pub kind: NormKind,
    pub eps: f32,
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
