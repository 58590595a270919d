//! Counts what this thread has allocated.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

/// Runs `what`, and panics when it had more than `most` bytes at a time.
pub(crate) fn bounded(most: usize, what: impl FnOnce()) {
    let before = NOW.get();
    MOST.set(before);
    what();
    let had = MOST.get() - before;
    assert!(
        had <= isize::try_from(most).unwrap(),
        "{had} bytes at a time where {most} should do"
    );
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(change: isize) {
    // While a thread ends its counters may be gone; nobody looks at them then.
    let _ = NOW.try_with(|now| {
        now.set(now.get() + change);
        let _ = MOST.try_with(|most| most.set(most.get().max(now.get())));
    });
}

fn size(of: usize) -> isize {
    isize::try_from(of).unwrap_or(isize::MAX)
}

// SAFETY: everything is handed to the system's allocator as it came; counting allocates nothing.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        // SAFETY: the caller keeps to the contract of this function, which is that one's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-size(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, new: usize) -> *mut u8 {
        count(size(new) - size(layout.size()));
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, new) }
    }
}
