//! Starts, checks and watches what tiermark measures. Knows images, not load.

pub mod address;
mod bases;
mod build_log;
pub mod container;
pub mod database;
pub mod docker;
pub mod engine;
mod engine_host;
pub mod error;
pub mod external;
pub mod host;
pub mod http;
pub mod images;
pub mod ledger;
pub mod observe;
pub mod owner;
pub mod postgres;
pub mod prepare;
pub mod process;
pub mod ready;
mod seed;
pub mod stage;
pub mod tables;
mod tls;
pub mod types;
pub mod verify;
pub mod web;
