//! Part: nothing; what every program has.
#![no_std]
#![no_main]

use bellwire_firmware::board::entry;
use bellwire_firmware::part::measure;

#[entry]
fn main() -> ! {
    measure(|| ())
}
