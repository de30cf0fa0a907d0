//! The image of a random table, damaged and mended: loading refuses it, or it is used within its bounds.
#![no_main]

use bellwire_core::table::{Growing, MatchTable, TableBuilder};
use bellwire_fuzz::image::{load_and_use, mend};
use bellwire_fuzz::regexps::Compiled;
use bellwire_fuzz::webhooks::{Case, Webhook};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

/// One change of an image.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Damage {
    Set(u16, u8),
    /// One of the small numbers that an image is made of.
    Word(u16, u8),
    Flip(u16, u8),
    Copy {
        from: u16,
        to: u16,
        count: u8,
    },
    Cut(u8),
    Append(u8),
}

fuzz_target!(|input: (Vec<Damage>, Case)| {
    let (damages, case) = input;
    let whole = image(case.seed, &case.webhooks);
    let mut image = whole.clone();
    damages.iter().for_each(|damage| apply(*damage, &mut image));
    if image != whole {
        assert!(MatchTable::load(image.as_slice()).is_err(), "the checksum does not see it");
    }
    mend(&mut image);
    load_and_use(&image, &case.events);
});

fn image(seed: u32, webhooks: &[(u32, Webhook)]) -> Vec<u8> {
    let mut builder = TableBuilder::<Growing, _>::new(Compiled).with_seed(seed);
    for (number, webhook) in webhooks {
        // One that comes twice is refused.
        let _ = builder.add(*number, &webhook.patterns(), &webhook.filters);
    }
    builder.build().expect("a small table is within all limits").image().to_vec()
}

fn apply(damage: Damage, image: &mut Vec<u8>) {
    let Some(length) = (!image.is_empty()).then_some(image.len()) else { return };
    let place = |at: u16| usize::from(at) % length;
    match damage {
        Damage::Set(at, byte) => image[place(at)] = byte,
        Damage::Word(at, number) => {
            let at = place(at) & !1;
            if let Some(word) = image.get_mut(at..at + 2) {
                word.copy_from_slice(&u16::from(number).to_le_bytes());
            }
        }
        Damage::Flip(at, bit) => image[place(at)] ^= 1 << (bit % 8),
        Damage::Copy { from, to, count } => {
            let (from, to) = (place(from), place(to));
            let count = usize::from(count).min(length - from.max(to));
            image.copy_within(from..from + count, to);
        }
        Damage::Cut(count) => image.truncate(length.saturating_sub(count.into())),
        Damage::Append(byte) => image.push(byte),
    }
}
