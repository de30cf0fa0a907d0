//! Part: building a table on the device.
#![no_std]
#![no_main]

use core::hint::black_box;

use bellwire_core::filter::{Filter, NoRegexps};
use bellwire_core::table::{Fixed, TableBuilder};
use bellwire_core::topic::TopicPattern;
use bellwire_firmware::board::entry;
use bellwire_firmware::part::measure;

#[entry]
fn main() -> ! {
    measure(|| {
        let mut builder = TableBuilder::<Fixed<16, 8, 512>, NoRegexps>::new(NoRegexps);
        for (webhook, pattern) in (0..).zip(black_box(["Entry.*", "*.publish", "site.**"])) {
            let filter = Filter::equals("sys.id", black_box("a"));
            let Ok(pattern) = TopicPattern::parse(pattern) else { return };
            let _ = black_box(builder.add(webhook, &[pattern], &[filter]));
        }
        let _ = black_box(builder.build());
    })
}
