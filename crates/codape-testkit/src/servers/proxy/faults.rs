//! What can happen to an answer, and to which it happens.

use std::fmt;
use std::sync::Arc;

use crate::rng::SplitMix64;

/// What happens to one request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Sends a part of the body, then nothing, and keeps the connection open
    /// until the client closes it, for two minutes at most. A part of the head
    /// where there is no body.
    Stall,
    /// Sends a part of the body, then ends the connection with a reset: the
    /// client may lose of that part what it has not read yet. A part of the head
    /// where there is no body.
    Reset,
    /// Answers 503 without asking the server, half of the times with
    /// `Retry-After: 1`.
    Unavailable,
    /// Closes the connection after a part of the body.
    Truncate,
    /// Says fewer bytes than the body has, and sends as many as it says. To
    /// `HEAD`, it says fewer.
    ShortLength,
    /// Says another `ETag`.
    ChangedEtag,
    /// Changes one bit of the body.
    Flip,
    /// Sends as many bytes of another place as were asked for, and says in
    /// `Content-Range` that they are those which were asked for. Only for
    /// requests of one range that says where it begins.
    WrongRange,
    /// The same, but `Content-Range` says which bytes are sent.
    ShiftedRange,
    /// Hides from the server that a range was asked for: it answers with all of
    /// it. Only for requests of a range.
    IgnoreRange,
}

impl Fault {
    /// Whether the fault can happen to such a request.
    fn is_for(self, asked: &Asked) -> bool {
        match self {
            Self::WrongRange | Self::ShiftedRange => asked.bounds().is_some(),
            Self::IgnoreRange => asked.range.is_some(),
            _ => true,
        }
    }
}

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `GET` …
    pub method: String,
    /// The path with the query, as it was sent.
    pub target: String,
    /// The value of `Range`.
    pub range: Option<String>,
}

impl Asked {
    /// The first and the last byte of the range; no last one where it has no
    /// end. `None` for other ranges: the last bytes, several ranges.
    pub(super) fn bounds(&self) -> Option<(u64, Option<u64>)> {
        let (first, last) = self
            .range
            .as_ref()?
            .strip_prefix("bytes=")?
            .split_once('-')?;
        let first = first.parse().ok()?;
        let last = match last {
            "" => None,
            last => Some(last.parse().ok().filter(|last| *last >= first)?),
        };
        Some((first, last))
    }
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `GET` …
    pub method: String,
    /// The path with the query, as it was sent.
    pub target: String,
    /// The value of `Range`, as it was sent.
    pub range: Option<String>,
    /// The status that was answered; `None` where it did not come to that.
    pub status: Option<u16>,
    /// Bytes of the answer's body that were given to the network.
    pub body_bytes_sent: u64,
    /// What happened to it; `None` also where the chosen fault was none for this
    /// answer, as a change of a body that is empty.
    pub fault: Option<Fault>,
}

/// Which faults happen to which requests: the first rule that fits decides.
#[derive(Clone, Default)]
pub struct Faults {
    rules: Vec<(When, Fault)>,
    only: Option<Filter>,
    most: Option<usize>,
    seed: u64,
}

type Filter = Arc<dyn Fn(&Asked) -> bool + Send + Sync>;

#[derive(Clone, Copy, Debug)]
enum When {
    Nth(u64),
    Chance(f64),
}

impl Faults {
    /// None at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// To every request.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self::none().chance(1.0, fault)
    }

    /// To the `n`-th request, counted from 0.
    #[must_use]
    pub fn nth(mut self, n: u64, fault: Fault) -> Self {
        self.rules.push((When::Nth(n), fault));
        self
    }

    /// To a request with this probability.
    #[must_use]
    pub fn chance(mut self, probability: f64, fault: Fault) -> Self {
        self.rules.push((When::Chance(probability), fault));
        self
    }

    /// Only these requests count, and only to them anything happens.
    #[must_use]
    pub fn only(mut self, is: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> Self {
        self.only = Some(Arc::new(is));
        self
    }

    /// No more than this number of requests are chosen.
    #[must_use]
    pub fn at_most(mut self, requests: usize) -> Self {
        self.most = Some(requests);
        self
    }

    /// What chance follows from, 0 where it is not said. Requests that come at
    /// the same time may change places from one run to the next.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("rules", &self.rules)
            .field("most", &self.most)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// Faults that are in force.
pub(super) struct Active {
    faults: Faults,
    rng: SplitMix64,
    counted: u64,
    chosen: usize,
}

impl Active {
    pub(super) fn new(faults: Faults) -> Self {
        Self {
            rng: SplitMix64::new(faults.seed),
            faults,
            counted: 0,
            chosen: 0,
        }
    }

    /// What happens to the next request, and the numbers that the details of it
    /// follow from.
    pub(super) fn choose(&mut self, asked: &Asked) -> Option<(Fault, SplitMix64)> {
        if self.faults.only.as_ref().is_some_and(|is| !is(asked)) {
            return None;
        }
        let number = self.counted;
        self.counted += 1;
        // As many numbers for each request, so that one which is spared changes
        // nothing for those after it.
        let details = SplitMix64::new(self.rng.next_u64());
        let mut chosen = None;
        for (when, fault) in &self.faults.rules {
            let is_now = match *when {
                When::Nth(n) => n == number,
                When::Chance(probability) => unit(&mut self.rng) < probability,
            };
            if is_now && chosen.is_none() && fault.is_for(asked) {
                chosen = Some(*fault);
            }
        }
        if self.faults.most.is_some_and(|most| self.chosen >= most) {
            return None;
        }
        self.chosen += usize::from(chosen.is_some());
        chosen.map(|fault| (fault, details))
    }
}

/// A number in `0.0..1.0`.
fn unit(rng: &mut SplitMix64) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}
