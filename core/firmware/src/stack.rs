//! How deep the stack of a piece of code gets: paint below it, run, look how much of the paint is gone.
//!
//! This is the one file of the firmware with `unsafe`: nothing safe reaches the stack that is not in use.
#![allow(unsafe_code)]

use core::arch::asm;
use core::ptr::{read_volatile, with_exposed_provenance_mut, write_volatile};

/// So many bytes are painted: more than any part takes, and less than the smallest board has.
pub const PAINTED_BYTES: usize = 7 * 1024;
const PAINT: u32 = 0xa5a5_a5a5;
const WORD_BYTES: usize = size_of::<u32>();

/// The most bytes of stack that `run` had in use; [`PAINTED_BYTES`] or more when it went through all the paint.
#[inline(never)]
pub fn used_by(run: impl FnOnce()) -> usize {
    let top = stack_pointer();
    let words = (top - PAINTED_BYTES..top).step_by(WORD_BYTES);
    for address in words.clone() {
        // SAFETY: the stack grows downwards, so nothing lives below its pointer while this function calls none; the
        // boards have more than `PAINTED_BYTES` there, and no interrupts are enabled.
        unsafe { write_volatile(with_exposed_provenance_mut(address), PAINT) }
    }
    below(run);
    // SAFETY: as above; whatever was left there, a word can be read.
    let is_painted =
        |address: &usize| unsafe { read_volatile(with_exposed_provenance_mut::<u32>(*address)) } == PAINT;
    top - words.clone().find(|address| !is_painted(address)).unwrap_or(top)
}

/// Keeps what is run out of the frame of its caller.
#[inline(never)]
fn below(run: impl FnOnce()) {
    run();
}

#[inline(always)]
fn stack_pointer() -> usize {
    let pointer: usize;
    // SAFETY: it copies a register.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags));
        #[cfg(target_arch = "riscv32")]
        asm!("mv {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags));
    }
    pointer
}
