//! Reads the floors off a crate's first page and checks what every module imports.
//!
//! The page holds a table whose rows are `| number | modules |`, each module in backticks. A module is `x.rs` or
//! `x/mod.rs` with the files beside it; it may name `crate::y` only for itself and for `y` on a floor below.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// All breaches in the crate whose sources are in `src`, one sentence each.
pub(crate) fn breaches(src: &Path) -> Vec<String> {
    let page = read(&src.join("lib.rs"));
    let floors = floors(&page);
    let mut breaches = unplaced(&floors, &page);
    for (module, floor) in &floors {
        for file in files_of(src, module) {
            for import in imports(&code(&read(&file))) {
                breaches.extend(
                    breach(&floors, module, *floor, &import)
                        .map(|what| format!("{}: {what}", file.display())),
                );
            }
        }
    }
    breaches
}

/// The floor of every module that the page's table names.
pub(crate) fn floors(page: &str) -> BTreeMap<String, u32> {
    let mut floors = BTreeMap::new();
    for line in page.lines().filter_map(|line| line.trim_start().strip_prefix("//!")) {
        let cells: Vec<&str> = line.trim().split('|').map(str::trim).collect();
        if let ["", number, modules, ""] = cells[..]
            && let Ok(floor) = number.parse()
        {
            floors.extend(modules.split('`').skip(1).step_by(2).map(|module| (module.to_string(), floor)));
        }
    }
    floors
}

/// A module that is declared but stands on no floor, or stands on one but is not declared.
fn unplaced(floors: &BTreeMap<String, u32>, page: &str) -> Vec<String> {
    let code = code(page);
    let declared = code.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    let declared: Vec<&str> = declared.collect();
    let homeless = declared.iter().filter(|module| !floors.contains_key(**module));
    let homeless = homeless.map(|module| format!("module `{module}` stands on no floor"));
    let missing = floors.keys().filter(|module| !declared.contains(&module.as_str()));
    homeless.chain(missing.map(|module| format!("`{module}` stands on a floor but is no module"))).collect()
}

fn breach(floors: &BTreeMap<String, u32>, module: &str, floor: u32, import: &str) -> Option<String> {
    match floors.get(import) {
        _ if import == module => None,
        None => Some(format!("`crate::{import}` is no module; name the module that owns it")),
        Some(other) if *other < floor => None,
        Some(other) => Some(format!("`{module}` on floor {floor} imports `{import}` on floor {other}")),
    }
}

/// The source files of one module.
pub(crate) fn files_of(src: &Path, module: &str) -> Vec<PathBuf> {
    let mut files = vec![src.join(format!("{module}.rs"))];
    let mut folders = vec![src.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.retain(|file| file.is_file() && file.extension().is_some_and(|extension| extension == "rs"));
    files
}

/// A file without its comments. A string that holds `//` loses its end, which hides no import.
pub(crate) fn code(source: &str) -> String {
    source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// What follows each `crate::`, one name for each branch of braces.
fn imports(code: &str) -> Vec<String> {
    let mut imports = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => imports.extend(heads(group)),
            None => imports.push(identifier(rest)),
        }
    }
    imports
}

/// The first names of the branches of a brace group.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut start) = (0, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                heads.push(identifier(group[start..at].trim_start()));
                start = at + 1;
            }
            _ => {}
        }
        if c == '}' && depth == 0 && start == at + 1 {
            break;
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The text of a source file.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn branches_of_braces_are_told_apart() {
    assert_eq!(imports("use crate::{a::{b, c}, d, e::f};\ncrate::g::h();"), ["a", "d", "e", "g"]);
    assert_eq!(imports("use crate::{\n    a,\n    b::{c},\n};\nuse x::{y};"), ["a", "b"]);
}
