//! From a listener to the router: deadlines, a limit of connections, an orderly
//! stop. axum's own `serve` has no timers and waits for ever when it stops.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

use crate::app::app;
use crate::settings::Settings;
use crate::state::AppState;

/// The bytes of a request's line and headers; hyper takes no target of more
/// than 64 KiB.
const MAX_HEADER_BYTES: usize = 128 << 10;

/// The pause after the system refused a connection for want of descriptors or
/// memory.
const REFUSAL_PAUSE: Duration = Duration::from_millis(50);

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system takes no handler for its signals.
    #[error("cannot wait for signals")]
    Signal(#[source] io::Error),
}

/// Listens at the address of `settings`.
///
/// # Errors
///
/// [`ServeError::Bind`].
pub async fn bind(settings: &Settings) -> Result<TcpListener, ServeError> {
    let address = settings.listen;
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Bind { address, source })
}

/// Waits for the signal to stop: SIGTERM, or SIGINT (Ctrl-C).
///
/// The handler is in place when this returns, so that no signal is lost before
/// the returned future is polled.
///
/// # Errors
///
/// [`ServeError::Signal`].
pub fn stop_signal() -> Result<impl Future<Output = ()>, ServeError> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signal)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signal)?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        Ok(async {
            // Where there is no such signal, the process is stopped otherwise.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending().await
            }
        })
    }
}

/// Answers on `listener` until `stop` is ready; then refuses new connections,
/// lets requests in progress finish, and cuts off what is left after the
/// drain's deadline. HTTP/1.1 only: HTTP/2 belongs to the proxy in front.
///
/// # Errors
///
/// None once it listens; a connection's errors are the connection's.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    settings: &Settings,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let mut server = Server {
        listener,
        app: app(state.clone()),
        http: http(settings),
        write_timeout: settings.write_timeout,
        places: Arc::new(Semaphore::new(
            settings.max_connections.clamp(1, Semaphore::MAX_PERMITS),
        )),
        graceful: GracefulShutdown::new(),
        connections: JoinSet::new(),
    };
    server.accept_until(pin!(stop)).await;
    state.start_stopping();
    tracing::info!("stopping: no longer ready");
    if !settings.unready_delay.is_zero() {
        let delay = tokio::time::sleep(settings.unready_delay);
        server.accept_until(pin!(delay)).await;
    }
    server.drain(settings.drain_timeout).await;
    Ok(())
}

fn http(settings: &Settings) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_buf_size(MAX_HEADER_BYTES);
    http
}

struct Server {
    listener: TcpListener,
    app: Router,
    http: http1::Builder,
    write_timeout: Duration,
    places: Arc<Semaphore>,
    graceful: GracefulShutdown,
    connections: JoinSet<()>,
}

impl Server {
    /// Takes connections, as many as there are places, until `stop`.
    async fn accept_until(&mut self, mut stop: Pin<&mut impl Future<Output = ()>>) {
        loop {
            let place = tokio::select! {
                biased;
                () = &mut stop => return,
                place = Arc::clone(&self.places).acquire_owned() => place,
            };
            let place = place.expect("the semaphore is never closed");
            let accepted = tokio::select! {
                biased;
                () = &mut stop => return,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let connection = self.connection(stream, peer);
                    self.connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(error) if is_of_the_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(REFUSAL_PAUSE).await;
                }
            }
            while self.connections.try_join_next().is_some() {}
        }
    }

    /// The work of one connection.
    fn connection(&self, stream: TcpStream, peer: SocketAddr) -> impl Future<Output = ()> + use<> {
        // Answers are small and written whole; waiting to fill a packet only
        // delays them. Where the system refuses, they are merely later.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.write_timeout));
        let io = TokioIo::new(Box::pin(stream));
        let app = TowerToHyperService::new(self.app.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            app.call(request)
        });
        let connection = self.http.serve_connection(io, service);
        let connection = self.graceful.watch(connection);
        async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection closed");
            }
        }
    }

    /// Closes the listener and waits for the connections, but not for ever.
    async fn drain(self, deadline: Duration) {
        let Self {
            listener,
            graceful,
            mut connections,
            ..
        } = self;
        drop(listener);
        let all_done = tokio::time::timeout(deadline, graceful.shutdown()).await;
        if all_done.is_err() {
            let open = connections.len();
            tracing::warn!(open, "connections cut off at the drain's deadline");
        }
        connections.shutdown().await;
    }
}

/// Whether accepting failed for the connection at hand, so that the next one
/// may be taken at once.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
