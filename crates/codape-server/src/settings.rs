//! What an operator decides about the service.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

const MIB: usize = 1 << 20;

/// How the service listens, waits and stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen; port 0 lets the system choose. Default: port 8000 on
    /// the loopback address.
    pub listen: SocketAddr,
    /// Connections that are open at the same time; more wait in the system's
    /// queue. Default: 1024.
    pub max_connections: usize,
    /// The time that a request's line and headers may take, counted from the
    /// end of the request before: it also closes connections that are idle.
    /// Default: 30 s.
    pub header_timeout: Duration,
    /// The time that a client may leave an answer untouched before its
    /// connection is closed. Default: 30 s.
    pub write_timeout: Duration,
    /// After the signal to stop, the time during which the service still takes
    /// connections while `/ready` says 503, for a load balancer to turn away.
    /// Default: none.
    pub unready_delay: Duration,
    /// After that, the time that requests have to finish before they are cut
    /// off. Default: 10 s.
    pub drain_timeout: Duration,
    /// What a request may ask for: the router holds requests to it, so it goes
    /// into [`AppState::with_limits`](crate::AppState::with_limits).
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            max_connections: 1024,
            header_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            unready_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(10),
            limits: Limits::default(),
        }
    }
}

/// What one request may ask for. The service of 2024 had no limits: these are
/// far above what it could answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The bytes of a body; more is a 413. Default: 20 MiB.
    pub max_body_bytes: usize,
    /// The bytes of all bodies that are in memory at the same time; where a
    /// body does not fit, a 503. Default: 256 MiB.
    pub max_bodies_bytes: usize,
    /// The time that a body may take to arrive; more is a 408. Default: 30 s.
    pub body_timeout: Duration,
    /// The lines of a batch; more is a 413. Default: 100,000.
    pub max_batch_lines: usize,
    /// The lines of a batch times the suggestions for each, which bounds the
    /// answer to some hundred bytes times this; more is a 413.
    /// Default: 500,000.
    pub max_batch_suggestions: usize,
    /// The bytes of one description; more is a 400. Default: 64 KiB.
    pub max_text_bytes: usize,
    /// Batches that are coded at the same time; more wait. Default: 4.
    pub max_concurrent_batches: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 20 * MIB,
            max_bodies_bytes: 256 * MIB,
            body_timeout: Duration::from_secs(30),
            max_batch_lines: 100_000,
            max_batch_suggestions: 500_000,
            max_text_bytes: 64 << 10,
            max_concurrent_batches: 4,
        }
    }
}
