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

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct RunningServer {
    /// Where it listens.
    pub address: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
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
        let (report, bound) = oneshot::channel();
        let stop = CancellationToken::new();
        let until = stop.clone();
        let thread = thread::Builder::new()
            .name(name.into())
            .spawn(move || run(address, tls, responder, report, &until))?;
        let address = bound
            .await
            .map_err(|_| io::Error::other(format!("the thread of the {name} ended at once")))??;
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; there is nothing to add while dropping.
            let _ = thread.join();
        }
    }
}

/// The server's thread: reports the address it got, then serves until it is stopped.
fn run<R: Respond>(
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    responder: impl FnOnce() -> io::Result<R>,
    report: oneshot::Sender<io::Result<SocketAddr>>,
    stop: &CancellationToken,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return drop(report.send(Err(error))),
    };
    runtime.block_on(async {
        let started = listen(address).and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((address, listener, HttpServer::new(responder()?, tls)))
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
