//! Which options to try next (`AutotuneStrategy`).

use std::time::Duration;

use crate::TrainOptions;
use crate::quantize::std_random::MinStdRand;

/// An option that is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tuned {
    /// `epoch`, 1 to 100.
    Epoch,
    /// `lr`, 0.01 to 5.
    Lr,
    /// `dim`, 1 to 1000.
    Dim,
    /// `wordNgrams`, 1 to 5.
    WordNgrams,
    /// `dsub`, 2 to 16, where there is a limit for the size.
    Dsub,
    /// `minn`: 0, 2 or 3.
    Minn,
    /// `maxn`: 0 where `minn` is, else `minn` + 3.
    Maxn,
    /// `bucket`, 10,000 to 10,000,000.
    Bucket,
    /// `loss`: softmax.
    Loss,
}

const MINN_CHOICES: [u32; 3] = [0, 2, 3];

/// Options to train with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) train: TrainOptions,
    pub(super) dsub: usize,
}

/// Draws options around the best ones so far, in ever smaller steps.
#[derive(Debug)]
pub(super) struct Strategy {
    best: Candidate,
    best_bucket: u32,
    manual: Vec<Tuned>,
    duration: Duration,
    random: MinStdRand,
    is_first: bool,
}

/// How far a drawn value lies from the best one: the standard deviation in
/// the first quarter of the time, and in the last.
#[derive(Clone, Copy)]
struct Spread {
    start: f64,
    end: f64,
}

impl Spread {
    const fn new(start: f64, end: f64) -> Self {
        Self { start, end }
    }

    fn at(self, t: f64) -> f64 {
        self.start - (self.start - self.end) / 0.5 * (t - 0.25).clamp(0.0, 0.5)
    }
}

impl Strategy {
    pub(super) fn new(start: Candidate, manual: &[Tuned], duration: Duration, seed: u64) -> Self {
        Self {
            best_bucket: start.train.bucket,
            best: start,
            manual: manual.to_vec(),
            duration,
            random: MinStdRand::new(seed as u32),
            is_first: true,
        }
    }

    /// The options to try when `elapsed` of the time is over: at first those
    /// that were given.
    pub(super) fn next(&mut self, elapsed: Duration) -> Candidate {
        let mut next = self.best.clone();
        if !std::mem::take(&mut self.is_first) {
            let t = (elapsed.as_secs_f64() / self.duration.as_secs_f64().max(1e-9)).min(1.0);
            self.vary(&mut next, t);
        }
        if next.train.word_ngrams <= 1 && next.train.maxn == 0 {
            next.train.bucket = 0;
        }
        next
    }

    fn vary(&mut self, next: &mut Candidate, t: f64) {
        let manual = std::mem::take(&mut self.manual);
        let is_free = |tuned| !manual.contains(&tuned);
        let train = &mut next.train;
        if is_free(Tuned::Epoch) {
            let factor = self.factor(Spread::new(2.8, 2.5), t);
            train.epoch = (f64::from(train.epoch) * factor).clamp(1.0, 100.0) as u32;
        }
        if is_free(Tuned::Lr) {
            let factor = self.factor(Spread::new(1.9, 1.0), t);
            train.lr = (train.lr * factor).clamp(0.01, 5.0);
        }
        if is_free(Tuned::Dim) {
            let factor = self.factor(Spread::new(1.4, 0.3), t);
            train.dim = (train.dim as f64 * factor).clamp(1.0, 1000.0) as usize;
        }
        if is_free(Tuned::WordNgrams) {
            let step = self.normal(Spread::new(4.3, 2.4), t);
            train.word_ngrams = (f64::from(train.word_ngrams) + step).clamp(1.0, 5.0) as u32;
        }
        if is_free(Tuned::Dsub) {
            let exponent = f64::from(next.dsub.max(1).ilog2());
            let exponent = exponent + self.normal(Spread::new(2.0, 1.0), t);
            next.dsub = 1 << exponent.clamp(1.0, 4.0) as u32;
        }
        if is_free(Tuned::Minn) {
            let place = MINN_CHOICES.iter().position(|minn| *minn == train.minn);
            let place = place.unwrap_or(0) as f64 + self.normal(Spread::new(4.0, 1.4), t);
            let last = (MINN_CHOICES.len() - 1) as f64;
            train.minn = MINN_CHOICES[place.clamp(0.0, last) as usize];
        }
        if is_free(Tuned::Maxn) {
            train.maxn = if train.minn == 0 { 0 } else { train.minn + 3 };
        } else if is_free(Tuned::Minn) {
            // A shortest n-gram above the longest is none.
            train.minn = train.minn.min(train.maxn);
        }
        train.bucket = self.best_bucket;
        if is_free(Tuned::Bucket) {
            let factor = self.factor(Spread::new(2.0, 1.5), t);
            train.bucket = (f64::from(train.bucket) * factor).clamp(1e4, 1e7) as u32;
        }
        if is_free(Tuned::Loss) {
            train.loss = crate::LossName::Softmax;
        }
        self.manual = manual;
    }

    /// Goes on from these options.
    pub(super) fn update_best(&mut self, best: &Candidate) {
        self.best = best.clone();
        if best.train.bucket != 0 {
            self.best_bucket = best.train.bucket;
        }
    }

    fn normal(&mut self, spread: Spread, t: f64) -> f64 {
        spread.at(t) * self.random.normal()
    }

    fn factor(&mut self, spread: Spread, t: f64) -> f64 {
        self.normal(spread, t).exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Candidate {
        Candidate {
            train: TrainOptions::default(),
            dsub: 2,
        }
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn what_was_given_comes_first_and_draws_stay_in_their_range() {
        let mut strategy = Strategy::new(start(), &[], MINUTE, 1);
        let first = strategy.next(Duration::ZERO);
        assert_eq!(first.train.bucket, 0, "there are no n-grams");
        let mut expected = start();
        expected.train.bucket = 0;
        assert_eq!(first, expected);
        let mut seen = Vec::new();
        for second in 0..300 {
            let Candidate { train, dsub } = strategy.next(Duration::from_secs(second));
            assert!((1..=100).contains(&train.epoch));
            assert!((0.01..=5.0).contains(&train.lr));
            assert!((1..=1000).contains(&train.dim));
            assert!((1..=5).contains(&train.word_ngrams));
            assert!([2, 4, 8, 16].contains(&dsub));
            assert!(MINN_CHOICES.contains(&train.minn));
            assert_eq!(train.maxn, if train.minn == 0 { 0 } else { train.minn + 3 });
            let has_ngrams = train.word_ngrams > 1 || train.maxn > 0;
            let range = if has_ngrams {
                10_000..=10_000_000
            } else {
                0..=0
            };
            assert!(range.contains(&train.bucket), "{train:?}");
            seen.push(train.epoch);
        }
        seen.sort_unstable();
        seen.dedup();
        assert!(seen.len() > 10);
    }

    #[test]
    fn what_was_set_by_hand_stays() {
        use Tuned::*;
        let manual = [Epoch, Lr, Dim, WordNgrams, Dsub, Minn, Maxn, Bucket, Loss];
        let mut given = start();
        given.train.word_ngrams = 2;
        given.train.loss = crate::LossName::OneVsAll;
        let mut strategy = Strategy::new(given.clone(), &manual, MINUTE, 1);
        for second in 0..60 {
            assert_eq!(strategy.next(Duration::from_secs(second)), given);
        }
    }

    #[test]
    fn draws_go_on_from_the_best() {
        let mut strategy = Strategy::new(start(), &[], MINUTE, 1);
        let mut best = start();
        best.train.dim = 1000;
        best.train.bucket = 20_000;
        strategy.next(Duration::ZERO);
        strategy.update_best(&best);
        let next = strategy.next(MINUTE);
        assert!(next.train.dim > 300, "{}", next.train.dim);
    }
}
