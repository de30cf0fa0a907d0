#!/bin/sh
# Prints how much flash, static RAM and stack the parts of the core take on each target, as a table in Markdown. Needs
# QEMU (qemu-system-arm, qemu-system-misc on Debian) and what core/tools/embedded.sh needs.
set -eu
cd "$(dirname "$0")/../.."
exec cargo run --quiet --locked -p bellwire-firmware-host --bin footprint
