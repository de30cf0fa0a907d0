//! Builds the firmware, for each target and set of features once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::{fs, io};

use crate::board::Board;

/// What `core/tools/embedded.sh` exits with when this machine cannot build for a target.
const CANNOT_BUILD: i32 = 69;

/// How the firmware is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// Small, with every feature.
    Small,
    /// Small, for tables with words of two bytes only, as a device has them.
    Narrow,
    /// Small, without regular expressions.
    WithoutRegexp,
    /// With the compiler's best for speed.
    Fast,
}

impl Variant {
    fn profile(self) -> &'static str {
        if self == Self::Fast { "fast" } else { "release" }
    }

    /// A variant is built for what it shows.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Small => &[],
            Self::Narrow => &["--no-default-features", "--features", "regexp"],
            Self::WithoutRegexp => &["--no-default-features", "--bin", "demo"],
            Self::Fast => &["--bin", "instructions"],
        }
    }
}

/// Where the programs for a board are once they are built; nothing when this machine cannot build them.
///
/// # Panics
/// When the build fails.
pub fn programs(board: Board, variant: Variant) -> Option<PathBuf> {
    static BUILT: LazyLock<Mutex<Built>> = LazyLock::new(Mutex::default);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built.entry((board.target, variant)).or_insert_with(|| build(board, variant)).clone()
}

/// What was built, or could not be, for a target.
type Built = HashMap<(&'static str, Variant), Option<PathBuf>>;

fn build(board: Board, variant: Variant) -> Option<PathBuf> {
    let firmware = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the firmware's folder");
    let target = firmware.join("target");
    let status = Command::new(firmware.join("../tools/embedded.sh"))
        .args([board.target, "build", "--locked", "--quiet", "--profile", variant.profile()])
        .args(variant.arguments())
        .arg("--target-dir")
        .arg(&target)
        .current_dir(firmware)
        .status()
        .expect("a shell");
    if status.code() == Some(CANNOT_BUILD) {
        return None;
    }
    assert!(status.success(), "building the firmware for {} failed", board.target);
    let programs = target.join(board.target).join(variant.profile());
    // Both sets of features are built in one place: each keeps its own programs.
    let kept = target.join("programs").join(format!("{}-{variant:?}", board.target));
    copy_programs(&programs, &kept).expect("a folder to write to");
    Some(kept)
}

fn copy_programs(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if path.is_file() && path.extension().is_none() {
            fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}
