use omg_kernels::Activation;

/// A mixture of experts: each token goes through a few of many feed-forward networks, chosen by a router.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpertsSpec {
    pub count: usize,
    /// How many a token goes through.
    pub used: usize,
    /// Of each expert.
    pub width: usize,
    pub activation: Activation,
    /// `down(activation(gate(x)) · up(x))`; otherwise `down(activation(up(x)))`.
    pub gated: bool,
    pub router: RouterSpec,
    pub shared: Option<SharedSpec>,
    pub layout: ExpertLayout,
}

/// From a token to the experts it goes through and their weights.
#[derive(Debug, Clone, PartialEq)]
pub struct RouterSpec {
    pub score: Score,
    /// The router's matrix has a bias.
    pub bias: bool,
    /// The file has a bias that is added to the scores for choosing only.
    pub correction: bool,
    pub groups: Option<Groups>,
    /// The weights of the chosen experts are divided by their sum.
    pub renormalise: bool,
    /// The weights are multiplied by this.
    pub scale: f32,
    /// A weight multiplies what goes into its expert and not what comes out (Llama 4).
    pub weight_on_input: bool,
}

/// How the router's outputs become scores, by which experts are chosen and weighted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Score {
    Softmax,
    Sigmoid,
    /// The softmax runs over the outputs of the chosen experts.
    SoftmaxOfChosen,
    /// √(ln(1 + eˣ))
    SqrtSoftplus,
    /// One expert after the other: the largest output, weighted by the softmax over those outputs that are within a
    /// relative distance of `2 · jitter` (Phi-3.5-MoE; arXiv 2409.12136).
    SparseMixer {
        jitter: f32,
    },
}

/// Experts lie in groups of equal size, and only those of the best groups are chosen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Groups {
    pub count: usize,
    pub used: usize,
    pub by: GroupScore,
}

/// What a group of experts is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupScore {
    /// Its largest score (DeepSeek V2).
    Max,
    /// The sum of its two largest scores (DeepSeek V3).
    TopTwo,
}

/// A gated feed-forward network that every token goes through beside its experts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedSpec {
    pub width: usize,
    /// Its result is multiplied by the sigmoid of a gate.
    pub gate: bool,
}

/// How a tensor with all experts is stored in a safetensors file. GGUF files and those with a tensor per expert are plain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpertLayout {
    /// `[experts, inputs, outputs]`
    pub transposed: bool,
    /// Outputs of gate and up alternate; otherwise those of the gate come first.
    pub interleaved: bool,
}

impl ExpertsSpec {
    /// Elements per token that it computes with.
    pub fn scratch_width(&self, hidden: usize) -> usize {
        // Of each route: what goes in and what comes out, gate, up, and their product; the kernels' copies of two of them.
        let route = 2 * hidden + 3 * self.width + (hidden + self.width) / 2;
        self.used * route + self.shared.map_or(0, |shared| 3 * shared.width)
    }
}
