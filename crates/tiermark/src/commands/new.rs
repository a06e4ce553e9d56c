//! `tiermark new`: a new definition, made from one that builds and passes.

use std::fs;
use std::path::Path;

use tiermark_model::catalog::Catalog;
use tiermark_model::format::framework::Framework;
use tiermark_model::format::is_name;

use crate::cli::{Global, NewArgs, NewWhat};
use crate::error::Failure;
use crate::exit::Exit;
use crate::root;
use crate::ui::Ui;

/// Makes the folder and says what to do next.
pub(crate) fn run(global: &Global, arguments: &NewArgs, ui: &Ui) -> Result<Exit, Failure> {
    let NewWhat::Framework { name, like } = &arguments.what;
    let catalog = root::catalog(global)?;
    if catalog.root.starts_with(root::cache()) {
        return Err(Failure::Usage(
            "no folder with containers/ and scenarios/ lies here or above, so there is nothing to add a framework to\nremedy: work in a checkout of tiermark, or name such a folder with --root".to_owned(),
        ));
    }
    let model = model(&catalog, like.as_deref())?;
    // Before the name becomes a path.
    if !is_name(name) {
        return Err(Failure::Usage(format!(
            "`{name}` cannot be a framework's name\nremedy: small letters a-z, digits and -, beginning with a letter or digit"
        )));
    }
    let folder = catalog.framework_folder(name);
    if folder.exists() {
        return Err(Failure::Usage(format!(
            "{} is there already\nremedy: choose another name",
            folder.display()
        )));
    }
    let io = |error: std::io::Error| Failure::Machine(format!("{}: {error}", folder.display()));
    copy(&catalog.framework_folder(&model.name), &folder).map_err(io)?;
    let result = rename(&folder.join("framework.yaml"), name, model)
        .map_err(io)
        .and_then(|()| Ok(Catalog::read(&catalog.root)?));
    if let Err(failure) = result {
        // A name that validation refuses must leave nothing behind.
        fs::remove_dir_all(&folder).map_err(io)?;
        return Err(failure);
    }
    ui.result(&format!(
        "made {}, a copy of {} under another name\n\nnext\n  1. change its server and framework.yaml to what your framework is ({} says what it must answer)\n  2. tiermark verify --entries {name}\n  3. tiermark run quick --entries {name},{}",
        folder.display(),
        model.name,
        catalog.root.join("containers/CONTRACT.md").display(),
        model.name,
    ));
    Ok(Exit::Done)
}

/// What is copied: the framework named, else the first that has a container of its own.
fn model<'c>(catalog: &'c Catalog, like: Option<&str>) -> Result<&'c Framework, Failure> {
    let framework = match like {
        Some(name) => catalog.framework(name)?,
        None => (catalog.frameworks.iter().find(|framework| !framework.built_in))
            .ok_or_else(|| Failure::Usage("there is no framework yet that could be copied".to_owned()))?,
    };
    if framework.built_in {
        return Err(Failure::Usage(format!(
            "{} is built into the program and has no source to copy\nremedy: name another with --like",
            framework.name
        )));
    }
    Ok(framework)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Changes the top-level fields in place, so that the comments of the file stay.
fn rename(file: &Path, name: &str, model: &Framework) -> std::io::Result<()> {
    let text = fs::read_to_string(file)?;
    let lines = text.lines().map(|line| {
        if line.starts_with("name:") {
            format!("name: {name}")
        } else if line.starts_with("title:") {
            format!("title: {name} (made from {})", model.title)
        } else if line.starts_with("core:") {
            "core: false".to_owned()
        } else {
            line.to_owned()
        }
    });
    fs::write(file, lines.map(|line| line + "\n").collect::<String>())
}
