//! Process groups: started pinned and limited, logged to a file without a name, ended as a whole.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tiermark_model::contract;

use crate::error::StageError;
use crate::output::last_lines;

/// Bytes from the end of a log in which its last lines are looked for.
const TAIL: u64 = 64 * 1024;
/// Pause between two looks at whether a group has ended.
const LOOK: Duration = Duration::from_millis(10);
/// After SIGKILL a group ends at once; a process in an uninterruptible wait may take a little.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// Variables of the user's own shell that a server must not see: connections of their own, and tuning that would be
/// measured as the framework's.
const HIDDEN: [&str; 22] = [
    "PGHOST",
    "PGPORT",
    "PGUSER",
    "PGPASSWORD",
    "PGDATABASE",
    "PGSERVICE",
    "PGOPTIONS",
    "PGDATA",
    "WEB_CONCURRENCY",
    "GOMAXPROCS",
    "GOGC",
    "GOMEMLIMIT",
    "GODEBUG",
    "NODE_OPTIONS",
    "NODE_ENV",
    "UV_THREADPOOL_SIZE",
    "PYTHONOPTIMIZE",
    "PYTHONDEVMODE",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "TOKIO_WORKER_THREADS",
    "MALLOC_ARENA_MAX",
];

/// The shell's part: the limit of files, the control group, then the program in its place.
const SHELL: &str = r#"ulimit -n "$0" 2>/dev/null; [ -z "$1" ] || echo $$ 2>/dev/null >"$1"; shift; exec "$@""#;

/// The signal that asks a group to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM: servers.
    Terminate,
    /// SIGINT: PostgreSQL's fast shutdown, which does not wait for clients to leave.
    Interrupt,
}

impl StopSignal {
    fn signal(self) -> Signal {
        match self {
            StopSignal::Terminate => Signal::TERM,
            StopSignal::Interrupt => Signal::INT,
        }
    }
}

/// A command with the way it is started.
#[derive(Debug)]
pub struct Spawn<'a> {
    /// Name for people.
    pub name: &'a str,
    pub command: &'a [String],
    pub folder: &'a Path,
    /// Cores it is pinned to; empty: none in particular.
    pub cores: &'a [usize],
    /// Limit of open files; none: as it is.
    pub files: Option<u64>,
    /// Variables in addition to the user's own.
    pub environment: &'a BTreeMap<String, String>,
    /// User and group id it runs as; none: the caller's.
    pub user: Option<(u32, u32)>,
    /// The signal that asks it to end.
    pub stop_signal: StopSignal,
    /// File of a control group that it joins before it starts anything; only with a limit of files.
    pub control_group: Option<PathBuf>,
}

impl Spawn<'_> {
    /// Starts it as the leader of a process group of its own.
    ///
    /// # Errors
    /// [`StageError::Process`] if the system refuses.
    pub fn start(&self) -> Result<Group, StageError> {
        let failed = |error| StageError::Process {
            what: format!("starting {} ({})", self.name, self.command.join(" ")),
            error,
        };
        // Without a name, so that not even a kill of tiermark leaves it behind.
        let log = tempfile::tempfile().map_err(failed)?;
        let mut command = self.command(&log).map_err(failed)?;
        let child = spawn_pinned(&mut command, self.cores).map_err(failed)?;
        Ok(Group {
            name: self.name.to_owned(),
            child,
            log,
            stop_signal: self.stop_signal,
            ended: None,
        })
    }

    fn command(&self, log: &File) -> io::Result<Command> {
        let (program, arguments) = self
            .command
            .split_first()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "empty command"))?;
        let mut command = match self.files {
            // The shell sets the limit and becomes the server: set from outside, it would come after runtimes have read it.
            Some(files) => {
                let mut shell = Command::new("/bin/sh");
                let group = self.control_group.as_deref().unwrap_or(Path::new(""));
                shell.args(["-c", SHELL]).arg(files.to_string()).arg(group).arg(program);
                shell
            }
            None => Command::new(program),
        };
        command.args(arguments).current_dir(self.folder).process_group(0);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?);
        for name in HIDDEN.iter().chain(&contract::ENVIRONMENT) {
            command.env_remove(name);
        }
        command.envs(self.environment);
        if let Some((user, group)) = self.user {
            // The standard library drops root's supplementary groups with it.
            command.uid(user).gid(group);
        }
        Ok(command)
    }
}

/// Starts the child from a thread that is itself pinned: affinity is inherited (sched_setaffinity(2)), so that no thread of
/// the child ever runs elsewhere. Setting it from outside afterwards would miss threads that exist by then.
fn spawn_pinned(command: &mut Command, cores: &[usize]) -> io::Result<Child> {
    if cores.is_empty() {
        return command.spawn();
    }
    std::thread::scope(|scope| {
        let spawning = scope.spawn(|| {
            pin_thread(cores)?;
            command.spawn()
        });
        spawning
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the starting thread panicked")))
    })
}

#[cfg(target_os = "linux")]
pub(crate) fn pin_thread(cores: &[usize]) -> io::Result<()> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    let mut set = CpuSet::new();
    for core in cores {
        // `CpuSet::set` panics beyond its size.
        if *core >= CpuSet::MAX_CPU {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("there is no core {core}"),
            ));
        }
        set.set(*core);
    }
    Ok(sched_setaffinity(None, &set)?)
}

/// This system has no binding affinity.
#[cfg(not(target_os = "linux"))]
pub(crate) fn pin_thread(_cores: &[usize]) -> io::Result<()> {
    Ok(())
}

/// A process group that tiermark started.
#[derive(Debug)]
pub struct Group {
    name: String,
    child: Child,
    log: File,
    stop_signal: StopSignal,
    ended: Option<ExitStatus>,
}

impl Group {
    /// Process id of the leader, which is the group's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the leader ended, if it has: `exited with status 1`.
    ///
    /// # Errors
    /// The system's word if it cannot tell.
    pub fn ended(&mut self) -> Result<Option<String>, StageError> {
        if self.ended.is_none() {
            let waited = self.child.try_wait();
            self.ended = waited.map_err(|error| StageError::Process {
                what: format!("watching {}", self.name),
                error,
            })?;
        }
        Ok(self.ended.map(describe))
    }

    /// The last lines of its standard output and error.
    #[must_use]
    pub fn logs(&self, lines: usize) -> String {
        tail_of(&self.log, lines).unwrap_or_default()
    }

    /// Asks the whole group to end, kills what is left after `patience`, and reaps the leader.
    ///
    /// # Errors
    /// The system's word if members are left after SIGKILL.
    pub async fn stop(&mut self, patience: Duration) -> Result<(), StageError> {
        if self.ended()?.is_some() && !group_lives(self.id()) {
            return Ok(());
        }
        signal_group(self.id(), self.stop_signal.signal());
        if !self.gone_within(patience).await? {
            signal_group(self.id(), Signal::KILL);
            if !self.gone_within(KILL_PATIENCE).await? {
                let error = io::Error::new(io::ErrorKind::TimedOut, "members are left after SIGKILL");
                return Err(StageError::Process {
                    what: format!("stopping {}", self.name),
                    error,
                });
            }
        }
        Ok(())
    }

    async fn gone_within(&mut self, patience: Duration) -> Result<bool, StageError> {
        let begun = Instant::now();
        loop {
            // The leader is reaped first: unreaped, it would count as a member for ever.
            if self.ended()?.is_some() && !group_lives(self.id()) {
                return Ok(true);
            }
            if begun.elapsed() >= patience {
                return Ok(false);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Last resort if a path was left without [`Group::stop`] (a panic, a dropped future): SIGKILL needs no waiting.
impl Drop for Group {
    fn drop(&mut self) {
        if self.ended.is_none() {
            signal_group(self.id(), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// Sends a signal to a group; that it may be gone already is no error.
pub(crate) fn signal_group(id: u32, signal: Signal) {
    if let Some(group) = i32::try_from(id).ok().filter(|id| *id > 1).and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}

/// Whether a group has a member that runs. Zombies do not count: if nobody reaps orphans, as in a container without
/// an init process, they stay for ever.
#[cfg(target_os = "linux")]
pub(crate) fn group_lives(id: u32) -> bool {
    crate::observe::all_processes()
        .iter()
        .any(|process| process.group == id && process.state != 'Z' && process.state != 'X')
}

/// Whether a group has a member.
#[cfg(not(target_os = "linux"))]
pub(crate) fn group_lives(id: u32) -> bool {
    let group = i32::try_from(id).ok().and_then(Pid::from_raw);
    group.is_some_and(|group| rustix::process::test_kill_process_group(group).is_ok())
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => {
            let name = signal_name(signal).map(|name| format!(" ({name})"));
            format!("killed by signal {signal}{}", name.unwrap_or_default())
        }
        (None, None) => status.to_string(),
    }
}

/// The name of a signal that ends programs.
pub(crate) fn signal_name(number: i32) -> Option<&'static str> {
    let known = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::SYS, "SIGSYS"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU"),
        (Signal::XFSZ, "SIGXFSZ"),
    ];
    let found = known.into_iter().find(|(signal, _)| signal.as_raw() == number);
    found.map(|(_, name)| name)
}

fn tail_of(log: &File, lines: usize) -> io::Result<String> {
    let length = log.metadata()?.len();
    let start = length.saturating_sub(TAIL);
    let mut bytes = vec![0; usize::try_from(length - start).unwrap_or(0)];
    // Reading at a place leaves the writers' shared position where it is.
    let count = log.read_at(&mut bytes, start)?;
    Ok(last_lines(&String::from_utf8_lossy(&bytes[..count]), lines))
}
