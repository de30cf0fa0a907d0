//! The machines of QEMU that stand for the targets.

/// A machine, and what its firmware is built for.
#[derive(Clone, Copy, Debug)]
pub struct Board {
    /// The processor, as a reader knows it.
    pub name: &'static str,
    /// The compiler's target.
    pub target: &'static str,
    /// The emulator, and how it is told the machine.
    pub emulator: &'static [&'static str],
}

/// The smallest: 16 KiB of RAM.
pub const CORTEX_M0: Board = Board {
    name: "Cortex-M0",
    target: "thumbv6m-none-eabi",
    emulator: &["qemu-system-arm", "-M", "microbit"],
};
/// With a floating-point unit, and memory in abundance.
pub const CORTEX_M4: Board = Board {
    name: "Cortex-M4F",
    target: "thumbv7em-none-eabihf",
    emulator: &["qemu-system-arm", "-M", "mps2-an386"],
};
/// 32 bits, without atomics.
pub const RISC_V: Board = Board {
    name: "RISC-V",
    target: "riscv32imc-unknown-none-elf",
    emulator: &["qemu-system-riscv32", "-M", "virt", "-cpu", "rv32,a=false,f=false,d=false", "-bios", "none"],
};
/// All of them.
pub const BOARDS: [Board; 3] = [CORTEX_M0, CORTEX_M4, RISC_V];
