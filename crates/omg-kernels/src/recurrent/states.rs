use crate::aligned::AlignedBytes;
use crate::attention::Seq;
use crate::error::{Error, Result};
use crate::shared::SharedMut;

const FLOAT_BYTES: usize = size_of::<f32>();

/// What one mixer keeps of each sequence: `slots` states of `width` f32, all zero at first.
pub struct States {
    values: AlignedBytes,
    slots: usize,
    width: usize,
}

impl States {
    /// `Err(OutOfMemory)` when the memory cannot be had. It is not touched before a state is used.
    pub fn new(slots: usize, width: usize) -> Result<Self> {
        let bytes = slots
            .checked_mul(width)
            .and_then(|floats| floats.checked_mul(FLOAT_BYTES))
            .ok_or(Error::OutOfMemory { bytes: usize::MAX })?;
        Ok(Self {
            values: AlignedBytes::zeroed(bytes)?,
            slots,
            width,
        })
    }

    pub fn slots(&self) -> usize {
        self.slots
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn slot(&self, slot: usize) -> &[f32] {
        &self.floats()[slot * self.width..][..self.width]
    }

    /// The state in `to` becomes that in `from`.
    pub fn copy(&mut self, from: usize, to: usize) {
        assert!(from.max(to) < self.slots, "a slot outside the states");
        let width = self.width;
        self.floats_mut()
            .copy_within(from * width..(from + 1) * width, to * width);
    }

    /// The state of a sequence that has no tokens yet.
    pub fn clear(&mut self, slot: usize) {
        let width = self.width;
        self.floats_mut()[slot * width..][..width].fill(0.0);
    }

    /// Clears the states of the sequences that begin in this step.
    pub fn begin(&mut self, seqs: &[Seq<'_>]) {
        for seq in seqs.iter().filter(|seq| seq.first_position == 0) {
            self.clear(slot_of(seq));
        }
    }

    pub(super) fn shared(&mut self) -> SharedMut<'_, f32> {
        SharedMut::new(self.floats_mut())
    }

    fn floats(&self) -> &[f32] {
        // SAFETY: whole floats were allocated on a cache-line boundary, and any bits are a float.
        unsafe {
            std::slice::from_raw_parts(self.values.as_ptr().cast(), self.values.len() / FLOAT_BYTES)
        }
    }

    fn floats_mut(&mut self) -> &mut [f32] {
        let len = self.values.len() / FLOAT_BYTES;
        // SAFETY: as in `floats`, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.values.as_mut_ptr().cast(), len) }
    }
}

/// The slot of a sequence in a model that keeps states.
pub(super) fn slot_of(seq: &Seq<'_>) -> usize {
    seq.state
        .map(|slot| slot as usize)
        .unwrap_or_else(|| panic!("a sequence without a state in a model that keeps states"))
}

/// No two workers may write the same state.
pub(super) fn assert_apart(seqs: &[Seq<'_>], slots: usize, rows: usize) {
    for (index, seq) in seqs.iter().enumerate() {
        let slot = slot_of(seq);
        assert!(slot < slots, "a slot outside the states");
        assert!(
            seqs[..index].iter().all(|other| slot_of(other) != slot),
            "two sequences with one state"
        );
        assert!(
            seq.rows.start <= seq.rows.end && seq.rows.end <= rows,
            "rows outside the batch"
        );
        assert!(
            seqs[..index].iter().all(|other| {
                other.rows.end <= seq.rows.start || seq.rows.end <= other.rows.start
            }),
            "two sequences with the same rows"
        );
    }
}
