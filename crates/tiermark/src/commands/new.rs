//! `tiermark new`: a new definition, made from one that builds and passes, or a profile to be filled in.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use clap::{Args, Subcommand};
use tiermark_model::catalog::Catalog;
use tiermark_model::format::framework::Framework;
use tiermark_model::format::is_name;

use crate::error::Failure;
use crate::exit::Exit;
use crate::options::Global;
use crate::root;
use crate::ui::Ui;

/// `tiermark new`.
#[derive(Debug, Clone, Args)]
pub(crate) struct NewArgs {
    /// What to make.
    #[command(subcommand)]
    pub(crate) what: NewWhat,
}

/// What to make.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum NewWhat {
    /// A framework's folder that builds and passes
    Framework {
        /// Its name: small letters, digits and -
        name: String,
        /// The framework it is made from [default: the first there is]
        #[arg(long, value_name = "FRAMEWORK")]
        like: Option<String>,
    },
    /// A team's profile for `recommend`: a file here, with every field explained
    Profile {
        /// Its name: small letters, digits and -
        name: String,
    },
}

/// Every field of a profile, explained.
const PROFILE: &str = include_str!("profile.yaml");

/// Makes what is asked for and says what to do next.
pub(crate) fn run(global: &Global, arguments: &NewArgs, ui: &Ui) -> Result<Exit, Failure> {
    match &arguments.what {
        NewWhat::Framework { name, like } => framework(global, name, like.as_deref(), ui),
        NewWhat::Profile { name } => profile(name, ui),
    }
}

fn profile(name: &str, ui: &Ui) -> Result<Exit, Failure> {
    check_name("profile", name)?;
    let file = Path::new(name).with_extension("yaml");
    let text = PROFILE.replacen("name: my-team", &format!("name: {name}"), 1);
    let written = fs::File::create_new(&file).and_then(|mut new| new.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::Usage(format!(
            "{} is there already\nremedy: choose another name",
            file.display()
        )),
        _ => Failure::Machine(format!("{}: {error}", file.display())),
    })?;
    ui.result(&format!(
        "made {0}\n\nnext\n  1. change it to what your team needs; its comments say what each field does\n  2. tiermark recommend --profile {0}",
        file.display()
    ));
    Ok(Exit::Done)
}

fn check_name(what: &str, name: &str) -> Result<(), Failure> {
    if is_name(name) {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "`{name}` cannot be a {what}'s name\nremedy: small letters a-z, digits and -, beginning with a letter or digit"
    )))
}

fn framework(global: &Global, name: &str, like: Option<&str>, ui: &Ui) -> Result<Exit, Failure> {
    let catalog = root::catalog(global)?;
    if catalog.root.starts_with(root::cache()) {
        return Err(Failure::Usage(
            "no folder with containers/ and scenarios/ lies here or above, so there is nothing to add a framework to\nremedy: work in a checkout of tiermark, or name such a folder with --root".to_owned(),
        ));
    }
    let model = model(&catalog, like)?;
    // Before the name becomes a path.
    check_name("framework", name)?;
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use tiermark_model::format::criterion::Criterion;
    use tiermark_model::format::profile::Profile;

    #[test]
    fn the_profile_to_start_from_is_one_and_names_every_criterion() {
        let catalog = Catalog::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
        let profile = Profile::from_yaml("my-team.yaml", PROFILE, Some("my-team"), &catalog.known().unwrap());
        assert_eq!(profile.unwrap().name, "my-team");
        let words: Vec<&str> = PROFILE
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .collect();
        for name in Criterion::names() {
            assert!(words.contains(&name), "{name} is not explained");
        }
    }
}
