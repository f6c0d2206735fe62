use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use crate::error::{Error, Result};

const CACHE_LINE: usize = 64;
const HUGE_PAGE: usize = 2 << 20;

/// Zeroed bytes on a cache-line boundary; large ones on a huge-page boundary, because weights are streamed and a
/// hardware prefetcher stops at the end of every page.
pub(crate) struct AlignedBytes {
    start: NonNull<u8>,
    len: usize,
    /// What was allocated: `start` is the first boundary in it.
    base: NonNull<u8>,
    layout: Layout,
}

/// The largest alignment for which zeroed memory comes straight from the system, untouched. For a larger one the allocator
/// writes the zeros itself, and a cache that nobody has filled yet would take all of its memory at once.
const UNTOUCHED_ALIGN: usize = 16;

// SAFETY: the buffer is owned and has no interior mutability; `&` gives shared reads only.
unsafe impl Send for AlignedBytes {}
// SAFETY: as above.
unsafe impl Sync for AlignedBytes {}

impl AlignedBytes {
    pub(crate) fn zeroed(len: usize) -> Result<Self> {
        let align = if len >= HUGE_PAGE {
            HUGE_PAGE
        } else {
            CACHE_LINE
        };
        let layout = len
            .checked_add(align)
            .and_then(|size| Layout::from_size_align(size, UNTOUCHED_ALIGN).ok())
            .ok_or(Error::OutOfMemory { bytes: len })?;
        // SAFETY: the size of the layout is at least `align`.
        let base = unsafe { alloc_zeroed(layout) };
        let base = NonNull::new(base).ok_or(Error::OutOfMemory { bytes: len })?;
        // SAFETY: the next boundary is less than `align` bytes away, and the allocation is `align` longer than `len`.
        let start = unsafe { base.add(base.align_offset(align)) };
        #[cfg(target_os = "linux")]
        if align == HUGE_PAGE {
            // SAFETY: the range is the allocation just made; the advice changes no contents, and a refusal costs only speed.
            unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_HUGEPAGE) };
        }
        Ok(Self {
            start,
            len,
            base,
            layout,
        })
    }
}

impl Drop for AlignedBytes {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeroed` with this layout.
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}

impl Deref for AlignedBytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: `len` bytes were allocated and zeroed.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}
