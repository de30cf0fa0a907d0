//! Counts instructions, on an emulator that takes one nanosecond of its clock for each (`-icount shift=0`).

#[cfg(target_arch = "arm")]
use cortex_m::peripheral::{SYST, syst::SystClkSource};

/// SysTick has 24 bits.
#[cfg(target_arch = "arm")]
const TICKS_MAX: u32 = 0x00ff_ffff;
/// Nanoseconds of a tick of SysTick, as a fraction: the core of QEMU's microbit runs at 16 MHz, that of mps2-an386 at 25.
#[cfg(target_arch = "arm")]
const TICK_NS: (u64, u64) = if cfg!(target_abi = "eabihf") { (40, 1) } else { (125, 2) };

/// The instructions that `run` takes, to the length of a tick; fewer than 2^24 ticks.
#[cfg(target_arch = "arm")]
#[inline(never)]
pub fn count(run: impl FnOnce()) -> u64 {
    start();
    let start = SYST::get_current();
    run();
    // It counts down.
    let ticks = start.wrapping_sub(SYST::get_current()) & TICKS_MAX;
    u64::from(ticks) * TICK_NS.0 / TICK_NS.1
}

/// Starts SysTick the first time it is called.
#[cfg(target_arch = "arm")]
fn start() {
    if let Some(mut peripherals) = cortex_m::Peripherals::take() {
        peripherals.SYST.set_clock_source(SystClkSource::Core);
        peripherals.SYST.set_reload(TICKS_MAX);
        peripherals.SYST.clear_current();
        peripherals.SYST.enable_counter();
    }
}

/// The instructions that `run` takes.
#[cfg(target_arch = "riscv32")]
#[inline(never)]
pub fn count(run: impl FnOnce()) -> u64 {
    let start = riscv::register::mcycle::read64();
    run();
    riscv::register::mcycle::read64().wrapping_sub(start)
}
