//! tiermark's formats on disk and its pure planning: no tokio, no network.
//!
//! Below: YAML definitions become a [`catalog::Catalog`], a catalog and a seed become a [`plan::Plan`], and what is
//! measured becomes the records of a [`run`].

pub mod catalog;
pub mod contract;
pub mod foreign;
pub mod format;
pub mod histogram;
pub mod host;
mod identity;
pub mod imported;
pub mod input;
pub mod kept_options;
pub mod load;
mod missing;
mod objective;
pub mod plan;
pub mod recording;
pub mod redact;
pub mod round;
pub mod run;
pub mod share;
pub mod trial;
pub mod verdict;
