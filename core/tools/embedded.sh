#!/bin/sh
# Runs cargo for a bare-metal target, in the current folder, with whatever Rust this machine has. Usage:
#   core/tools/embedded.sh TARGET SUBCOMMAND [ARGUMENTS]     e.g. thumbv7em-none-eabihf build -p bellwire-core
#   core/tools/embedded.sh --route TARGET                    says which route it would take, builds nothing
# Routes, the first that fits; force one with EMBEDDED_ROUTE:
#   rustup   rustup has the target, or gets it now
#   debian   Debian's packages rustc-web and rust-web-src are installed, 1.96 or newer. From their source, core and alloc
#            are built once for each target into a sysroot under $EMBEDDED_CACHE (default: target/embedded).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cache=${EMBEDDED_CACHE:-$root/target/embedded}
debian_source=/usr/lib/rustlib/src/rust/library/Cargo.lock
say() { echo "embedded: $*" >&2; }

route_only=
if [ "${1:-}" = --route ]; then route_only=1; shift; fi
target=${1:?a target, for instance thumbv7em-none-eabihf}
shift

has_target() { ls "$(rustc --print target-libdir --target "$target")"/libcore-*.rlib; }
adds_target() { timeout 120 rustup target add "$target" && has_target; }
minor() { "$1" --version | sed -n 's/^rustc 1\.\([0-9]*\).*/\1/p'; }
# Older ones cannot build the core's dependencies.
has_debian() { [ -f "$debian_source" ] && [ "$(minor /usr/bin/rustc)" -ge 96 ]; }

route=${EMBEDDED_ROUTE:-}
if [ -z "$route" ]; then
  if { has_target || adds_target; } >/dev/null 2>&1; then route=rustup; elif has_debian; then route=debian; fi
fi
case $route in
  rustup | debian) ;;
  *) say "cannot build for $target here. Do one of:"
     say "  rustup target add $target"
     say "  apt-get update && apt-get install --no-install-recommends rustc-web rust-web-src   (Debian 12)"
     exit 69 ;;
esac
if [ -n "$route_only" ]; then echo "$route"; exit 0; fi
subcommand=${1:?a subcommand of cargo, for instance build}
shift
if [ "$route" = rustup ]; then exec cargo "$subcommand" --target "$target" "$@"; fi

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # two builds at once must not both make the sysroot
sysroot=$cache/sysroot
libraries=$sysroot/lib/rustlib/$target/lib
compiler=$(/usr/bin/rustc -vV | sed -n 's/^\(release\|commit-hash\): //p' | tr '\n' ' ')
if [ "$(cat "$libraries/made-with" 2>/dev/null)" != "$compiler" ]; then
  say "building core and alloc for $target with $(/usr/bin/rustc --version)"
  seed=$cache/seed
  mkdir -p "$seed/src" "$libraries"
  rm -f "$libraries"/*
  cat >"$seed/Cargo.toml" <<'TOML'
[workspace]
[package]
name = "seed"
edition = "2021"
[profile.release]
panic = "abort"
codegen-units = 1
TOML
  echo '#![no_std]' >"$seed/src/lib.rs"
  # With bitcode, so that firmware can be linked with LTO across core, as with what rustup installs. The bootstrap
  # switch is for this build of core alone: our own crates are built by stable rules.
  (cd "$seed" && env -u CARGO_BUILD_TARGET -u CARGO_ENCODED_RUSTFLAGS \
    RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes \
    cargo build --quiet --release -Z build-std=core,alloc --target "$target" --target-dir "$seed/target")
  cp "$seed/target/$target"/release/deps/lib*-*.rlib "$libraries/"
  rm -rf "$libraries"/libseed* "$seed/target"
  # Build scripts and procedural macros need the host's own libraries.
  ln -sfn /usr/lib/rustlib/x86_64-unknown-linux-gnu "$sysroot/lib/rustlib/x86_64-unknown-linux-gnu"
  echo "$compiler" >"$libraries/made-with"
fi
# A file that does not change, so that cargo sees the same compiler every time.
wrapper=$cache/rustc
if [ ! -x "$wrapper" ]; then
  printf '#!/bin/sh\nexec /usr/bin/rustc --sysroot "%s" "$@"\n' "$sysroot" >"$wrapper"
  chmod +x "$wrapper"
fi
exec 9>&-
# Debian has no linker for these targets; rustup's toolchain brings one.
linker=$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld
if [ -x "$linker" ]; then export "CARGO_TARGET_$(echo "$target" | tr 'a-z.-' 'A-Z__')_LINKER=$linker"; fi
RUSTC=$wrapper exec cargo "$subcommand" --target "$target" "$@"
