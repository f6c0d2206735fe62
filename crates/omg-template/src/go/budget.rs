//! The work that a render may do. What is written costs as well, so the output is bounded with it.

use super::Fault;

/// Steps. A long conversation with many tools takes some ten thousand.
const FUEL: u64 = 20_000_000;
/// Bytes of text for one step.
const BYTES: usize = 8;
/// More text than any context window holds.
pub(super) const LONGEST_TEXT: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { left: FUEL }
    }

    pub(super) fn step(&mut self) -> Result<(), Fault> {
        self.steps(1)
    }

    pub(super) fn steps(&mut self, steps: usize) -> Result<(), Fault> {
        let left = self.left.checked_sub(steps as u64);
        self.left = left.ok_or(Fault::TooMuchWork)?;
        Ok(())
    }

    /// For `bytes` of text about to be made.
    pub(super) fn text(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes > LONGEST_TEXT {
            return Err(Fault::TooMuchWork);
        }
        self.steps(1 + bytes / BYTES)
    }
}
