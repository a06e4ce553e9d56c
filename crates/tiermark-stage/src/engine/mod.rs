//! The container engine: what it builds, runs and keeps for us.
//!
//! Each file uses only those below it:
//!
//! | file | task |
//! |---|---|
//! | `containers` | starts, watches and removes containers |
//! | `images` | the images of entries, services and folders; lists and removes what was built |
//! | `build` | makes one image with all the bases it needs |
//! | `bases`, `context`, `dockerfile`, `build_log` | what builds are made from, and what they print; these ask no engine |
//! | `docker` | the client, one method a call: the only file that names a bollard type |
//! | `calls` | what the client is asked and what it answers |
//! | `fault` | what the engine's refusals mean |
//! | `facts`, `labels`, `kernel` | what is known of the engine, what is ours in it, what the kernel says of both |

mod bases;
mod build;
mod build_log;
mod calls;
mod containers;
mod context;
mod docker;
mod dockerfile;
mod facts;
mod fault;
mod images;
mod kernel;
mod labels;

pub use bases::ca_bundle_of_host;
pub use build::{BaseMode, BuildOptions};
pub use calls::ContainerState;
pub use containers::{Container, Containers, Leftover};
pub use docker::Docker;
pub use facts::EngineFacts;
pub use images::{Images, TaggedImage};
