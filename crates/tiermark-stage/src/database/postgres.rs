//! PostgreSQL from the machine's own binaries, for the process runner: a private cluster that lives as long as a run.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tiermark_model::run::NotBuilt;
use tokio::process::Command;

use crate::error::StageError;
use crate::ledger::FOLDER_PREFIX;
use crate::output::{LOG_LINES, last_lines};
use crate::process::{Group, STOP_PATIENCE, Spawn, StopSignal};
use crate::ready::Liveness;
use crate::types::{PrepareError, Watch};

/// User of the database, and its only one.
pub const USER: &str = "benchmark";
/// Name of the database.
pub const DATABASE: &str = "benchmark";
/// The command that would install what is missing.
const INSTALL: &str = "apt-get install postgresql";
/// Where Debian and Ubuntu keep the binaries, one folder a version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The library that the committed configuration preloads.
const PRELOADED: &str = "pg_stat_statements";

/// The programs of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder of `initdb` and `postgres`.
    pub folder: PathBuf,
}

impl Binaries {
    /// Finds the newest of Debian's versions, else the ones on the PATH.
    ///
    /// # Errors
    /// [`PrepareError::NotBuilt`] with the command that would install them.
    pub fn find() -> Result<Self, PrepareError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self::find_in(Path::new(DEBIAN), &std::env::split_paths(&path).collect::<Vec<_>>())
    }

    /// As [`Binaries::find`], in other places: for tests.
    ///
    /// # Errors
    /// As [`Binaries::find`].
    pub fn find_in(versions: &Path, path: &[PathBuf]) -> Result<Self, PrepareError> {
        let mut found: Vec<(u32, PathBuf)> = (fs::read_dir(versions).into_iter().flatten())
            .filter_map(|entry| {
                Some((
                    entry.as_ref().ok()?.file_name().to_str()?.parse().ok()?,
                    entry.ok()?.path().join("bin"),
                ))
            })
            .filter(|(_, folder)| is_whole(folder))
            .collect();
        found.sort();
        let newest = found.pop().map(|(_, folder)| folder);
        // A link on the PATH leads to the installation, next to which its libraries lie.
        let linked = || {
            path.iter()
                .filter(|folder| is_whole(folder))
                .find_map(|folder| Some(fs::canonicalize(folder.join("postgres")).ok()?.parent()?.to_owned()))
        };
        newest.or_else(linked).map(|folder| Self { folder }).ok_or_else(|| {
            PrepareError::NotBuilt(NotBuilt::NotBuildableHere {
                reason: "PostgreSQL is missing: `initdb` and `postgres` were not found on the PATH or below /usr/lib/postgresql".to_owned(),
                remedy: format!("{INSTALL}, or give a database of your own by DATABASE_URL"),
            })
        })
    }

    fn program(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Minimal installations lack the contributed libraries, and a server that cannot preload one does not start.
    fn has_library(&self, name: &str) -> bool {
        let file = format!("{name}.so");
        ["../lib", "../lib/postgresql", "../lib64/pgsql", "../lib/pgsql"]
            .iter()
            .any(|folder| self.folder.join(folder).join(&file).exists())
    }
}

fn is_whole(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|name| folder.join(name).is_file())
}

/// How a cluster is started.
#[derive(Debug, Clone)]
pub struct ClusterOptions<'a> {
    /// The committed `postgresql.conf`.
    pub configuration: &'a Path,
    /// Port on the loopback interface.
    pub port: u16,
    /// Cores it is pinned to.
    pub cores: &'a [usize],
    /// Limit of open files.
    pub files: u64,
}

/// A cluster made, but not yet running: its folder is known, so that it can be recorded first.
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    folder: PathBuf,
    user: Option<(u32, u32)>,
    password: String,
}

/// A private PostgreSQL server. It is ready when its tables say so.
#[derive(Debug)]
pub struct LocalPostgres {
    group: Group,
    folder: PathBuf,
    port: u16,
    password: String,
}

impl Cluster {
    /// Makes an empty private folder. PostgreSQL refuses to run as root: then the folder belongs to an unprivileged user.
    ///
    /// # Errors
    /// PostgreSQL is missing, or the folder could not be made.
    pub fn lay_out() -> Result<Self, PrepareError> {
        let binaries = Binaries::find()?;
        let user = unprivileged_user().map_err(PrepareError::Stage)?;
        let made = tempfile::Builder::new()
            .prefix(&format!("{FOLDER_PREFIX}postgres-"))
            .tempdir();
        // Kept: it outlives this value, and the ledger removes it after a kill.
        let folder = made
            .map_err(|error| StageError::Io {
                path: std::env::temp_dir(),
                error,
            })?
            .keep();
        give(&folder, user)?;
        Ok(Self {
            binaries,
            folder,
            user,
            password: random_password()?,
        })
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the cluster and starts its server; whatever happens, an error leaves nothing behind.
    ///
    /// # Errors
    /// The command that failed, with its last lines.
    pub async fn start(self, options: &ClusterOptions<'_>) -> Result<LocalPostgres, StageError> {
        let made = match self.initialise().await {
            Ok(()) => self.spawn(options),
            Err(error) => Err(error),
        };
        match made {
            Ok(group) => Ok(LocalPostgres {
                group,
                folder: self.folder,
                port: options.port,
                password: self.password,
            }),
            Err(error) => {
                let _ = fs::remove_dir_all(&self.folder);
                Err(error)
            }
        }
    }

    async fn initialise(&self) -> Result<(), StageError> {
        let file = self.folder.join("password");
        fs::write(&file, &self.password).map_err(StageError::io(&file))?;
        give(&file, self.user)?;
        let data = self.folder.join("data");
        let mut command = Command::new(self.binaries.folder.join("initdb"));
        command.arg("-D").arg(&data).args([
            "-U",
            USER,
            "--auth-local=reject",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
        ]);
        // As the container's: with the C locale an index on text compares bytes. No sync: the data lives as long as a run.
        command
            .args(["--locale=C.UTF-8", "--no-sync"])
            .arg("--pwfile")
            .arg(&file)
            .current_dir(&self.folder);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        run_to_end(command, "initdb").await?;
        fs::remove_file(&file).map_err(StageError::io(&file))
    }

    fn spawn(&self, options: &ClusterOptions<'_>) -> Result<Group, StageError> {
        // Copied: the user that PostgreSQL runs as may not be allowed to read the original's folder.
        let configuration = self.folder.join("postgresql.conf");
        fs::copy(options.configuration, &configuration).map_err(StageError::io(options.configuration))?;
        give(&configuration, self.user)?;
        let mut command = vec![
            self.binaries.program("postgres"),
            "-D".to_owned(),
            self.folder.join("data").display().to_string(),
        ];
        let mut set = |name: &str, value: &str| command.extend(["-c".to_owned(), format!("{name}={value}")]);
        set("config_file", &configuration.display().to_string());
        set("listen_addresses", "127.0.0.1");
        set("port", &options.port.to_string());
        // None is needed: everybody connects as the container's clients do.
        set("unix_socket_directories", "");
        if !self.binaries.has_library(PRELOADED) {
            set("shared_preload_libraries", "");
        }
        Spawn {
            name: "postgres",
            command: &command,
            folder: &self.folder,
            cores: options.cores,
            files: Some(options.files),
            environment: &BTreeMap::from([("LC_ALL".to_owned(), "C.UTF-8".to_owned())]),
            user: self.user,
            stop_signal: StopSignal::Interrupt,
            control_group: None,
        }
        .start()
    }
}

impl LocalPostgres {
    /// Process id of the server, the leader of its group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.group.id()
    }

    /// The address of a database of this server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How to watch it.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch::Processes { root: self.group.id() }
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The system's word if it cannot tell.
    pub fn state(&mut self) -> Result<Option<String>, StageError> {
        self.group.ended()
    }

    /// Its last log lines.
    #[must_use]
    pub fn logs(&self, lines: usize) -> String {
        self.group.logs(lines)
    }

    /// Ends the server (fast shutdown) and removes its folder.
    ///
    /// # Errors
    /// The server could not be ended, or the folder not be removed.
    pub async fn stop(&mut self) -> Result<(), StageError> {
        self.group.stop(STOP_PATIENCE).await?;
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StageError::Io {
                path: self.folder.clone(),
                error,
            }),
            _ => Ok(()),
        }
    }
}

impl Liveness for LocalPostgres {
    async fn ended(&mut self) -> Option<String> {
        self.state()
            .unwrap_or(None)
            .map(|how| format!("{how}\n{}", self.logs(LOG_LINES)))
    }
}

async fn run_to_end(mut command: Command, what: &str) -> Result<(), StageError> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| StageError::Process {
        what: what.to_owned(),
        error,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = last_lines(&said, LOG_LINES);
    Err(StageError::Process {
        what: what.to_owned(),
        error: io::Error::other(format!("{}\n{last}", output.status)),
    })
}

fn give(path: &Path, user: Option<(u32, u32)>) -> Result<(), StageError> {
    let Some((user, group)) = user else { return Ok(()) };
    std::os::unix::fs::chown(path, Some(user), Some(group)).map_err(StageError::io(path))
}

/// Whom PostgreSQL runs as when root starts it: `postgres` if the package made it, else `nobody`. None: as ourselves.
fn unprivileged_user() -> Result<Option<(u32, u32)>, StageError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let path = Path::new("/etc/passwd");
    let text = fs::read_to_string(path).map_err(StageError::io(path))?;
    let found = ["postgres", "nobody"].iter().find_map(|name| user_in(&text, name));
    found.map(Some).ok_or_else(|| {
        StageError::Other(
            "PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`".to_owned(),
        )
    })
}

/// User and group id of a name in a passwd(5) file.
fn user_in(text: &str, name: &str) -> Option<(u32, u32)> {
    let fields: Vec<&str> = text
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.first() == Some(&name))?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

/// A password of a run's own, in hex so that no URL has to escape it.
///
/// # Errors
/// The system's source of randomness could not be read.
pub fn random_password() -> Result<String, StageError> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; 16];
    fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(StageError::io(path))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_newest_installation_is_taken_and_a_missing_one_has_a_remedy() {
        let place = tempfile::tempdir().unwrap();
        for version in ["9", "15", "17"] {
            let folder = place.path().join(version).join("bin");
            fs::create_dir_all(&folder).unwrap();
            // Version 17 has the client's programs only.
            let names: &[&str] = if version == "17" {
                &["psql"]
            } else {
                &["initdb", "postgres"]
            };
            names.iter().for_each(|name| fs::write(folder.join(name), "").unwrap());
        }
        assert_eq!(
            Binaries::find_in(place.path(), &[]).unwrap().folder,
            place.path().join("15/bin")
        );
        let on_path = place.path().join("9/bin");
        assert_eq!(
            Binaries::find_in(Path::new("/nonexistent"), std::slice::from_ref(&on_path))
                .unwrap()
                .folder,
            fs::canonicalize(&on_path).unwrap()
        );
        let missing = Binaries::find_in(Path::new("/nonexistent"), &[]).unwrap_err();
        assert!(missing.to_string().contains("apt-get install postgresql"), "{missing}");
    }

    #[test]
    fn users_are_found() {
        let text = "root:x:0:0::/root:/bin/sh\npostgres:x:101:104:a:/:/bin/sh\n";
        assert_eq!(user_in(text, "postgres"), Some((101, 104)));
        assert_eq!(user_in(text, "nobody"), None);
    }

    #[test]
    fn passwords_differ() {
        let (one, other) = (random_password().unwrap(), random_password().unwrap());
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }
}
