//! Starts, checks and watches what tiermark measures. Knows images, not load.

pub mod address;
mod control_groups;
pub mod database;
pub mod engine;
pub mod error;
pub mod external;
pub mod freeze;
pub mod host;
pub mod http;
mod ignore;
pub mod ledger;
pub mod observe;
pub mod output;
pub mod owner;
pub mod probe;
pub mod process;
pub mod ready;
pub mod stage;
mod tls;
pub mod types;
pub mod verify;
pub mod web;
