//! One matcher at one piece of work, with its clocks. Lanes take turns, so that what disturbs the machine disturbs all.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::matcher::Matcher;
use crate::work::Work;
use crate::workload::{EVENTS, Event};

/// How long a turn is to take at most, if it does not have to be longer for [`EVENTS_MIN`].
const TURN: Duration = Duration::from_millis(2);
/// Events of a turn at least.
const EVENTS_MIN: usize = 64;
/// How long a clock runs in all, if it does not have to run longer for [`TURNS_MIN`].
const ALL_TURNS: Duration = Duration::from_millis(400);
/// Turns of a clock at least.
const TURNS_MIN: u32 = 5;

/// What a matcher did.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It does not take part, and why.
    LeftOut(String),
    /// It took part.
    Ran {
        /// Whether it found what was to be found.
        right: bool,
        /// Nanoseconds an event from what it makes of the event.
        find_ns: f64,
        /// Nanoseconds an event from the topic's text and the attributes.
        whole_ns: f64,
    },
}

/// A matcher that is ready to run.
pub struct Lane {
    /// What it is called.
    pub name: &'static str,
    /// Or why it does not take part.
    ready: Result<Ready, String>,
}

struct Ready {
    right: bool,
    find: Clock,
    whole: Clock,
}

impl Lane {
    /// The lane of a matcher for some work; its answers are checked here.
    pub fn new<M: Matcher>(work: &Work) -> Self {
        Self { name: M::NAME, ready: M::new(work).map(|matcher| ready(matcher, work)) }
    }

    /// What came of it.
    pub fn outcome(&self) -> Outcome {
        match &self.ready {
            Err(why) => Outcome::LeftOut(why.clone()),
            Ok(Ready { right, find, whole }) => {
                Outcome::Ran { right: *right, find_ns: find.best_ns, whole_ns: whole.best_ns }
            }
        }
    }
}

/// Lets all lanes run in turns until each has run long enough.
pub fn race(lanes: &mut [Lane]) {
    let mut running = true;
    while running {
        running = false;
        for ready in lanes.iter_mut().filter_map(|lane| lane.ready.as_mut().ok()) {
            for clock in [&mut ready.find, &mut ready.whole] {
                if clock.wants_a_turn() {
                    clock.turn();
                    running = true;
                }
            }
        }
    }
}

fn ready<M: Matcher>(matcher: M, work: &Work) -> Ready {
    // Leaked with the work: a program that ends soon can afford it, and inputs may borrow.
    let matcher: &'static M = Box::leak(Box::new(matcher));
    let events: Vec<Given> = work.events().iter().map(|event| given(event, M::SEPARATOR)).collect();
    let inputs: Vec<M::Input> =
        events.iter().map(|(topic, attributes)| matcher.input(topic, attributes)).collect();
    let right = work.checked().all(|(place, event)| {
        let mut found = Vec::new();
        matcher.find(&inputs[place], |number| found.push(number));
        work.is_right(event, &found)
    });
    let find = Clock::new(move |count| {
        for input in &inputs[..count] {
            matcher.find(black_box(input), |number| _ = black_box(number));
        }
    });
    let whole = Clock::new(move |count| {
        for (topic, attributes) in &events[..count] {
            let input = matcher.input(black_box(topic), black_box(attributes));
            matcher.find(&input, |number| _ = black_box(number));
        }
    });
    Ready { right, find, whole }
}

/// An event before a matcher makes something of it: topic and attributes.
type Given = (&'static str, &'static [(&'static str, &'static str)]);

fn given(event: &Event, separator: char) -> Given {
    let topic = event.topic.as_str().replace('.', separator.encode_utf8(&mut [0; 4]));
    (topic.leak(), event.attributes.clone().leak())
}

/// Runs the same events in each turn, and keeps how long an event took in the quickest one: what disturbs a machine only
/// ever adds.
struct Clock {
    /// Runs the first so many events.
    run: Box<dyn Fn(usize)>,
    count: usize,
    turns: u32,
    spent: Duration,
    best_ns: f64,
}

impl Clock {
    /// A clock whose turns have as many events as fit.
    fn new(run: impl Fn(usize) + 'static) -> Self {
        let run = Box::new(run);
        let mut clock =
            Self { run, count: EVENTS_MIN, turns: 0, spent: Duration::ZERO, best_ns: f64::INFINITY };
        clock.turn();
        while clock.count < EVENTS && clock.best_ns * 2.0 * clock.count as f64 <= TURN.as_nanos() as f64 {
            clock.count *= 2;
        }
        Self { turns: 0, best_ns: f64::INFINITY, ..clock }
    }

    fn wants_a_turn(&self) -> bool {
        self.turns < TURNS_MIN || self.spent < ALL_TURNS
    }

    fn turn(&mut self) {
        let started = Instant::now();
        (self.run)(self.count);
        let took = started.elapsed();
        self.turns += 1;
        self.spent += took;
        self.best_ns = self.best_ns.min(took.as_nanos() as f64 / self.count as f64);
    }
}

// A turn doubles its events until it has all of them.
const _: () = assert!(EVENTS.is_power_of_two() && EVENTS_MIN.is_power_of_two() && EVENTS_MIN <= EVENTS);
