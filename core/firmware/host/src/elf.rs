//! Reads what matters of a linked program: how much memory it takes, and which functions are in it.

use std::fs;
use std::path::Path;

use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionKind, elf};

/// What a program takes before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of code, constants and the first values of variables.
    pub flash: u64,
    /// Bytes of variables.
    pub ram: u64,
}

/// What a linked program takes.
///
/// # Panics
/// When the file is no program.
pub fn memory(program: &Path) -> Memory {
    let bytes = fs::read(program).expect("a program");
    let file = object::File::parse(&*bytes).expect("an ELF file");
    let mut memory = Memory { flash: 0, ram: 0 };
    for section in file.sections().filter(|section| is_loaded(section.flags())) {
        let variables = matches!(section.kind(), SectionKind::Data | SectionKind::UninitializedData);
        memory.ram += if variables { section.size() } else { 0 };
        memory.flash += if section.kind() == SectionKind::UninitializedData { 0 } else { section.size() };
    }
    memory
}

fn is_loaded(flags: SectionFlags) -> bool {
    matches!(flags, SectionFlags::Elf { sh_flags } if sh_flags & u64::from(elf::SHF_ALLOC) != 0)
}

/// The version of the compiler that made a program, as it says itself.
///
/// # Panics
/// When the file is no program, or does not say.
pub fn compiler(program: &Path) -> String {
    let bytes = fs::read(program).expect("a program");
    let file = object::File::parse(&*bytes).expect("an ELF file");
    let comment = file.section_by_name(".comment").and_then(|section| section.data().ok());
    let comment = String::from_utf8_lossy(comment.unwrap_or_default());
    let version = comment.split_once("rustc version ").and_then(|(_, rest)| rest.split(' ').next());
    version.expect("a compiler's version").to_string()
}

/// The names of what can make a program panic, of everything that was linked.
///
/// # Panics
/// When the file is no program, or has no names.
pub fn panics(program: &Path) -> Vec<String> {
    let bytes = fs::read(program).expect("a program");
    let file = object::File::parse(&*bytes).expect("an ELF file");
    let names = file.symbols().filter_map(|symbol| symbol.name().ok());
    let names: Vec<String> = names.map(|name| rustc_demangle::demangle(name).to_string()).collect();
    assert!(names.iter().any(|name| name.contains("main")), "{} has no names", program.display());
    names.into_iter().filter(|name| is_panic(name)).collect()
}

fn is_panic(name: &str) -> bool {
    name.contains("core::panicking") || name.contains("rust_begin_unwind")
}
