//! What the firmware does beyond its board. The host runs the same code and compares.
//!
//! A *batch* is a file of match tables with events for each; [`answer`](answer::answer) writes a line for every one.
#![no_std]

pub mod answer;
pub mod board;
pub mod counter;
pub mod demo;
pub mod part;
mod sections;
pub mod stack;

pub use sections::Sections;
