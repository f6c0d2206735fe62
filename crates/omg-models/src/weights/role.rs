/// What a tensor is for, whatever a file calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Embedding,
    FinalNorm,
    Head,
    MixerNorm,
    AfterMixerNorm,
    FeedForwardNorm,
    AfterFeedForwardNorm,
    /// A factor of the residual stream at the end of a layer.
    OutputScale,
    Query,
    Key,
    Value,
    /// Rows of query, key and value in one matrix.
    QueryKeyValue,
    AttentionOutput,
    QueryNorm,
    KeyNorm,
    ValueNorm,
    /// Multiplied into what attention gives.
    AttentionGate,
    /// A score per head that has no value.
    Sinks,
    Gate,
    Up,
    /// Rows of gate and up in one matrix.
    GateUp,
    Down,
    /// The router of a mixture of experts, and the bias that only chooses.
    Router,
    RouterCorrection,
    ExpertGate,
    ExpertUp,
    ExpertDown,
    /// Outputs of gate and up of all experts in one tensor.
    ExpertGateUp,
    /// The down projections of all experts where others have a tensor each.
    ExpertDownFused,
    SharedGate,
    SharedUp,
    SharedGateUp,
    SharedDown,
    /// What weighs the shared expert's result.
    SharedExpertGate,
    /// Of what layers are given of each token: the table, the projection of the embedding and its norm.
    PerLayerEmbedding,
    PerLayerModelProjection,
    PerLayerModelNorm,
    /// What a layer does with it.
    PerLayerGate,
    PerLayerProjection,
    PerLayerNorm,
    /// Of mixers with a state: what goes through the convolution, which comes with other projections where they are one matrix.
    StateInput,
    StateGate,
    /// Raw gates of each head: how strongly it writes, how it decays, and both in one matrix.
    StateStrength,
    StateDecay,
    StateConvolution,
    StateStepBias,
    StateRate,
    StateSkip,
    StateNorm,
    StateOutput,
    /// Learned positions.
    Positions,
    /// Of encoders: token types, the norm of the sum of all tables.
    TokenTypes,
    EmbeddingNorm,
    /// Of encoders: from the first token to what a classifier reads, inside or outside the encoder.
    Pooler,
    ClassifierDense,
    ClassifierOutput,
}
