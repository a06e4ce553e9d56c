//! What several commands need of `tiermark.yaml`; `tiermark init` writes one.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use tiermark_model::catalog::CatalogError;
use tiermark_model::format::project::{PROJECT_FILE, Project};

use crate::error::Failure;
use crate::exit::Exit;
use crate::root::{self, folder_of};
use crate::ui::Ui;

/// `tiermark init`.
#[derive(Debug, Clone, Args)]
pub(crate) struct InitArgs {
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "tiermark.yaml")]
    pub(crate) file: PathBuf,
    /// The service's name [default: the folder's]
    #[arg(long)]
    pub(crate) name: Option<String>,
}

/// Reads the file; every fault is named with its place.
pub(crate) fn read(file: &Path) -> Result<Project, Failure> {
    let help = format!("`tiermark init` writes a {PROJECT_FILE} to start from; --file names another");
    let text = root::written(file, &help)?;
    Project::from_yaml(&file.display().to_string(), &text).map_err(|error| CatalogError::Format(vec![error]).into())
}

/// Writes a file with comments, unless there is one.
pub(crate) fn init(arguments: &InitArgs, ui: &Ui) -> Result<Exit, Failure> {
    let file = &arguments.file;
    if file.exists() {
        return Err(Failure::Usage(format!(
            "{} is there already\nremedy: remove it, or give --file another name",
            file.display()
        )));
    }
    let folder = folder_of(file);
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => folder_name(folder),
    };
    let text = Project::template(&name, folder);
    // What a program writes it must be able to read.
    Project::from_yaml(&file.display().to_string(), &text)
        .map_err(|error| Failure::from(CatalogError::Format(vec![error])))?;
    fs::write(file, text).map_err(|error| {
        Failure::Usage(format!(
            "{}: {error}\nremedy: give --file a path that can be written",
            file.display()
        ))
    })?;
    ui.note(&format!(
        "wrote {}: say in it where your service listens and what matters of it, then `tiermark gate --base main`",
        file.display()
    ));
    Ok(Exit::Done)
}

/// The folder's name as names are written here.
fn folder_name(folder: &Path) -> String {
    let own = folder
        .canonicalize()
        .ok()
        .and_then(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()));
    let name: String = own
        .unwrap_or_default()
        .to_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                c
            } else {
                '-'
            }
        })
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() {
        "service".to_owned()
    } else {
        name.to_owned()
    }
}
