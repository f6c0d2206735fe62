use std::ops::ControlFlow;

/// How far a text is read. It is looked at between words, so that neither a text that fits no window nor one that nobody
/// waits for any more is read to its end.
pub struct Reach<'a> {
    /// Reading ends when there are more tokens than this.
    pub most_tokens: usize,
    /// The reader has left.
    pub stopped: &'a dyn Fn() -> bool,
}

impl Reach<'_> {
    /// To the end, whatever that takes.
    pub const ALL: Self = Reach {
        most_tokens: usize::MAX,
        stopped: &|| false,
    };

    pub(super) fn check(&self, tokens: usize) -> ControlFlow<()> {
        match tokens > self.most_tokens || (self.stopped)() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
