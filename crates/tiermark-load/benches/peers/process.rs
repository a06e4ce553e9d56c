//! A generator's process: pinned, bounded in time, and what it used.

use std::error::Error;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How often its memory is looked at.
const SAMPLING: Duration = Duration::from_millis(250);

/// What a process did from its start to its end.
#[derive(Debug)]
pub struct Finished {
    pub stdout: String,
    /// Exit code; none after a signal.
    pub code: Option<i32>,
    /// User and system time of all its threads, in seconds.
    pub cpu_s: f64,
    pub wall_s: f64,
    /// Largest resident memory, in KiB.
    pub peak_rss_kib: u64,
    /// Resident memory in KiB, by seconds since the start.
    pub rss_kib: Vec<(f64, u64)>,
}

impl Finished {
    /// Resident memory at the last look before `seconds`.
    pub fn rss_kib_at(&self, seconds: f64) -> Option<u64> {
        self.rss_kib.iter().rfind(|(at, _)| *at <= seconds).map(|&(_, kib)| kib)
    }
}

/// A running program that does not outlive this value, nor this process.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Starts a program on one core, with its output piped.
    pub fn start(words: &[String], core: usize) -> Result<Self> {
        // Each of the two replaces itself by the next, so that the child's id is the program's. The kernel kills it where
        // this process dies without cleaning up.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "taskset", "-c", &core.to_string()])
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("cannot start setpriv (Debian package util-linux): {error}"))?;
        Ok(Self(child))
    }

    fn proc(&self, file: &str) -> std::io::Result<String> {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.0.id()))
    }

    /// A value of /proc/PID/status in KiB; 0 where it is gone.
    fn status_kib(&self, key: &str) -> u64 {
        self.proc("status").map_or(0, |status| status_kib(&status, key))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail harmlessly where it ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a generator on one core to its end, which must come within `limit`.
pub fn run(words: &[String], core: usize, limit: Duration) -> Result<Finished> {
    let began = Instant::now();
    let mut running = Running::start(words, core)?;
    let mut stdout = running.0.stdout.take().ok_or("no output")?;
    let (send, ended) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let outcome = stdout.read_to_string(&mut text).map(|_| text);
        let _ = send.send((outcome, Instant::now()));
    });
    let (mut peak_rss_kib, mut rss_kib) = (0, Vec::new());
    let (stdout, end) = loop {
        match ended.recv_timeout(SAMPLING) {
            Ok((outcome, end)) => break (outcome?, end),
            Err(RecvTimeoutError::Timeout) if began.elapsed() < limit => {
                peak_rss_kib = peak_rss_kib.max(running.status_kib("VmHWM"));
                rss_kib.push((began.elapsed().as_secs_f64(), running.status_kib("VmRSS")));
            }
            Err(_) => return Err(format!("`{}` did not end within {} s", words.join(" "), limit.as_secs()).into()),
        }
    };
    // Leaves it to be waited for: its times can be read until then, with those of its ended threads.
    let pid = Pid::from_child(&running.0);
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    let ticks = cpu_ticks(&running.proc("stat")?).ok_or("/proc/PID/stat is not understood")?;
    Ok(Finished {
        stdout,
        code: running.0.wait()?.code(),
        cpu_s: ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
        wall_s: (end - began).as_secs_f64(),
        peak_rss_kib,
        rss_kib,
    })
}

/// User and system time in clock ticks, from /proc/PID/stat (proc_pid_stat(5): fields 14 to 17): the process's own, and of
/// those it started and waited for.
pub fn cpu_ticks(stat: &str) -> Option<u64> {
    // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
    let (_, fields) = stat.rsplit_once(") ")?;
    let times: Vec<u64> = fields
        .split(' ')
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse().ok())
        .collect();
    (times.len() == 4).then(|| times.iter().sum())
}

/// A value of /proc/PID/status in KiB; 0 where there is none.
pub fn status_kib(status: &str, key: &str) -> u64 {
    status
        .lines()
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
        .find_map(|value| value.trim().strip_suffix(" kB")?.parse().ok())
        .unwrap_or(0)
}
