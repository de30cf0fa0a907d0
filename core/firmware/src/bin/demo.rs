//! Loads the table that lies in flash, decodes the frames beside it, and prints what each event finds, and why.
#![no_std]
#![no_main]

use bellwire_firmware::answer::answer_one;
use bellwire_firmware::board::{Output, entry, exit};
use bellwire_firmware::demo::{FRAMES, IMAGE};
use embedded_io::{Error, ErrorKind};

#[entry]
fn main() -> ! {
    match print() {
        Ok(()) => exit(0),
        Err(kind) => {
            semihosting::println!("the demo did not come to its end: {kind:?}");
            exit(1)
        }
    }
}

fn print() -> Result<(), ErrorKind> {
    let mut output = Output::stdout().map_err(|error| error.kind())?;
    answer_one(IMAGE, &mut &*FRAMES, &mut output)
}
