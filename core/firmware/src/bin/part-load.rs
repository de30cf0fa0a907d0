//! Part: loading an image, which checks all of it.
#![no_std]
#![no_main]

use core::hint::black_box;

use bellwire_core::table::MatchTable;
use bellwire_firmware::board::entry;
use bellwire_firmware::demo::IMAGE;
use bellwire_firmware::part::measure;

#[entry]
fn main() -> ! {
    measure(|| {
        let _ = black_box(MatchTable::load(black_box(IMAGE)));
    })
}
