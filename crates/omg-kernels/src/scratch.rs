//! Buffers that a thread keeps between kernels.
//!
//! They are taken out and put back rather than borrowed in a closure: a closure would be compiled without the
//! instructions that the kernel around it enables.

use std::cell::Cell;
use std::thread::LocalKey;

pub(crate) type Slot<T> = LocalKey<Cell<Option<Box<T>>>>;

pub(crate) fn take<T>(slot: &'static Slot<T>, make: fn() -> Box<T>) -> Box<T> {
    slot.take().unwrap_or_else(make)
}

pub(crate) fn put_back<T>(slot: &'static Slot<T>, value: Box<T>) {
    slot.set(Some(value));
}
