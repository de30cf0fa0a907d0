#!/bin/bash
# Counts the instructions that matching one event takes, and fails when a row takes 2 % more than benches/instructions.txt
# says. Needs valgrind. Usage:
#   benches/instructions.sh            compare
#   benches/instructions.sh --update   write the counts of today
# Counts repeat exactly on one machine; another C library or a processor without AVX2 compares texts by other code.
set -euo pipefail
cd "$(dirname "$0")/.."
counts=benches/instructions.txt
binary=target/release/instructions

if ! command -v valgrind >/dev/null; then
  echo "SKIPPED: counting instructions needs valgrind" >&2
  if [ -n "${CI:-}" ]; then exit 1; fi
  exit 0
fi
# The names of functions must stay: collecting is switched on and off by one of them.
CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_LTO=thin \
  cargo build --release --locked --quiet -p bellwire-benches --no-default-features --bin instructions

# count ROW: instructions for one event, rounded.
count() {
  local output events collected
  output=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*measured*' "$binary" "$1" 2>&1)
  events=$(sed -n 's/^events \([0-9]*\) .*/\1/p' <<<"$output")
  collected=$(sed -n 's/.*Collected : \([0-9]*\)$/\1/p' <<<"$output")
  echo $(((collected + events / 2) / events))
}

failed=0
printf '%-20s %8s %8s %8s\n' row target before now
written=$(grep '^#' "$counts")
while read -r row target before; do
  now=$(count "$row")
  note=
  if [ $((now * 100)) -gt $((before * 102)) ]; then note="  more than 2 % above" failed=1; fi
  printf '%-20s %8s %8s %8s%s\n' "$row" "$target" "$before" "$now" "$note"
  written+=$'\n'$(printf '%-20s %5s %6s' "$row" "$target" "$now")
done < <(grep -v '^#' "$counts")
if [ "${1:-}" = --update ]; then echo "$written" >"$counts"; exit 0; fi
exit $failed
