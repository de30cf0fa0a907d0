//! Gives the linker the memory of the machine that stands for each target.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=memory");
    let target = env::var("TARGET").expect("cargo names the target");
    let (memory, arguments): (_, &[&str]) = match target.as_str() {
        "thumbv6m-none-eabi" => ("microbit.x", &["-Tlink.x", "--nmagic"]),
        "thumbv7em-none-eabihf" => ("mps2-an386.x", &["-Tlink.x", "--nmagic"]),
        "riscv32imc-unknown-none-elf" => ("virt.x", &["-Tmemory.x", "-Tlink.x"]),
        // The library alone is built for the host.
        _ => return,
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names a folder"));
    fs::copy(Path::new("memory").join(memory), out.join("memory.x")).expect("a folder to write to");
    println!("cargo::rustc-link-search={}", out.display());
    for argument in arguments {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
