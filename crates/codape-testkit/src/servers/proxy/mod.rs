//! A proxy in front of a server of HTTP/1.1 that does what networks, proxies and
//! broken servers do to answers.
//!
//! `http` reads and writes messages, `exchange` passes one request on and its
//! answer back, `faults` says what happens to which, `sign` signs a request of
//! S3 again whose range was changed.

mod exchange;
mod faults;
mod http;
mod sign;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

pub use faults::{Asked, Fault, Faults, Seen};

use super::S3;
use crate::rng::SplitMix64;
use faults::Active;

/// The proxy. It passes everything on untouched, `Host` too, until it is told
/// otherwise by [`set`](Self::set). It stops when it is dropped.
///
/// Connections of clients stay open from one request to the next; the server is
/// asked on a connection of its own for each. Bodies are passed on piece by
/// piece; where one comes in chunks, the chunks may have other bounds.
pub struct FaultyProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// What the threads of a proxy share.
struct Shared {
    upstream: SocketAddr,
    /// The secret key that requests are signed with, where it is known.
    secret_key: Option<String>,
    has_to_stop: AtomicBool,
    active: Mutex<Active>,
    seen: Mutex<Vec<Seen>>,
}

impl FaultyProxy {
    /// A proxy in front of the server at this address, on a port of its own.
    ///
    /// [`Fault::WrongRange`], [`Fault::ShiftedRange`] and [`Fault::IgnoreRange`]
    /// change what S3's clients sign: use [`in_front_of`](Self::in_front_of) for
    /// them.
    ///
    /// # Panics
    ///
    /// Where this machine has no free port.
    #[must_use]
    pub fn start(upstream: SocketAddr) -> Self {
        Self::with_key(upstream, None)
    }

    /// A proxy in front of an S3 server, whose key it knows: a request that it
    /// changes is signed again. [`S3::env_at`] its [`url`](Self::url) leads
    /// other programs through it.
    ///
    /// # Panics
    ///
    /// Where this machine has no free port.
    #[must_use]
    pub fn in_front_of(server: &S3) -> Self {
        Self::with_key(server.address, Some(server.secret_key.clone()))
    }

    fn with_key(upstream: SocketAddr, secret_key: Option<String>) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of this machine is free");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            upstream,
            secret_key,
            has_to_stop: AtomicBool::new(false),
            active: Mutex::new(Active::new(Faults::none())),
            seen: Mutex::new(Vec::new()),
        });
        let for_acceptor = Arc::clone(&shared);
        let acceptor = thread::spawn(move || accept(&listener, &for_acceptor));
        Self {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// Where the proxy listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What happens to requests from now on; they are counted anew.
    pub fn set(&self, faults: Faults) {
        *lock(&self.shared.active) = Active::new(faults);
    }

    /// The requests that came, in their order, those included that are still
    /// being answered.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        self.shared.has_to_stop.store(true, Ordering::Relaxed);
        // So that the thread that waits for connections looks.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl fmt::Debug for FaultyProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyProxy")
            .field("address", &self.address)
            .field("upstream", &self.shared.upstream)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Writes a request down, and says what is to happen to it: its number, and
    /// the fault with the numbers that its details follow from.
    fn arrived(&self, asked: &Asked) -> (usize, Option<(Fault, SplitMix64)>) {
        // Both in one order, so that the n-th is the n-th.
        let mut seen = lock(&self.seen);
        let fault = lock(&self.active).choose(asked);
        seen.push(Seen {
            method: asked.method.clone(),
            target: asked.target.clone(),
            range: asked.range.clone(),
            status: None,
            body_bytes_sent: 0,
            fault: None,
        });
        (seen.len() - 1, fault)
    }

    /// Changes what is written down of a request.
    fn note(&self, number: usize, change: impl FnOnce(&mut Seen)) {
        change(&mut lock(&self.seen)[number]);
    }
}

/// Serves connections until the proxy has to stop, each in a thread.
fn accept(listener: &TcpListener, shared: &Shared) {
    // The scope ends when all its threads have: they look often whether they
    // have to stop.
    thread::scope(|scope| {
        for client in listener.incoming() {
            if shared.has_to_stop.load(Ordering::Relaxed) {
                break;
            }
            if let Ok(client) = client {
                scope.spawn(move || exchange::serve(client, shared));
            }
        }
    });
}

/// The data, even where a thread panicked that held it.
fn lock<T>(data: &Mutex<T>) -> MutexGuard<'_, T> {
    data.lock().unwrap_or_else(PoisonError::into_inner)
}
