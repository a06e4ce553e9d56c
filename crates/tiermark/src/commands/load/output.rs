//! Files for HdrHistogram's tools: opened before the load, written whole after it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tiermark_model::recording::Recording;
use tiermark_report::recording::{hgrm, hlog};

use super::arguments::LoadArgs;
use crate::error::Failure;

/// The files that are to be written.
pub(super) struct Outputs {
    hlog: Option<Output>,
    hgrm: Option<Output>,
}

impl Outputs {
    /// Opens them, so that a path that cannot be written costs no measurement. What stands in them stays until then.
    pub(super) fn open(arguments: &LoadArgs) -> Result<Self, Failure> {
        let open = |option, path: &Option<PathBuf>| path.as_deref().map(|path| Output::open(option, path)).transpose();
        Ok(Self {
            hlog: open("--hlog", &arguments.hlog)?,
            hgrm: open("--hgrm", &arguments.hgrm)?,
        })
    }

    /// Writes them.
    pub(super) fn write(self, recording: &Recording) -> Result<(), Failure> {
        if let Some(output) = self.hlog {
            output.write(&hlog(recording).map_err(Failure::Machine)?)?;
        }
        if let Some(output) = self.hgrm {
            output.write(hgrm(&recording.response).as_bytes())?;
        }
        Ok(())
    }
}

struct Output {
    path: PathBuf,
    file: File,
}

impl Output {
    fn open(option: &str, path: &Path) -> Result<Self, Failure> {
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|error| Failure::Usage(format!("{option} {}: {error}", path.display())))?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    fn write(mut self, bytes: &[u8]) -> Result<(), Failure> {
        let write = |file: &mut File| {
            // A pipe or a device has no length to be cut to.
            if file.metadata()?.is_file() {
                file.set_len(0)?;
            }
            file.write_all(bytes)
        };
        write(&mut self.file).map_err(|error| Failure::Machine(format!("{}: {error}", self.path.display())))
    }
}
