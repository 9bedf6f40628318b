//! What an operator decides about the service.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use codape_coder::Threshold;

use crate::secret::Secret;

const MIB: usize = 1 << 20;

/// How the service listens, waits and stops.
#[derive(Debug, Clone, PartialEq)]
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
    /// What a request may ask for. This and what follows is the router's
    /// business, so it goes into
    /// [`AppState::with_settings`](crate::AppState::with_settings).
    pub limits: Limits,
    /// What must be shown, as a bearer token, to be let into `/admin`. Default:
    /// none; then only this machine's own processes are let in.
    pub admin_token: Option<Secret>,
    /// What a challenger gets.
    pub shadow: ShadowSettings,
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
            admin_token: None,
            shadow: ShadowSettings::default(),
        }
    }
}

/// What the model in the shadow gets to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShadowSettings {
    /// How many of the declarations it gets. Default: one in ten.
    pub share: Share,
    /// The declarations that wait for it at most; more are dropped, and
    /// counted. Default: 1024.
    pub queue: usize,
    /// The confidence index from which a code counts as automatic. Default: 0.8.
    pub threshold: Threshold,
}

impl Default for ShadowSettings {
    fn default() -> Self {
        Self {
            share: Share(0.1),
            queue: 1024,
            threshold: Threshold::new(0.8).expect("0.8 is finite"),
        }
    }
}

/// A part of a whole, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(f64);

/// The share is not between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a share of {found} is not between 0 and 1")]
pub struct ShareError {
    /// What was given.
    pub found: f64,
}

impl Share {
    /// A share of `part`.
    ///
    /// # Errors
    ///
    /// Where it is below 0, above 1 or NaN.
    pub fn new(part: f64) -> Result<Self, ShareError> {
        if (0.0..=1.0).contains(&part) {
            Ok(Self(part))
        } else {
            Err(ShareError { found: part })
        }
    }

    /// Whether one more is of the share: by chance, as requests may come in
    /// an order of their own.
    pub(crate) fn draw(self) -> bool {
        self.0 > 0.0 && fastrand::f64() < self.0
    }
}

/// When a source of models is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadSettings {
    /// The time between two checks, give or take a tenth, so that many services
    /// do not ask at once; none: only when asked to. Default: one minute.
    pub interval: Option<Duration>,
    /// The time to the next try where a source could not be asked; it doubles
    /// with each failure. Default: 1 s.
    pub first_retry: Duration,
    /// The longest time between two tries. Default: 5 minutes.
    pub max_retry: Duration,
    /// The time that a source may take to say which version stands. Default: 30 s.
    pub check_timeout: Duration,
    /// The time that it may take to load one. Default: 30 minutes.
    pub load_timeout: Duration,
}

impl Default for ReloadSettings {
    fn default() -> Self {
        Self {
            interval: Some(Duration::from_secs(60)),
            first_retry: Duration::from_secs(1),
            max_retry: Duration::from_secs(5 * 60),
            check_timeout: Duration::from_secs(30),
            load_timeout: Duration::from_secs(30 * 60),
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
