//! Part: signing a request.
#![no_std]
#![no_main]

use core::hint::black_box;

use bellwire_core::sign::{Request, sign};
use bellwire_firmware::board::entry;
use bellwire_firmware::part::measure;

#[entry]
fn main() -> ! {
    let (secret, mut names) = ([b'a'; 64], [0; 128]);
    measure(|| {
        let headers = [("Content-Type", "application/json")];
        let request = Request { method: "POST", path: "/events", headers: &headers, body: b"{}" };
        let secret = core::str::from_utf8(black_box(&secret)).unwrap_or_default();
        let _ = black_box(sign(secret, black_box(&request), black_box(1_603_379_941_037), &mut names));
    })
}
