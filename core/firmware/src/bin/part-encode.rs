//! Part: writing an event as a frame.
#![no_std]
#![no_main]

use core::hint::black_box;

use bellwire_core::event::Event;
use bellwire_core::wire::encode_frame;
use bellwire_firmware::board::entry;
use bellwire_firmware::part::{each_case, measure};

#[entry]
fn main() -> ! {
    let mut scratch = [0; 512];
    measure(|| {
        each_case(|topic, _| {
            let event = Event::new(7, *topic, 1_603_379_941_037, b"{}").with_attribute("sys.id", "a");
            let _ = black_box(event.map(|event| encode_frame(&event, black_box(&mut scratch)).is_ok()));
        });
    })
}
