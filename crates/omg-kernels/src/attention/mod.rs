//! Attention over a paged cache of keys and values.

mod kernel;
mod paged_kv;
mod shape;

use std::cell::RefCell;
use std::ops::Range;

pub use paged_kv::PagedKv;
pub use shape::{AttentionShape, BLOCK_TOKENS, Mask, Seq};

use crate::pool::Pool;
use crate::shared::SharedMut;
use kernel::{MAX_QUERIES, Part, Query, Span};

/// Keys in one part of the online softmax. Parts are cut at multiples of this position and combined in order, so that
/// they can be computed side by side and still give the same bits.
const PART_TOKENS: usize = 1024;

/// `out` [n, heads, v_dim] = attention of `q` [n, heads, k_dim] over the cache. The result for a row depends on its own
/// sequence alone: not on the batch, on how a prompt is cut into steps, or on the number of threads.
pub fn attention(
    pool: &Pool,
    shape: &AttentionShape,
    q: &[f32],
    kv: &PagedKv,
    seqs: &[Seq<'_>],
    out: &mut [f32],
) {
    let AttentionShape {
        heads,
        kv_heads,
        k_dim,
        v_dim,
        ..
    } = *shape;
    assert!(
        kv_heads > 0 && heads.is_multiple_of(kv_heads),
        "{heads} heads over {kv_heads}"
    );
    assert_eq!(
        (kv.kv_heads(), kv.k_dim(), kv.v_dim()),
        (kv_heads, k_dim, v_dim),
        "cache of another shape"
    );
    for extra in [&shape.sinks, &shape.slopes] {
        assert!(extra.as_ref().is_none_or(|extra| extra.len() == heads));
    }
    let n = q.len().checked_div(heads * k_dim).unwrap_or(0);
    assert!(q.len() == n * heads * k_dim && out.len() == n * heads * v_dim);
    let group = heads / kv_heads;
    let mut items = Vec::new();
    for (seq, view) in seqs.iter().enumerate() {
        assert!(
            view.rows.start <= view.rows.end && view.rows.end <= n,
            "rows outside the batch"
        );
        let len = view.first_position + view.rows.len();
        assert!(
            view.block_table.len() * BLOCK_TOKENS >= len,
            "block table too short for {len} tokens"
        );
        assert!(
            view.block_table
                .iter()
                .all(|&block| (block as usize) < kv.blocks())
        );
        let queries = view.rows.len() * group;
        // Late queries have the most keys: begin with them, so that no long piece of work is left for the end.
        for first in (0..queries).step_by(MAX_QUERIES).rev() {
            let count = MAX_QUERIES.min(queries - first);
            items.extend((0..kv_heads).map(|kv_head| Item {
                seq,
                kv_head,
                first,
                count,
            }));
        }
    }
    let out = SharedMut::new(out);
    let call = Call {
        pool,
        shape,
        q,
        kv,
        seqs,
        out,
    };
    if items.len() < 2 * pool.threads() && pool.threads() > 1 {
        call.split(&items);
    } else {
        pool.for_each(items.len(), &|i| call.whole(&items[i]));
    }
}

/// Some queries of one sequence that share a key head. Query j is row j / group, head j % group.
struct Item {
    seq: usize,
    kv_head: usize,
    first: usize,
    count: usize,
}

struct Call<'a> {
    pool: &'a Pool,
    shape: &'a AttentionShape,
    q: &'a [f32],
    kv: &'a PagedKv,
    seqs: &'a [Seq<'a>],
    out: SharedMut<'a, f32>,
}

thread_local! {
    static TOTAL: RefCell<(Part, Part)> = const { RefCell::new((Part::new(), Part::new())) };
}

impl Call<'_> {
    fn whole(&self, item: &Item) {
        let queries = self.queries(item);
        TOTAL.with_borrow_mut(|(total, part)| {
            self.start(&queries, total);
            for at in parts(&queries) {
                self.part(item, &queries, at, part);
                total.merge(part);
            }
            self.finish(&queries, total);
        });
    }

    /// Few queries over many keys: parts are computed side by side.
    fn split(&self, items: &[Item]) {
        let queries: Vec<_> = items.iter().map(|item| self.queries(item)).collect();
        let work: Vec<_> = queries
            .iter()
            .enumerate()
            .flat_map(|(i, q)| parts(q).map(move |at| (i, at)))
            .collect();
        if work.len() == items.len() {
            self.pool.for_each(items.len(), &|i| self.whole(&items[i]));
            return;
        }
        let mut results: Vec<_> = work.iter().map(|_| Part::new()).collect();
        let shared = SharedMut::new(&mut results);
        self.pool.for_each(work.len(), &|w| {
            let (i, at) = work[w];
            // SAFETY: each piece of work has a result of its own.
            let result = unsafe { &mut shared.slice(w, 1)[0] };
            self.part(&items[i], &queries[i], at, result);
        });
        let mut results = results.iter();
        let mut total = Part::new();
        for queries in &queries {
            self.start(queries, &mut total);
            for (_, part) in parts(queries).zip(&mut results) {
                total.merge(part);
            }
            self.finish(queries, &total);
        }
    }

    fn queries(&self, item: &Item) -> Vec<Query> {
        let (shape, view) = (self.shape, &self.seqs[item.seq]);
        let group = shape.heads / shape.kv_heads;
        let len = view.first_position + view.rows.len();
        let query = |j: usize| {
            let (token, head) = (j / group, item.kv_head * group + j % group);
            let position = view.first_position + token;
            let at = (view.rows.start + token) * shape.heads + head;
            Query {
                at,
                head,
                position,
                visible: shape.mask.visible(position, len),
            }
        };
        (item.first..item.first + item.count).map(query).collect()
    }

    fn start(&self, queries: &[Query], total: &mut Part) {
        total.reset(queries.len(), self.kv.v_stride());
        if let Some(sinks) = &self.shape.sinks {
            for (i, query) in queries.iter().enumerate() {
                total.add_sink(i, sinks[query.head]);
            }
        }
    }

    fn part(&self, item: &Item, queries: &[Query], at: usize, part: &mut Part) {
        part.reset(queries.len(), self.kv.v_stride());
        let view = &self.seqs[item.seq];
        self.pool.isa().run(Span {
            shape: self.shape,
            q: self.q,
            kv: self.kv,
            kv_head: item.kv_head,
            block_table: view.block_table,
            len: view.first_position + view.rows.len(),
            keys: at * PART_TOKENS..(at + 1) * PART_TOKENS,
            queries,
            part,
        });
    }

    fn finish(&self, queries: &[Query], total: &Part) {
        for (i, query) in queries.iter().enumerate() {
            // SAFETY: each query is part of one item.
            let out = unsafe {
                self.out
                    .slice(query.at * self.shape.v_dim, self.shape.v_dim)
            };
            total.write(i, out);
        }
    }
}

/// The parts that hold keys any of the queries sees.
fn parts(queries: &[Query]) -> Range<usize> {
    let start = queries.iter().map(|q| q.visible.start).min().unwrap_or(0);
    let end = queries.iter().map(|q| q.visible.end).max().unwrap_or(0);
    start / PART_TOKENS..end.div_ceil(PART_TOKENS)
}
