//! Part: explaining every webhook of an image that is loaded.
#![no_std]
#![no_main]

use core::hint::black_box;

use bellwire_core::table::MatchTable;
use bellwire_firmware::board::{entry, exit};
use bellwire_firmware::demo::IMAGE;
use bellwire_firmware::part::{each_case, measure};

#[entry]
fn main() -> ! {
    let Ok(table) = MatchTable::load(black_box(IMAGE)) else { exit(1) };
    measure(|| {
        each_case(|topic, attributes| {
            for webhook in (0..).map_while(|row| table.webhook(row)) {
                black_box(table.explain(webhook, topic, attributes));
            }
        });
    })
}
