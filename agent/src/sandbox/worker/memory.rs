//! The engine's memory: a limit that a script cannot catch, and a way back to the start.
//!
//! Making a runtime, its context and the prelude costs ten times what a short script does. So it is
//! done once in a worker: everything that is allocated until `seal` lies in one region, of which a
//! copy is kept; everything later lies in blocks of its own. `restore` frees those blocks and puts
//! the copy back. What the engine is after that is, byte by byte, what it was when it was fresh:
//! nothing of the run before is left that another could see.

use rquickjs::allocator::Allocator;
use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::cell::{Cell, RefCell};
use std::ptr::null_mut;
use std::rc::Rc;

/// Room for the prepared runtime, in bytes; it uses about an eighth. Pages that are not used are
/// never mapped.
const REGION: usize = 8 << 20;

/// Everything is aligned to this, as the C library's own blocks are.
const ALIGN: usize = 16;

/// What may still be allocated at once after a refusal, in bytes: enough to unwind.
const LAST_CRUMBS: usize = 4 << 10;

/// Precedes each allocation of a run. Allocations in the region have the second half only, so the
/// size stands right before the payload of both.
#[repr(C, align(16))]
struct Block {
    previous: *mut Block,
    next: *mut Block,
    reserved: usize,
    size: usize,
}

const BLOCK: usize = size_of::<Block>();
const MARK: usize = 16;

/// The engine's memory, shared between its allocator and the runtime.
pub(super) struct Heap {
    /// Bytes that are allocated.
    pub(super) used: Cell<usize>,
    /// Bytes that may be.
    pub(super) limit: Cell<usize>,
    /// Whether something was refused. QuickJS's own limit throws an error that a script could
    /// catch; so the run ends as `limit` whatever the script does then.
    pub(super) refused: Cell<bool>,
    region: *mut u8,
    /// Bytes of the region that are taken.
    taken: Cell<usize>,
    /// The latest block of the run.
    blocks: Cell<*mut Block>,
    sealed: Cell<bool>,
    /// The region and the bytes in use at the seal.
    copy: RefCell<Vec<u8>>,
    used_at_seal: Cell<usize>,
}

impl Heap {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            used: Cell::new(0),
            limit: Cell::new(limit),
            refused: Cell::new(false),
            region: region(),
            taken: Cell::new(0),
            blocks: Cell::new(null_mut()),
            sealed: Cell::new(false),
            copy: RefCell::default(),
            used_at_seal: Cell::new(0),
        }
    }

    /// Keeps a copy of what there is. From here on the region takes nothing more in.
    pub(super) fn seal(&self) {
        // SAFETY: the region is initialised (it was zeroed), and nothing writes to it meanwhile.
        #[allow(unsafe_code)]
        let taken = unsafe { std::slice::from_raw_parts(self.region, self.taken.get()) };
        *self.copy.borrow_mut() = taken.to_vec();
        self.used_at_seal.set(self.used.get());
        self.sealed.set(true);
    }

    /// Makes everything as it was at `seal`.
    ///
    /// # Safety
    /// Nothing outside this memory may refer to a value that was made since, or use it again: all
    /// values that Rust code holds are those that it held at `seal`, as often as it did then.
    #[allow(unsafe_code)]
    pub(super) unsafe fn restore(&self) {
        if !self.sealed.get() {
            return;
        }
        let mut block = self.blocks.replace(null_mut());
        while !block.is_null() {
            // SAFETY: the list holds live blocks only, each with the layout that its size says.
            unsafe {
                let previous = (*block).previous;
                dealloc(block.cast(), layout((*block).size));
                block = previous;
            }
        }
        let copy = self.copy.borrow();
        // SAFETY: as many bytes as were copied from here; the copy lies elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(copy.as_ptr(), self.region, copy.len()) };
        self.used.set(self.used_at_seal.get());
        self.refused.set(false);
    }

    fn in_region(&self, pointer: *mut u8) -> bool {
        (pointer as usize).wrapping_sub(self.region as usize) < REGION
    }

    fn room(&self, more: usize) -> bool {
        // A run that was refused once is over; what is left for it is to end, not to fill up again.
        let fits = self.used.get().saturating_add(more) <= self.limit.get()
            && (more <= LAST_CRUMBS || !self.refused.get());
        if !fits {
            self.refused.set(true);
        }
        fits
    }

    /// Takes from the region; zeroed, since it is never given back.
    fn take(&self, size: usize) -> *mut u8 {
        let start = self.taken.get();
        let end = start + MARK + size.next_multiple_of(ALIGN);
        if end > REGION {
            return null_mut();
        }
        self.taken.set(end);
        // SAFETY: within the region, aligned, and nobody else's.
        #[allow(unsafe_code)]
        unsafe {
            let payload = self.region.add(start + MARK);
            payload.cast::<usize>().sub(1).write(size);
            payload
        }
    }

    #[allow(unsafe_code)]
    fn add(&self, size: usize, zeroed: bool) -> *mut u8 {
        if size > isize::MAX as usize / 2 || !self.room(size) {
            return null_mut();
        }
        let payload = if self.sealed.get() {
            let layout = layout(size);
            // SAFETY: the layout is not of zero size; the block is written before it is linked.
            unsafe {
                let block = if zeroed {
                    alloc_zeroed(layout)
                } else {
                    alloc(layout)
                };
                if block.is_null() {
                    return null_mut();
                }
                self.link(block.cast(), size)
            }
        } else {
            self.take(size)
        };
        if !payload.is_null() {
            self.used.set(self.used.get() + size);
        }
        payload
    }

    /// Puts a block into the list; its payload.
    #[allow(unsafe_code)]
    unsafe fn link(&self, block: *mut Block, size: usize) -> *mut u8 {
        let previous = self.blocks.replace(block);
        // SAFETY: the caller owns the block, and the list holds live blocks only.
        unsafe {
            block.write(Block {
                previous,
                next: null_mut(),
                reserved: 0,
                size,
            });
            if !previous.is_null() {
                (*previous).next = block;
            }
            block.cast::<u8>().add(BLOCK)
        }
    }

    /// Takes a block out of the list.
    #[allow(unsafe_code)]
    unsafe fn unlink(&self, block: *mut Block) {
        // SAFETY: the block is in the list, which holds live blocks only.
        unsafe {
            let (previous, next) = ((*block).previous, (*block).next);
            if next.is_null() {
                self.blocks.set(previous);
            } else {
                (*next).previous = previous;
            }
            if !previous.is_null() {
                (*previous).next = next;
            }
        }
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: allocated in `region`, with the same layout; whoever used it is gone.
        #[allow(unsafe_code)]
        unsafe {
            dealloc(self.region, REGION_LAYOUT);
        }
    }
}

const REGION_LAYOUT: Layout = match Layout::from_size_align(REGION, ALIGN) {
    Ok(layout) => layout,
    Err(_) => panic!("the region has a size that there is"),
};

fn region() -> *mut u8 {
    // SAFETY: the layout is not of zero size.
    #[allow(unsafe_code)]
    let region = unsafe { alloc_zeroed(REGION_LAYOUT) };
    if region.is_null() {
        std::alloc::handle_alloc_error(REGION_LAYOUT);
    }
    region
}

fn layout(size: usize) -> Layout {
    // SAFETY: sizes are far below the largest that there is (`add` and `realloc` refuse those), and
    // the alignment is a power of two.
    #[allow(unsafe_code)]
    unsafe {
        Layout::from_size_align_unchecked(BLOCK + size, ALIGN)
    }
}

#[allow(unsafe_code)]
unsafe fn size_of_payload(pointer: *mut u8) -> usize {
    // SAFETY: the size stands before the payload of every live allocation.
    unsafe { pointer.cast::<usize>().sub(1).read() }
}

/// The allocator that the engine is given.
pub(super) struct Limited(pub(super) Rc<Heap>);

// SAFETY: allocations are aligned to 16 bytes and as large as was asked for; null is a refusal.
#[allow(unsafe_code)]
unsafe impl Allocator for Limited {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        self.0.add(size, false)
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        match count.checked_mul(size) {
            Some(total) => self.0.add(total, true),
            None => {
                self.0.refused.set(true);
                null_mut()
            }
        }
    }

    unsafe fn dealloc(&mut self, pointer: *mut u8) {
        if pointer.is_null() {
            return;
        }
        // SAFETY: callers hand in live pointers of this allocator.
        unsafe {
            let size = size_of_payload(pointer);
            self.0.used.set(self.0.used.get().saturating_sub(size));
            // What lies in the region comes back as a whole.
            if !self.0.in_region(pointer) {
                let block: *mut Block = pointer.sub(BLOCK).cast();
                self.0.unlink(block);
                dealloc(block.cast(), layout(size));
            }
        }
    }

    unsafe fn realloc(&mut self, pointer: *mut u8, new_size: usize) -> *mut u8 {
        if pointer.is_null() {
            return self.0.add(new_size, false);
        }
        // SAFETY: callers hand in live pointers of this allocator.
        unsafe {
            let old = size_of_payload(pointer);
            if new_size > isize::MAX as usize / 2
                || (new_size > old && !self.0.room(new_size - old))
            {
                return null_mut();
            }
            if self.0.in_region(pointer) {
                if new_size <= old {
                    return pointer;
                }
                let moved = self.0.add(new_size, false);
                if !moved.is_null() {
                    std::ptr::copy_nonoverlapping(pointer, moved, old);
                    self.dealloc(pointer);
                }
                return moved;
            }
            let block: *mut Block = pointer.sub(BLOCK).cast();
            self.0.unlink(block);
            let moved = realloc(block.cast(), layout(old), BLOCK + new_size);
            if moved.is_null() {
                self.0.link(block, old);
                return null_mut();
            }
            let used = self.0.used.get().saturating_sub(old);
            self.0.used.set(used + new_size);
            self.0.link(moved.cast(), new_size)
        }
    }

    unsafe fn usable_size(pointer: *mut u8) -> usize {
        // SAFETY: as for the caller.
        unsafe { size_of_payload(pointer) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, unsafe_code)]
    use super::*;

    fn heap() -> (Rc<Heap>, Limited) {
        let heap = Rc::new(Heap::new(1 << 20));
        (Rc::clone(&heap), Limited(heap))
    }

    #[test]
    fn what_was_there_at_the_seal_is_there_again_and_nothing_else() {
        let (heap, mut memory) = heap();
        let kept = memory.alloc(100);
        unsafe { kept.write_bytes(7, 100) };
        heap.seal();
        let used = heap.used.get();
        for round in 0..3 {
            unsafe {
                kept.write_bytes(round, 100);
                let mut block = memory.calloc(10, 10);
                assert_eq!(std::slice::from_raw_parts(block, 100), [0; 100]);
                block = memory.realloc(block, 5_000);
                let small = memory.alloc(1);
                let moved = memory.realloc(small, 3);
                memory.dealloc(block);
                assert!(!moved.is_null());
                // Grown out of the region, and given back from there.
                let grown = memory.realloc(kept, 1_000);
                assert!(!heap.in_region(grown));
                assert_eq!(grown.read(), round);
                heap.restore();
                assert_eq!(std::slice::from_raw_parts(kept, 100), [7; 100]);
            }
            assert_eq!(heap.used.get(), used);
        }
    }

    #[test]
    fn a_refusal_is_remembered_until_the_memory_is_restored() {
        let (heap, mut memory) = heap();
        heap.seal();
        assert!(!memory.alloc(1 << 19).is_null());
        assert!(memory.alloc(1 << 20).is_null());
        assert!(heap.refused.get());
        assert!(memory.alloc(LAST_CRUMBS + 1).is_null());
        let crumb = memory.alloc(LAST_CRUMBS);
        assert!(!crumb.is_null());
        assert!(unsafe { memory.realloc(crumb, usize::MAX) }.is_null());
        unsafe { heap.restore() };
        assert!(!heap.refused.get());
        assert!(!memory.alloc(1 << 19).is_null());
        unsafe { heap.restore() };
    }

    #[test]
    fn every_size_is_aligned() {
        let (heap, mut memory) = heap();
        for sealed in [false, true] {
            for size in [1, 15, 16, 17, 100, 4_097] {
                assert_eq!(memory.alloc(size) as usize % ALIGN, 0);
            }
            if !sealed {
                heap.seal();
            }
        }
        unsafe { heap.restore() };
    }
}
