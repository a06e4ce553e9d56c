//! From records to cells: which try counts, what was observed, what gives reason to warn.

pub mod curves;
pub(crate) mod group;
pub(crate) mod imported;
pub(crate) mod limiter;
pub(crate) mod pace;
pub mod steady;
pub mod view;
pub(crate) mod warnings;

pub use group::{Tries, counted, tries, valid};
