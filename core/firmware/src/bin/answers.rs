//! Answers the batch in the host's file `batch` into its file `answers`.
#![no_std]
#![no_main]

use bellwire_firmware::answer;
use bellwire_firmware::board::{IMAGE_BYTES_MAX, Input, Output, entry, exit};
use embedded_io::{Error, ErrorKind};

#[entry]
fn main() -> ! {
    let mut room = [0; IMAGE_BYTES_MAX];
    match answer_batch(&mut room) {
        Ok(()) => exit(0),
        Err(kind) => {
            semihosting::println!("the batch was not answered to its end: {kind:?}");
            exit(1)
        }
    }
}

#[inline(never)]
fn answer_batch(room: &mut [u8]) -> Result<(), ErrorKind> {
    let batch = Input::open(c"batch").map_err(|error| error.kind())?;
    let mut answers = Output::create(c"answers").map_err(|error| error.kind())?;
    answer::answer(batch, room, &mut answers)
}
