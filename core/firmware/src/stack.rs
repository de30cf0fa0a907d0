//! How deep the stack of a piece of code gets: paint what is below it, run, look how much of the paint is gone.
//!
//! This is the one file of the firmware with `unsafe`: nothing safe reaches the stack that is not in use.
#![allow(unsafe_code)]

use core::arch::asm;
use core::ptr::{read_volatile, with_exposed_provenance_mut, write_volatile};

const PAINT: u32 = 0xa5a5_a5a5;

unsafe extern "C" {
    /// Where variables end. Both runtimes' linker scripts name it so, and both let the stack grow down to it.
    static __sheap: u32;
}

/// The most bytes of stack that `run` had in use.
#[inline(never)]
pub fn used_by(run: impl FnOnce()) -> usize {
    let (bottom, top) = ((&raw const __sheap).expose_provenance(), stack_pointer());
    let words = || (bottom..top).step_by(size_of::<u32>());
    for address in words() {
        // SAFETY: memory between the variables and the stack pointer is nobody's while this function calls none, and no
        // interrupts are enabled.
        unsafe { write_volatile(with_exposed_provenance_mut(address), PAINT) }
    }
    below(run);
    let is_painted = |address: &usize| {
        // SAFETY: it is the same memory; whatever was left there, a word can be read.
        unsafe { read_volatile(with_exposed_provenance_mut::<u32>(*address)) == PAINT }
    };
    top - words().find(|address| !is_painted(address)).unwrap_or(top)
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
