use std::ops::Range;

/// Which rows of a stored matrix make another one, in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowOrder {
    /// Rows that follow each other.
    block: usize,
    /// From the beginning of a block to that of the next.
    stride: usize,
    first: usize,
    blocks: usize,
    total: usize,
}

impl RowOrder {
    pub(crate) fn all(rows: usize) -> Self {
        Self::run(0, rows, rows)
    }

    /// `rows` of `total` from `start` on: one of several matrices that are stored as one.
    pub(crate) fn run(start: usize, rows: usize, total: usize) -> Self {
        Self {
            block: rows,
            stride: rows,
            first: start,
            blocks: 1,
            total,
        }
    }

    /// Part `index` of each group of `parts` blocks of `block` rows, in `groups` groups: matrices that were interleaved.
    pub(crate) fn every(block: usize, parts: usize, index: usize, groups: usize) -> Self {
        Self {
            block,
            stride: block * parts,
            first: index * block,
            blocks: groups,
            total: block * parts * groups,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.block * self.blocks
    }

    /// Of the stored matrix.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// All of these rows out of `stored`, in which a row is `width` elements.
    pub(crate) fn pick<T: Copy>(self, stored: &[T], width: usize) -> Vec<T> {
        let runs = self.stored(0..self.rows());
        runs.flat_map(|run| &stored[run.start * width..run.end * width])
            .copied()
            .collect()
    }

    /// The stored rows of some of these rows, as runs.
    pub(crate) fn stored(self, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let mut next = rows.start;
        std::iter::from_fn(move || {
            if next >= rows.end {
                return None;
            }
            let (group, inside) = (next / self.block, next % self.block);
            let count = (self.block - inside).min(rows.end - next);
            let start = self.first + group * self.stride + inside;
            next += count;
            Some(start..start + count)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_runs() {
        let runs = |order: RowOrder, rows| -> Vec<(usize, usize)> {
            order.stored(rows).map(|run| (run.start, run.end)).collect()
        };
        assert_eq!(runs(RowOrder::all(8), 2..7), [(2, 7)]);
        assert_eq!(runs(RowOrder::run(4, 3, 9), 0..3), [(4, 7)]);
        let gates = RowOrder::every(2, 2, 1, 3);
        assert_eq!((gates.rows(), gates.total()), (6, 12));
        assert_eq!(runs(gates, 0..6), [(2, 4), (6, 8), (10, 12)]);
        assert_eq!(runs(gates, 1..4), [(3, 4), (6, 8)]);
    }
}
