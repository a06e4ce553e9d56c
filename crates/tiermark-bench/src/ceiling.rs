//! How much this generator can do on this host: measured once, kept in the user's cache folder.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use tiermark_load::{Ceiling, LoadSpec, Stop, calibrate};
use tiermark_model::host::short_hash;
use tiermark_model::input::{self, InputKind};
use tiermark_model::load::{HttpVersion, Protocol};
use tiermark_stage::host;

use crate::event::{BenchEvent, EventSink};

/// The ceilings that are known: of the generator, by protocol and depth of pipelining.
pub struct Ceilings<'a> {
    /// The user's cache folder for this program.
    cache: &'a Path,
    sink: &'a EventSink,
    /// What was looked for once is not looked for again, found or not.
    known: HashMap<(Protocol, u32), Option<Ceiling>>,
}

impl<'a> Ceilings<'a> {
    /// Knows what the cache folder holds; `sink` is told what is measured now.
    #[must_use]
    pub fn new(cache: &'a Path, sink: &'a EventSink) -> Self {
        Self {
            cache,
            sink,
            known: HashMap::new(),
        }
    }

    /// The rate at which the generator is used up with the threads of this load, requests a second. It is measured once for each kind of
    /// load, on a host where it never was. None, if it is not known: of HTTP/2 and TLS, whose cost is not that of the null server's plain
    /// HTTP/1.1, and if it could not be measured, which is told and is no failure.
    pub fn per_s(&mut self, spec: &LoadSpec, stop: &Stop) -> Option<f64> {
        let plain = Protocol {
            http: HttpVersion::Http1,
            tls: false,
        };
        if spec.protocol != plain {
            return None;
        }
        let pipeline = spec.load.pipeline();
        let (cache, sink) = (self.cache, self.sink);
        let ceiling = (self.known.entry((spec.protocol, pipeline))).or_insert_with(|| {
            kept(&file(cache, pipeline), || {
                sink(BenchEvent::CeilingBegins);
                let core = spec.threads.first().copied().flatten();
                let unknown = |error: tiermark_load::LoadError| {
                    let reason = error.to_string();
                    sink(BenchEvent::CeilingUnknown { reason });
                };
                calibrate(core, pipeline, stop).map_err(unknown).ok()
            })
        });
        let threads = u32::try_from(spec.threads.len().max(1)).unwrap_or(u32::MAX);
        // A thread without a connection is not started.
        let threads = threads.min(spec.load.connections());
        ceiling.as_ref().map(|known| known.per_s(threads))
    }
}

/// One file for each host, program and depth: each has a ceiling of its own.
fn file(cache: &Path, pipeline: u32) -> PathBuf {
    let program = if cfg!(debug_assertions) { "debug" } else { "release" };
    let key = format!(
        "{}|{}|{program}|{pipeline}",
        host::facts().fingerprint(),
        env!("CARGO_PKG_VERSION")
    );
    cache
        .join("ceilings")
        .join(format!("{}.json", short_hash(key.as_bytes())))
}

/// What the file says, or else what is measured now and written there. A cache that cannot be written costs a second each
/// time and is no failure; one that cannot be read is measured anew.
fn kept(file: &Path, measure: impl FnOnce() -> Option<Ceiling>) -> Option<Ceiling> {
    let read = input::text(file, InputKind::Written)
        .ok()
        .and_then(|text| serde_json::from_str::<Ceiling>(&text).ok())
        .filter(|kept| kept.cpu_ns_per_request.is_finite() && kept.cpu_ns_per_request > 0.0);
    if read.is_some() {
        return read;
    }
    let ceiling = measure()?;
    if let Ok(text) = serde_json::to_string(&ceiling) {
        let _ = write(file, &text);
    }
    Some(ceiling)
}

/// Beside and renamed: two commands at once must not mix their bytes.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let partial = file.with_extension(format!("partial-{}", std::process::id()));
    fs::write(&partial, text)?;
    fs::rename(&partial, file)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn some(cpu_ns_per_request: f64) -> Option<Ceiling> {
        Some(Ceiling { cpu_ns_per_request })
    }

    #[test]
    fn is_measured_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a/b.json");
        assert_eq!(kept(&file, || None), None);
        assert!(!file.exists(), "what was not measured is not kept");
        assert_eq!(kept(&file, || some(12.5)), some(12.5));
        assert_eq!(kept(&file, || panic!("measured twice")), some(12.5));
        for broken in [
            "",
            "{}",
            r#"{"cpu_ns_per_request": 0}"#,
            r#"{"cpu_ns_per_request": -1}"#,
        ] {
            fs::write(&file, broken).unwrap();
            assert_eq!(kept(&file, || some(7.0)), some(7.0), "{broken}");
        }
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
        // A file where the folder should be: not written, still known.
        assert_eq!(kept(&file.join("c/d.json"), || some(3.0)), some(3.0));
    }

    #[test]
    fn each_depth_has_a_file() {
        let file = |pipeline| file(Path::new("cache"), pipeline);
        assert_ne!(file(1), file(16));
        assert_eq!(file(1), file(1));
    }
}
