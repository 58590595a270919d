//! The heap's limit. QuickJS's own limit throws an error that a script could catch; this allocator
//! also remembers that it had to refuse, so the run ends as `limit` whatever the script does.

use rquickjs::allocator::{Allocator, RustAllocator};
use std::cell::Cell;
use std::rc::Rc;

/// Shared between the allocator and the runtime.
#[derive(Debug, Default)]
pub(super) struct Heap {
    pub(super) used: Cell<usize>,
    pub(super) limit: Cell<usize>,
    pub(super) refused: Cell<bool>,
}

/// What may still be allocated at once after a refusal, in bytes: enough to unwind.
const LAST_CRUMBS: usize = 4 << 10;

pub(super) struct Limited {
    inner: RustAllocator,
    heap: Rc<Heap>,
}

impl Limited {
    pub(super) fn new(heap: Rc<Heap>) -> Self {
        Self {
            inner: RustAllocator,
            heap,
        }
    }

    fn room(&self, more: usize) -> bool {
        // A run that was refused once is over; what is left for it is to end, not to fill up again.
        let fits = self.heap.used.get().saturating_add(more) <= self.heap.limit.get()
            && (more <= LAST_CRUMBS || !self.heap.refused.get());
        if !fits {
            self.heap.refused.set(true);
        }
        fits
    }

    fn add(&self, pointer: *mut u8) {
        if !pointer.is_null() {
            // SAFETY: the pointer was just returned by the inner allocator.
            #[allow(unsafe_code)]
            let size = unsafe { RustAllocator::usable_size(pointer) };
            self.heap.used.set(self.heap.used.get() + size);
        }
    }

    fn remove(&self, pointer: *mut u8) {
        if !pointer.is_null() {
            // SAFETY: callers hand in live pointers of this allocator.
            #[allow(unsafe_code)]
            let size = unsafe { RustAllocator::usable_size(pointer) };
            self.heap
                .used
                .set(self.heap.used.get().saturating_sub(size));
        }
    }
}

// SAFETY: every pointer comes from and goes to the inner allocator unchanged; a refusal is null.
#[allow(unsafe_code)]
unsafe impl Allocator for Limited {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        if !self.room(size) {
            return std::ptr::null_mut();
        }
        let pointer = self.inner.alloc(size);
        self.add(pointer);
        pointer
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        match count.checked_mul(size) {
            Some(total) if self.room(total) => {}
            _ => {
                self.heap.refused.set(true);
                return std::ptr::null_mut();
            }
        }
        let pointer = self.inner.calloc(count, size);
        self.add(pointer);
        pointer
    }

    unsafe fn dealloc(&mut self, pointer: *mut u8) {
        self.remove(pointer);
        // SAFETY: as for the caller.
        unsafe { self.inner.dealloc(pointer) }
    }

    unsafe fn realloc(&mut self, pointer: *mut u8, new_size: usize) -> *mut u8 {
        // SAFETY: a live pointer of this allocator, or null.
        let old = if pointer.is_null() {
            0
        } else {
            unsafe { RustAllocator::usable_size(pointer) }
        };
        if new_size > old && !self.room(new_size - old) {
            return std::ptr::null_mut();
        }
        // SAFETY: as for the caller.
        let moved = unsafe { self.inner.realloc(pointer, new_size) };
        if !moved.is_null() {
            self.heap.used.set(self.heap.used.get().saturating_sub(old));
            self.add(moved);
        }
        moved
    }

    unsafe fn usable_size(pointer: *mut u8) -> usize {
        // SAFETY: as for the caller.
        unsafe { RustAllocator::usable_size(pointer) }
    }
}
