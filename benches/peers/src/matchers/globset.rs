//! Globs over paths, from globset.

use std::cell::RefCell;

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::matcher::{Matcher, topics_alone};
use crate::work::Work;

/// A set of globs, the number of each, and room for what it finds.
pub struct Globs {
    set: GlobSet,
    numbers: Vec<u32>,
    found: RefCell<Vec<usize>>,
}

impl Matcher for Globs {
    const NAME: &'static str = "globset 0.4";
    const SEPARATOR: char = '/';
    type Input = Candidate<'static>;

    fn new(work: &Work) -> Result<Self, String> {
        topics_alone(work)?;
        let mut set = GlobSetBuilder::new();
        for (_, webhook) in work.wanted() {
            let text = webhook.pattern.as_str().replace('.', "/");
            let glob = GlobBuilder::new(&text).literal_separator(true).build();
            set.add(glob.expect("a glob"));
        }
        let numbers = work.wanted().map(|(number, _)| number).collect();
        Ok(Self { set: set.build().map_err(|error| error.to_string())?, numbers, found: RefCell::default() })
    }

    fn input(&self, topic: &'static str, _: &'static [(&'static str, &'static str)]) -> Self::Input {
        Candidate::new(topic)
    }

    fn find(&self, topic: &Self::Input, with: impl FnMut(u32)) {
        let mut found = self.found.borrow_mut();
        self.set.matches_candidate_into(topic, &mut found);
        found.iter().filter_map(|place| self.numbers.get(*place).copied()).for_each(with);
    }
}
