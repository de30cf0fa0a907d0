//! Makes batches: random tables with random events, some of them damaged, as the firmware reads them.

use bellwire_core::event::Event;
use bellwire_core::filter::Value;
use bellwire_core::table::{Growing, MatchTable, TableBuilder};
use bellwire_core::topic::{Topic, TopicPattern};
use bellwire_core::wire::{encode_frame, scratch_bytes_max};
use oorandom::Rand32;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use xxhash_rust::xxh32::xxh32;

use crate::regexps::Dfas;
use crate::webhooks::{self, Webhook};

/// Tables of a batch, and events of each.
const TABLES: u32 = 1_150;
const EVENTS: u32 = 110;
/// Webhooks of the large table, and patterns of each: more postings than 2 bytes can count.
const LARGE_WEBHOOKS: u32 = 8_400;
const LARGE_PATTERNS: usize = 8;
const LARGE_EVENTS: u32 = 400;
const LARGE_KINDS: u32 = 600;
const LARGE_ACTIONS: [&str; 6] = ["create", "delete", "publish", "save", "archive", "auto_save"];
/// One table in so many is damaged, one frame in so many as well.
const DAMAGED_TABLES: u32 = 12;
const DAMAGED_FRAMES: u32 = 24;
const SHORT_PAYLOAD_BYTES: u32 = 16;
const LONG_PAYLOAD_BYTES: u32 = 600;
const SEED: u64 = 0x5eed;

/// Makes the parts of a batch from one source of randomness, so that every run makes the same.
struct Generator {
    runner: TestRunner,
    random: Rand32,
    regexps: Dfas,
}

/// A batch for a board with room for images of `image_bytes_max`: as many cases as there is time for.
///
/// # Panics
/// Never: all that is drawn is within the limits.
pub fn batch(image_bytes_max: usize) -> Vec<u8> {
    let runner = TestRunner::deterministic();
    let mut generator = Generator { runner, random: Rand32::new(SEED), regexps: Dfas::default() };
    let mut batch = Vec::new();
    let mut tables = 0;
    while tables < TABLES {
        let image = generator.image();
        if image.len() <= image_bytes_max {
            section(&mut batch, &image);
            section(&mut batch, &generator.frames(EVENTS, Generator::event));
            tables += 1;
        }
    }
    let image = generator.large_image();
    if image.len() <= image_bytes_max {
        section(&mut batch, &image);
        section(&mut batch, &generator.frames(LARGE_EVENTS, Generator::large_event));
    }
    batch
}

/// Appends a run of bytes after its length.
pub fn section(batch: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("a section below 4 GiB");
    batch.extend(length.to_le_bytes());
    batch.extend(bytes);
}

/// A topic and attributes.
type Case = (Topic<'static>, webhooks::Event);

impl Generator {
    fn draw<T>(&mut self, strategy: &impl Strategy<Value = T>) -> T {
        strategy.new_tree(&mut self.runner).expect("a value").current()
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.random.rand_range(0..count) == 0
    }

    /// The image of a small table, sometimes damaged.
    fn image(&mut self) -> Vec<u8> {
        let webhooks =
            if self.one_in(4) { self.draw(&webhooks::crowd()) } else { self.draw(&webhooks::webhooks()) };
        let mut image = self.compile(&webhooks);
        if self.one_in(DAMAGED_TABLES) {
            self.damage(&mut image);
            // With a right checksum the damage is met further in.
            if self.one_in(2) {
                let checksum = xxh32(&image[8..], 0).to_le_bytes();
                image[4..8].copy_from_slice(&checksum);
            }
        }
        image
    }

    fn compile(&mut self, webhooks: &[(u32, Webhook)]) -> Vec<u8> {
        let mut builder =
            TableBuilder::<Growing, _>::new(&mut self.regexps).with_seed(self.random.rand_u32());
        for (number, webhook) in webhooks {
            builder.add(*number, &webhook.patterns, &webhook.filters).expect("a webhook within the limits");
        }
        builder.build().expect("a table within the limits").image().to_vec()
    }

    /// The image of a table with words of 4 bytes.
    fn large_image(&mut self) -> Vec<u8> {
        let webhooks: Vec<_> = (0..LARGE_WEBHOOKS).map(|number| (number, self.large_webhook())).collect();
        let image = self.compile(&webhooks);
        assert_eq!(MatchTable::load(image.as_slice()).expect("an image").word_bytes(), 4);
        image
    }

    fn large_webhook(&mut self) -> Webhook {
        let mut patterns = Vec::new();
        while patterns.len() < LARGE_PATTERNS {
            let pattern = TopicPattern::parse(self.large_topic().leak()).expect("a pattern");
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
        let filters = if self.one_in(2) { vec![self.draw(&webhooks::filter())] } else { Vec::new() };
        Webhook { patterns, filters }
    }

    fn large_topic(&mut self) -> String {
        let action = LARGE_ACTIONS[self.random.rand_range(0..LARGE_ACTIONS.len() as u32) as usize];
        format!("Kind{}.{action}", self.random.rand_range(0..LARGE_KINDS))
    }

    fn event(&mut self) -> Case {
        (self.draw(&webhooks::topic()), self.draw(&webhooks::attributes()))
    }

    fn large_event(&mut self) -> Case {
        let topic = Topic::parse(self.large_topic().leak()).expect("a topic");
        (topic, self.draw(&webhooks::attributes()))
    }

    /// The frames of so many events, some of them damaged.
    fn frames(&mut self, count: u32, event: impl Fn(&mut Self) -> Case) -> Vec<u8> {
        let mut frames = Vec::new();
        for _ in 0..count {
            let (topic, attributes) = event(self);
            let mut frame = self.frame(topic, &attributes);
            if self.one_in(DAMAGED_FRAMES) {
                self.damage(&mut frame);
            }
            frames.extend(frame);
        }
        frames
    }

    fn frame(&mut self, topic: Topic<'_>, attributes: &[(&str, Value<'_>)]) -> Vec<u8> {
        // Payloads decide nothing; a few are longer than a code block of COBS.
        let most = if self.one_in(32) { LONG_PAYLOAD_BYTES } else { SHORT_PAYLOAD_BYTES };
        let payload = vec![0xa5; self.random.rand_range(0..most) as usize];
        let id = u128::from(self.random.rand_u32()) << self.random.rand_range(0..96);
        let mut event = Event::new(id, topic, self.random.rand_u32().into(), &payload);
        for (name, value) in attributes {
            event = event.with_attribute(name, *value).expect("an attribute within the limits");
        }
        let mut scratch = vec![0; scratch_bytes_max(payload.len())];
        encode_frame(&event, &mut scratch).expect("room for the frame").to_vec()
    }

    fn damage(&mut self, bytes: &mut [u8]) {
        let at = self.random.rand_range(0..bytes.len() as u32) as usize;
        bytes[at] ^= 1 << self.random.rand_range(0..8);
    }
}
