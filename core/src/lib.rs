//! The core of bellwire: it decides which webhooks an event is for, which bytes travel, and when to try again.
//!
//! Values go in (an event, a moment, an outcome) and values come out (webhooks, bytes, a decision). Nothing here
//! reads a clock, opens a socket or asks for memory: the crate builds for a microcontroller as it builds for a
//! server, and both run the same code.
//!
//! Features: `regexp` (on by default) runs regular expressions in filters; `wide` (on by default) takes tables beyond some
//! ten thousand webhooks or values, and makes matching twice the code; `alloc` lets tables grow while they are built;
//! `smoltcp` brings a transport for frames.
//!
//! # An event finds its webhooks
//!
//! ```
//! use bellwire_core::filter::{Filter, NoRegexps};
//! use bellwire_core::table::{Fixed, TableBuilder};
//! use bellwire_core::topic::{Topic, TopicPattern};
//!
//! let mut builder = TableBuilder::<Fixed<16, 8, 512>, NoRegexps>::new(NoRegexps);
//! let master = Filter::equals("sys.environment.sys.id", "master");
//! builder.add(7, &[TopicPattern::parse("Entry.*")?, TopicPattern::parse("*.publish")?], &[])?;
//! builder.add(3, &[TopicPattern::parse("Entry.publish")?], &[master])?;
//! let table = builder.build()?;
//!
//! let event = [("sys.environment.sys.id", "master")];
//! assert!(table.find(&Topic::parse("Entry.publish")?, &event).eq([3, 7]));
//! assert!(table.find(&Topic::parse("Asset.delete")?, &event).eq([]));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Floors
//!
//! A module imports from floors below its own and from nowhere else; a test reads this table and the imports.
//!
//! | floor | modules |
//! | ----- | ------- |
//! | 4 | [`delivery`] |
//! | 3 | [`table`] [`wire`] [`sign`] |
//! | 2 | [`event`] |
//! | 1 | [`id`] [`topic`] [`filter`] [`call`] |
//! | 0 | [`limits`] [`time`] `smoltcp_io` `steps` |
//!
//! `smoltcp_io` is there with the feature `smoltcp`: a TCP socket of smoltcp as a reader and writer of frames. `steps` counts
//! what matching does, with the feature `steps`, for a test.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

pub mod call;
pub mod delivery;
pub mod event;
pub mod filter;
pub mod id;
pub mod limits;
pub mod sign;
#[cfg(feature = "smoltcp")]
pub mod smoltcp_io;
#[cfg(feature = "steps")]
#[doc(hidden)]
pub mod steps;
#[cfg(not(feature = "steps"))]
mod steps;
pub mod table;
pub mod time;
pub mod topic;
pub mod wire;
