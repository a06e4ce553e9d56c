//! Listening, an event loop a worker, and an orderly end.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

use crate::connection::Protocols;
use crate::database::WorkerDatabase;
use crate::routes::{SharedState, Upstream, UpstreamService, WorkerSockets, WorkerState};
use crate::tls::TlsIdentity;
use crate::{Config, Error};

/// How long a server that was told to stop waits for the answers it has begun: a second less than the contract has it end
/// within.
pub const DRAIN: Duration = Duration::from_secs(4);

/// Connections that may wait to be accepted: all that a load level opens at once. The kernel lowers it to its own limit.
const BACKLOG: i32 = 4096;

/// Rest after a failed accept, lest a full file table turn the event loop into a busy one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A server that listens already: connections queue until [`Server::run`].
pub struct Server {
    address: SocketAddr,
    listeners: Vec<StdListener>,
    databases: Vec<WorkerDatabase>,
    service: Option<UpstreamService>,
    report: fn(&str),
    tls: Arc<TlsIdentity>,
    drain: Duration,
}

/// Binds and serves until `stop` resolves; see [`Server::bind`] and [`Server::run`].
///
/// # Errors
/// Those of [`Server::bind`] and [`Server::run`].
pub fn serve(config: Config, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
    Server::bind(config)?.run(stop)
}

impl Server {
    /// Listens on `config.address`, once a worker. Connections to the database are made when first needed, so a
    /// database that is down shows in replies (500), not here.
    ///
    /// # Errors
    /// A number out of range, an unreadable URL of the database or the service, a TLS certificate or key that cannot be used, or an address
    /// that cannot be listened on.
    pub fn bind(config: Config) -> Result<Self, Error> {
        config.check()?;
        let databases = WorkerDatabase::pools(&config)?;
        let service = match &config.upstream_url {
            Some(url) => Some(UpstreamService::from_url(url).ok_or(Error::UpstreamUrl)?),
            None => None,
        };
        let tls = Arc::new(TlsIdentity::new(config.tls.as_ref())?);
        let (address, listeners) = listen(config.address, config.workers).map_err(|source| Error::Listen {
            address: config.address,
            source,
        })?;
        Ok(Self {
            address,
            listeners,
            databases,
            service,
            report: |_| {},
            tls,
            drain: DRAIN,
        })
    }

    /// Has `report` called with every fault that is not a client's, such as a database that does not answer: the client
    /// is told by a status, and whoever runs the server by this. Without it nobody is.
    #[must_use]
    pub fn report_to(mut self, report: fn(&str)) -> Self {
        self.report = report;
        self
    }

    /// Waits this long for the answers it has begun when it is told to stop, in place of [`DRAIN`].
    #[must_use]
    pub fn drain_for(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// Where the server listens, with the port that the kernel chose if it was asked to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` resolves, which is polled on a tokio runtime on this thread. Then nothing more is
    /// accepted, idle connections are closed, and what is being answered has [`DRAIN`] to end.
    ///
    /// # Errors
    /// A worker that could not start or that panicked; the others are stopped first.
    pub fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let address = self.address;
        let control = event_loop(address)?;
        let (stopper, stopping) = watch::channel(());
        let (ending, mut ended) = mpsc::unbounded_channel();
        let (workers, started) = self.start(&stopping, &ending);
        if started.is_ok() {
            control.block_on(async {
                tokio::select! { () = stop => {}, _ = ended.recv() => {} }
            });
        }
        drop(stopper);
        started.and(join(address, workers))
    }

    /// Starts the workers; those that did start are returned even if a later one did not.
    fn start(
        self,
        stopping: &watch::Receiver<()>,
        ending: &mpsc::UnboundedSender<()>,
    ) -> (Vec<Thread>, Result<(), Error>) {
        let mut workers = Vec::with_capacity(self.listeners.len());
        // Cycled: there are fewer pools than workers if there are fewer connections than workers.
        let mut databases = self.databases.iter().cycle().cloned();
        let shared = Arc::new(SharedState::new(self.report));
        for (index, listener) in self.listeners.into_iter().enumerate() {
            let connections = TaskTracker::new();
            let worker = Worker {
                address: self.address,
                listener,
                protocols: Arc::new(Protocols::new(
                    Arc::new(WorkerState {
                        database: databases.next(),
                        upstream: self.service.clone().map(Upstream::new),
                        sockets: WorkerSockets::new(connections.clone(), stopping.clone()),
                        shared: Arc::clone(&shared),
                    }),
                    Arc::clone(&self.tls),
                )),
                connections,
                stopping: stopping.clone(),
                drain: self.drain,
                _ending: Ending(ending.clone()),
            };
            let thread = std::thread::Builder::new().name(format!("baseline-{index}"));
            match thread.spawn(move || worker.run()) {
                Ok(handle) => workers.push(handle),
                Err(source) => {
                    return (
                        workers,
                        Err(Error::EventLoop {
                            address: self.address,
                            source,
                        }),
                    );
                }
            }
        }
        (workers, Ok(()))
    }
}

/// Waits for all workers; the first error counts.
fn join(address: SocketAddr, workers: Vec<Thread>) -> Result<(), Error> {
    let mut outcome = Ok(());
    for (worker, handle) in workers.into_iter().enumerate() {
        let result = handle.join().unwrap_or(Err(Error::Panicked { address, worker }));
        outcome = outcome.and(result);
    }
    outcome
}

/// A worker's thread and what it ends with.
type Thread = JoinHandle<Result<(), Error>>;

/// Tells [`Server::run`] that a worker ended, however it did.
struct Ending(mpsc::UnboundedSender<()>);

impl Drop for Ending {
    fn drop(&mut self) {
        // Nobody listens once the server is stopping.
        let _ = self.0.send(());
    }
}

/// One thread's part of the server.
struct Worker {
    address: SocketAddr,
    listener: StdListener,
    protocols: Arc<Protocols>,
    connections: TaskTracker,
    stopping: watch::Receiver<()>,
    drain: Duration,
    _ending: Ending,
}

impl Worker {
    fn run(self) -> Result<(), Error> {
        let Self {
            address,
            listener,
            protocols,
            connections,
            mut stopping,
            drain,
            _ending,
        } = self;
        event_loop(address)?.block_on(async move {
            let listener = TcpListener::from_std(listener).map_err(|source| Error::EventLoop { address, source })?;
            let stop = stopping.clone();
            tokio::select! {
                // Nothing is ever sent: an error says that the sender is gone, which is the sign.
                _ = stopping.changed() => {}
                () = accept(&listener, &protocols, &connections, &stop) => {}
            }
            drop(listener);
            // What is still open afterwards is cut off when the runtime is dropped.
            connections.close();
            let _ = tokio::time::timeout(drain, connections.wait()).await;
            Ok(())
        })
    }
}

/// Accepts for ever, and has each connection attended to in a task of its own.
async fn accept(
    listener: &TcpListener,
    protocols: &Arc<Protocols>,
    connections: &TaskTracker,
    stopping: &watch::Receiver<()>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Fails only on a connection that is gone, which the first read will find out as well.
                let _ = stream.set_nodelay(true);
                connections.spawn(Arc::clone(protocols).attend(stream, stopping.clone()));
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

fn event_loop(address: SocketAddr) -> Result<Runtime, Error> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::EventLoop { address, source })
}

/// A listener for each of `workers`, all on one address.
fn listen(address: SocketAddr, workers: usize) -> io::Result<(SocketAddr, Vec<StdListener>)> {
    if workers > 1 && address.port() != 0 {
        // Two servers of one user may share a port by SO_REUSEPORT, and a forgotten one would silently take half
        // of the connections. Without that option the kernel tells.
        drop(listener(address, false)?);
    }
    let first = listener(address, workers > 1)?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..workers {
        listeners.push(listener(address, true)?);
    }
    Ok((address, listeners))
}

fn listener(address: SocketAddr, shared: bool) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // So that a server can follow another at once, past connections in TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
