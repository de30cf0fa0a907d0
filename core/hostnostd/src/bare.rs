//! What a C library would bring: the entry, the exit, and the four functions the compiler calls for memory.
//!
//! Each `unsafe` block states why it holds.

use core::arch::{asm, global_asm};

// The kernel enters here with an aligned stack and nothing to return to. `call` leaves the stack as a function
// expects it.
global_asm!(".global _start", "_start:", "xor ebp, ebp", "call {enter}", "ud2", enter = sym enter);

extern "C" fn enter() -> ! {
    exit(super::run())
}

fn exit(code: u8) -> ! {
    // SAFETY: `exit` (60) of x86-64 Linux takes the code in `rdi` and does not come back.
    unsafe { asm!("syscall", in("rax") 60, in("rdi") u64::from(code), options(noreturn, nostack)) }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

/// # Safety
/// As C's `memcpy`: `to` and `from` hold `count` bytes each and do not overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller vouches for the ranges; the direction flag is clear at every call in this ABI.
    unsafe {
        asm!("rep movsb", inout("rcx") count => _, inout("rdi") to => _, inout("rsi") from => _, options(nostack, preserves_flags));
    }
    to
}

/// # Safety
/// As C's `memmove`: `to` and `from` hold `count` bytes each.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if to.addr().wrapping_sub(from.addr()) >= count {
        // SAFETY: `to` does not lie within `from`, so copying upwards reads each byte before it is written.
        return unsafe { memcpy(to, from, count) };
    }
    // SAFETY: the caller vouches for the ranges; copying downwards from the last byte reads each byte before it is
    // written, and the direction flag is cleared again. `count` is not 0 here.
    unsafe {
        asm!(
            "std", "rep movsb", "cld",
            inout("rcx") count => _, inout("rdi") to.add(count - 1) => _, inout("rsi") from.add(count - 1) => _,
            options(nostack),
        );
    }
    to
}

/// # Safety
/// As C's `memset`: `to` holds `count` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    // SAFETY: the caller vouches for the range; the direction flag is clear at every call in this ABI.
    unsafe {
        asm!("rep stosb", inout("rcx") count => _, inout("rdi") to => _, in("al") byte as u8, options(nostack, preserves_flags));
    }
    to
}

/// # Safety
/// As C's `memcmp`: `a` and `b` hold `count` bytes each.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, count: usize) -> i32 {
    for at in 0..count {
        // SAFETY: `at` is within the ranges that the caller vouches for. Volatile reads keep the compiler from
        // turning the loop into a call of this very function.
        let (x, y) = unsafe { (a.add(at).read_volatile(), b.add(at).read_volatile()) };
        if x != y {
            return i32::from(x) - i32::from(y);
        }
    }
    0
}

/// # Safety
/// As [`memcmp`].
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, count: usize) -> i32 {
    // SAFETY: the caller vouches for the ranges.
    unsafe { memcmp(a, b, count) }
}
