/// A table of positions, of which the first token has row `first`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LearnedPositions {
    pub rows: usize,
    pub first: usize,
}
