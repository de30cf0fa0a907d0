//! Part: finding frames among bytes that come in, and the events in them.
#![no_std]
#![no_main]

use core::hint::black_box;

use bellwire_core::wire::FrameDecoder;
use bellwire_firmware::board::entry;
use bellwire_firmware::demo::FRAMES;
use bellwire_firmware::part::measure;

#[entry]
fn main() -> ! {
    let mut buffer = [0; 1024];
    measure(|| {
        let (mut decoder, mut left) = (FrameDecoder::new(&mut buffer), black_box(FRAMES));
        while !left.is_empty() {
            let (taken, received) = decoder.push(left);
            let _ = black_box(received);
            left = left.get(taken..).unwrap_or_default();
        }
    })
}
