//! A PostgreSQL of the test's own, from the machine's own programs, with the contract's tables.

use std::error::Error as StdError;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::support::Outcome;

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const ROWS: &str = "
    INSERT INTO world SELECT id, 1 + id * 7 % 10000 FROM generate_series(1, 10000) id;
    INSERT INTO cachedworld SELECT id, 1 + id * 7 % 10000 FROM generate_series(1, 10000) id;
    ANALYZE;
    CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
    ALTER DATABASE postgres SET pg_stat_statements.track = 'top';";

pub(crate) struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    user: Option<(u32, u32)>,
    port: u16,
    process: Child,
}

impl Postgres {
    /// Runs and holds the tables.
    pub(crate) async fn start() -> Result<Self, Box<dyn StdError>> {
        let programs =
            programs().ok_or("PostgreSQL is missing: no `initdb` on the PATH or below /usr/lib/postgresql")?;
        let user = user()?;
        let folder = tempfile::tempdir()?;
        if let Some((id, group)) = user {
            chown(folder.path(), Some(id), Some(group))?;
        }
        let made = command(&programs.join("initdb"), user)
            .args([
                "--auth=trust",
                "--username=bench",
                "--encoding=UTF8",
                "--no-sync",
                "--pgdata",
            ])
            .arg(folder.path().join("data"))
            .output()?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into());
        }
        let settings = fs::read_to_string(service("postgresql.conf"))?;
        fs::write(folder.path().join("data/postgresql.conf"), settings)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = run(&programs, user, folder.path(), port)?;
        let postgres = Self {
            folder,
            programs,
            user,
            port,
            process,
        };
        let client = postgres.connect().await?;
        for script in ["schema.sql", "fortune.sql"] {
            client.batch_execute(&fs::read_to_string(service(script))?).await?;
        }
        client.batch_execute(ROWS).await?;
        Ok(postgres)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://bench:secret@127.0.0.1:{}/postgres", self.port)
    }

    /// Waits until it answers.
    pub(crate) async fn connect(&self) -> Result<Client, Box<dyn StdError>> {
        let began = Instant::now();
        loop {
            match tokio_postgres::connect(&self.url(), NoTls).await {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    return Ok(client);
                }
                Err(error) if began.elapsed() > PATIENCE => return Err(error.into()),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Ends it at once, connections and all.
    pub(crate) fn halt(&mut self) -> std::io::Result<()> {
        // SIGINT, which is its fast shutdown: killed, it would leave its children and its shared memory behind.
        let id = self.process.id().to_string();
        Command::new("kill").args(["-INT", &id]).status()?;
        self.process.wait()?;
        Ok(())
    }

    /// Runs it again, on the same port.
    pub(crate) async fn resume(&mut self) -> Outcome {
        self.process = run(&self.programs, self.user, self.folder.path(), self.port)?;
        self.connect().await?;
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // What is left of it when this fails is a process of a test that has failed too.
        let _ = self.halt();
    }
}

fn service(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../containers/services/postgres")
        .join(name)
}

fn run(programs: &Path, user: Option<(u32, u32)>, folder: &Path, port: u16) -> std::io::Result<Child> {
    command(&programs.join("postgres"), user)
        .arg("-D")
        .arg(folder.join("data"))
        .args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "log_min_messages=panic",
            "-c",
            &format!("port={port}"),
        ])
        .arg("-c")
        .arg(format!("unix_socket_directories={}", folder.display()))
        .spawn()
}

fn command(program: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some((id, group)) = user {
        command.uid(id).gid(group);
    }
    command
}

/// The folder of `initdb` and `postgres`: on the PATH, or where Debian puts them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    std::env::split_paths(&path)
        .chain(debian)
        .find(|folder| ["initdb", "postgres"].iter().all(|name| folder.join(name).is_file()))
}

/// Whom it runs as: it refuses to run as root. None: as ourselves.
fn user() -> Result<Option<(u32, u32)>, Box<dyn StdError>> {
    use std::os::unix::fs::MetadataExt;
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let named = |name: &str| {
        let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let user = fields.into_iter().find(|fields| fields.first() == Some(&name))?;
        Some((user.get(2)?.parse().ok()?, user.get(3)?.parse().ok()?))
    };
    let found = named("postgres").or_else(|| named("nobody"));
    Ok(Some(found.ok_or("neither a user `postgres` nor `nobody`")?))
}
