//! A server on a thread of its own: it listens before it is said to run, and stops when it is dropped.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{HttpServer, Respond, Tls, listen};

/// A running server; dropping it stops it at once.
#[derive(Debug)]
pub struct RunningServer {
    /// Where it listens.
    pub address: SocketAddr,
    stop: CancellationToken,
    drain: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

/// What a thread of a server needs, besides what answers.
struct ThreadTask {
    address: SocketAddr,
    is_shared: bool,
    tls: Option<Arc<Tls>>,
    report: oneshot::Sender<io::Result<SocketAddr>>,
    stop: CancellationToken,
    drain: CancellationToken,
}

impl RunningServer {
    /// Starts a server on a thread of this name, at this address (port 0 picks a free one). `responder` makes what
    /// answers, on that thread.
    ///
    /// # Errors
    /// If the address or a thread can't be had, or what answers can't be made.
    pub async fn start<R: Respond>(
        name: &str,
        address: SocketAddr,
        tls: Option<Arc<Tls>>,
        responder: impl FnOnce() -> io::Result<R> + Send + 'static,
    ) -> io::Result<Self> {
        let mut server = Self::none(address);
        server.add(name, tls, false, responder).await?;
        Ok(server)
    }

    /// Starts a server on several threads, each with its own connections and what answers them: a request stays on the
    /// thread that took it.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_many<R: Respond>(
        name: &str,
        address: SocketAddr,
        threads: usize,
        responder: impl Fn() -> R + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let mut server = Self::none(address);
        for _ in 0..threads.max(1) {
            let responder = responder.clone();
            server
                .add(name, None, threads > 1, move || Ok(responder()))
                .await?;
        }
        Ok(server)
    }

    /// Takes no more connections, and waits until those that are open have ended after their requests.
    pub async fn drain(mut self) {
        self.drain.cancel();
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().for_each(join));
        // A panic there has been printed.
        let _ = joined.await;
    }

    fn none(address: SocketAddr) -> Self {
        Self {
            address,
            stop: CancellationToken::new(),
            drain: CancellationToken::new(),
            threads: Vec::new(),
        }
    }

    /// Adds a thread.
    async fn add<R: Respond>(
        &mut self,
        name: &str,
        tls: Option<Arc<Tls>>,
        is_shared: bool,
        responder: impl FnOnce() -> io::Result<R> + Send + 'static,
    ) -> io::Result<()> {
        let (report, bound) = oneshot::channel();
        let task = ThreadTask {
            address: self.address,
            is_shared,
            tls,
            report,
            stop: self.stop.clone(),
            drain: self.drain.clone(),
        };
        let thread = thread::Builder::new().name(name.into());
        self.threads
            .push(thread.spawn(move || run(responder, task))?);
        // The first thread's port is that of all.
        self.address = bound
            .await
            .map_err(|_| io::Error::other(format!("the thread of the {name} ended at once")))??;
        Ok(())
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.stop.cancel();
        self.threads.drain(..).for_each(join);
    }
}

/// Waits for a thread. A panic there has been printed; there is nothing to add.
fn join(thread: JoinHandle<()>) {
    let _ = thread.join();
}

/// The server's thread: reports the address it got, then serves until it is stopped.
fn run<R: Respond>(responder: impl FnOnce() -> io::Result<R>, task: ThreadTask) {
    let ThreadTask {
        address,
        is_shared,
        tls,
        report,
        stop,
        drain,
    } = task;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return drop(report.send(Err(error))),
    };
    runtime.block_on(async {
        let started = listen(address, is_shared).and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((address, listener, HttpServer::new(responder()?, tls, drain)))
        });
        match started {
            Ok((address, listener, server)) => {
                // Nobody waits for the address any more: then the token is about to stop us.
                let _ = report.send(Ok(address));
                stop.run_until_cancelled(server.serve(listener)).await;
            }
            Err(error) => drop(report.send(Err(error))),
        }
    });
}
