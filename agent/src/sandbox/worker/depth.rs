//! The stack's limit. QuickJS throws an error when it is reached, which a script could catch; so the
//! stack beyond the limit is filled with a pattern before a run, the engine may go some way into it
//! before it throws, and a broken pattern tells afterwards that the limit was reached.

#![allow(unsafe_code)]

/// How far beyond the limit the engine may go before it throws, in bytes.
pub(super) const SLACK: usize = 128 << 10;

/// The part of it that is watched. Single frames are far smaller, so none steps over it unseen.
const WATCHED: usize = 64 << 10;

/// One word in so many bytes is looked at; every frame of the engine is larger.
const STRIDE: usize = 64;

const PATTERN: u64 = 0x5eed_dead_c0de_5eed;

/// Watches the stack below the frame that made it; lives and is asked no deeper than there.
pub(super) struct Depth {
    lowest: usize,
}

impl Depth {
    /// Watches for anything that uses more than `limit` bytes of stack from here.
    pub(super) fn watch(limit: usize) -> Self {
        thread_local! {
            static ROOM: () = make_room();
        }
        ROOM.with(|()| ());
        let lowest = (here() - limit - WATCHED) & !7;
        for word in words(lowest) {
            // SAFETY: far below the frames in use, within what `make_room` has mapped for the
            // default limit, and above the process's own limit of 8 MiB.
            unsafe { word.write_volatile(PATTERN) }
        }
        Self { lowest }
    }

    /// Whether anything did.
    pub(super) fn exceeded(&self) -> bool {
        // SAFETY: mapped since `watch`; nothing else runs meanwhile.
        words(self.lowest).any(|word| unsafe { word.read_volatile() } != PATTERN)
    }
}

fn words(lowest: usize) -> impl Iterator<Item = *mut u64> {
    (lowest..lowest + WATCHED)
        .step_by(STRIDE)
        .map(std::ptr::with_exposed_provenance_mut)
}

#[inline(never)]
fn here() -> usize {
    let local = 0u8;
    std::hint::black_box(&raw const local).expose_provenance()
}

/// Has the kernel map the stack as deep as a run may use it, in the way in which code does.
#[inline(never)]
fn make_room() {
    std::hint::black_box([0u8; 1 << 20]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn use_stack(frames: u32) -> u8 {
        let frame = std::hint::black_box([1u8; 1_024]);
        match frames {
            0 => frame[0],
            _ => use_stack(frames - 1) | frame[1],
        }
    }

    #[test]
    fn it_tells_whether_the_limit_was_passed() {
        // A thread of tests has little stack.
        let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(|| {
            let depth = Depth::watch(512 << 10);
            use_stack(100);
            let shallow = depth.exceeded();
            use_stack(560);
            (shallow, depth.exceeded())
        });
        assert!(matches!(
            thread.map(std::thread::JoinHandle::join),
            Ok(Ok((false, true)))
        ));
    }
}
