//! How well a model finds the labels of lines whose labels are known.

use rayon::prelude::*;

use crate::features::{FeatureScratch, tokens};
use crate::{Model, PredictError, Prediction, Query};

/// How often a label was right, predicted, and both. What a share is of
/// nothing, it is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Times that it was right.
    pub gold: u64,
    /// Times that it was predicted.
    pub predicted: u64,
    /// Times that it was predicted where it was right.
    pub correct: u64,
}

impl Counts {
    /// The share of the predictions that were right, 0 to 1.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.correct as f64, self.predicted)
    }

    /// The share of the right labels that were predicted, 0 to 1.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.correct as f64, self.gold)
    }

    /// The harmonic mean of precision and recall, 0 to 1
    /// (`Metrics::f1Score`).
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        share(2.0 * self.correct as f64, self.predicted + self.gold)
    }
}

fn share(part: f64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part / whole as f64)
}

/// What a meter keeps beside counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scores {
    /// Nothing: it takes no memory for lines.
    Dropped,
    /// The probability of each prediction, 8 bytes each, which
    /// [`Meter::precision_at_recall`] and [`Meter::recall_at_precision`] need.
    Kept,
}

/// Which label is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// All of them together.
    All,
    /// One, in `0..Dictionary::label_count()`.
    Label(u32),
}

/// Measures predictions against the labels that are right (`Meter`).
#[derive(Clone, Debug)]
pub struct Meter {
    examples: u64,
    all: Counts,
    labels: Vec<Counts>,
    /// For each label, the probabilities that it was predicted with, and
    /// whether it was right.
    scores: Option<Vec<Vec<(f32, bool)>>>,
}

/// Why a line could not be measured.
#[derive(Debug, thiserror::Error)]
#[error("no prediction for line {line}")]
pub struct TestError {
    /// The line, from 0.
    pub line: usize,
    /// What is wrong.
    pub source: PredictError,
}

impl Meter {
    /// A meter for a model with this many labels.
    #[must_use]
    pub fn new(labels: usize, scores: Scores) -> Self {
        Self {
            examples: 0,
            all: Counts::default(),
            labels: vec![Counts::default(); labels],
            scores: (scores == Scores::Kept).then(|| vec![Vec::new(); labels]),
        }
    }

    /// Takes the answer for one line whose labels are `gold` (`Meter::log`).
    ///
    /// # Panics
    ///
    /// If there is no such label.
    pub fn add(&mut self, gold: &[u32], predictions: &[Prediction]) {
        self.examples += 1;
        self.all.gold += gold.len() as u64;
        self.all.predicted += predictions.len() as u64;
        for prediction in predictions {
            let is_right = gold.contains(&prediction.label);
            let label = prediction.label as usize;
            self.labels[label].predicted += 1;
            self.labels[label].correct += u64::from(is_right);
            self.all.correct += u64::from(is_right);
            if let Some(scores) = &mut self.scores {
                scores[label].push((prediction.probability.min(1.0), is_right));
            }
        }
        for label in gold {
            self.labels[*label as usize].gold += 1;
        }
    }

    /// The lines that were measured.
    #[must_use]
    pub fn examples(&self) -> u64 {
        self.examples
    }

    /// The counts of a label, or of all together.
    ///
    /// # Panics
    ///
    /// If there is no such label.
    #[must_use]
    pub fn counts(&self, of: Of) -> Counts {
        match of {
            Of::All => self.all,
            Of::Label(label) => self.labels[label as usize],
        }
    }

    /// The best precision among the thresholds of probability that leave at
    /// least this recall, 0 to 1; 0 where none does, and where scores were
    /// dropped.
    ///
    /// # Panics
    ///
    /// If there is no such label.
    #[must_use]
    pub fn precision_at_recall(&self, of: Of, recall: f64) -> f64 {
        best(self.curve(of), |[precision, found]| {
            (found >= recall).then_some(precision)
        })
    }

    /// The best recall among the thresholds of probability that leave at least
    /// this precision, 0 to 1; 0 where none does, and where scores were
    /// dropped.
    ///
    /// # Panics
    ///
    /// If there is no such label.
    #[must_use]
    pub fn recall_at_precision(&self, of: Of, precision: f64) -> f64 {
        best(self.curve(of), |[found, recall]| {
            (found >= precision).then_some(recall)
        })
    }

    /// Precision and recall at each threshold, from the highest down to full
    /// recall (`Meter::precisionRecallCurve`).
    fn curve(&self, of: Of) -> Vec<[f64; 2]> {
        let gold = self.counts(of).gold;
        let mut points = Vec::new();
        for [right, wrong] in self.positives(of) {
            let precision = right as f64 / (right + wrong) as f64;
            points.push([precision, right as f64 / gold as f64]);
            if right >= gold {
                break;
            }
        }
        if !points.is_empty() {
            points.push([1.0, 0.0]);
        }
        points
    }

    /// The predictions at or above each probability, highest first: how many
    /// are right, and how many wrong (`Meter::getPositiveCounts`).
    fn positives(&self, of: Of) -> Vec<[u64; 2]> {
        let mut scores = match (&self.scores, of) {
            (None, _) => Vec::new(),
            (Some(scores), Of::All) => scores.concat(),
            (Some(scores), Of::Label(label)) => scores[label as usize].clone(),
        };
        scores.sort_unstable_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut positives = Vec::new();
        let mut counts = [0, 0];
        for equals in scores.chunk_by(|(a, _), (b, _)| a == b) {
            let right = equals.iter().filter(|(_, is_right)| *is_right).count();
            counts[0] += right as u64;
            counts[1] += (equals.len() - right) as u64;
            positives.push(counts);
        }
        positives
    }
}

fn best(curve: Vec<[f64; 2]>, value: impl Fn([f64; 2]) -> Option<f64>) -> f64 {
    curve.into_iter().filter_map(value).fold(0.0, f64::max)
}

impl Model {
    /// Measures the model on lines that hold their labels (`FastText::test`),
    /// with every thread of the current rayon pool.
    ///
    /// Labels that the model does not know do not count; lines without a label
    /// that it knows, or without anything that it has a row for, are passed
    /// over. Each line ends as if by a newline.
    ///
    /// # Errors
    ///
    /// Where a line cannot be predicted ([`Model::predict`]).
    ///
    /// # Panics
    ///
    /// If the meter was made for fewer labels.
    pub fn test<L: AsRef<[u8]> + Sync>(
        &self,
        lines: &[L],
        query: &Query,
        meter: &mut Meter,
    ) -> Result<(), TestError> {
        let labelled: Vec<(usize, &[u8], Vec<u32>)> = (lines.par_iter().enumerate())
            .map(|(number, line)| (number, line.as_ref(), self.labels_of(line.as_ref())))
            .filter(|(_, _, labels)| !labels.is_empty())
            .collect();
        let texts: Vec<&[u8]> = labelled.iter().map(|(_, line, _)| *line).collect();
        let answers = self.predict_batch(&texts, query);
        for ((number, line, gold), answer) in labelled.into_iter().zip(answers) {
            let answer = answer.map_err(|source| TestError {
                line: number,
                source,
            })?;
            if !answer.is_empty() || self.has_rows(line) {
                meter.add(&gold, &answer);
            }
        }
        Ok(())
    }

    /// The labels in a line that the model knows, in the line's order.
    fn labels_of(&self, line: &[u8]) -> Vec<u32> {
        let words = self.dictionary.word_count() as u32;
        tokens(line)
            .take_while(|token| *token != crate::dictionary::EOS)
            .filter_map(|token| self.dictionary.find(token)?.checked_sub(words))
            .collect()
    }

    fn has_rows(&self, line: &[u8]) -> bool {
        let features = self.features();
        features.of_line(line, &mut FeatureScratch::default(), |_| ()) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(label: u32, probability: f32) -> Prediction {
        Prediction { label, probability }
    }

    fn meter() -> Meter {
        let mut meter = Meter::new(3, Scores::Kept);
        meter.add(&[0], &[prediction(0, 0.9)]);
        meter.add(&[1], &[prediction(0, 0.8)]);
        meter.add(&[0, 1], &[prediction(1, 0.6)]);
        meter.add(&[1], &[]);
        meter.add(&[1], &[prediction(1, 0.5)]);
        meter
    }

    #[test]
    fn counts_and_shares() {
        let meter = meter();
        assert_eq!(meter.examples(), 5);
        let all = meter.counts(Of::All);
        let expected = Counts {
            gold: 6,
            predicted: 4,
            correct: 3,
        };
        assert_eq!(all, expected);
        assert_eq!(all.precision(), Some(0.75));
        assert_eq!(all.recall(), Some(0.5));
        assert_eq!(all.f1(), Some(0.6));
        let first = meter.counts(Of::Label(0));
        assert_eq!([first.gold, first.predicted, first.correct], [2, 2, 1]);
        let never = meter.counts(Of::Label(2));
        assert_eq!([never.precision(), never.recall(), never.f1()], [None; 3]);
    }

    #[test]
    fn curves() {
        let meter = meter();
        // From the highest probability: right, wrong, right, right.
        assert_eq!(meter.precision_at_recall(Of::All, 0.5), 0.75);
        assert_eq!(meter.precision_at_recall(Of::All, 0.1), 1.0);
        assert_eq!(meter.precision_at_recall(Of::All, 0.6), 0.0);
        assert_eq!(meter.recall_at_precision(Of::All, 0.7), 0.5);
        assert_eq!(meter.recall_at_precision(Of::All, 0.9), 1.0 / 6.0);
        assert_eq!(meter.precision_at_recall(Of::Label(1), 0.5), 1.0);
        assert_eq!(meter.precision_at_recall(Of::Label(2), 0.5), 0.0);
        let dropped = Meter::new(1, Scores::Dropped);
        assert_eq!(dropped.recall_at_precision(Of::All, 0.0), 0.0);
    }

    #[test]
    fn equal_probabilities_fall_together() {
        let mut meter = Meter::new(2, Scores::Kept);
        meter.add(&[0], &[prediction(1, 0.5)]);
        meter.add(&[0], &[prediction(0, 0.5)]);
        assert_eq!(meter.precision_at_recall(Of::All, 0.5), 0.5);
    }

    #[test]
    fn lines_without_known_labels_are_passed_over() {
        let bytes = codape_testkit::tiny_model(&["__label__a", "__label__b"]);
        let model = Model::from_bytes(bytes).unwrap();
        let mut meter = Meter::new(2, Scores::Dropped);
        let lines: [&[u8]; 6] = [
            b"__label__a coiffure",
            b"domicile __label__b",
            b"__label__c coiffure",
            b"coiffure",
            b"",
            b"__label__a __label__b coiffure </s> __label__a",
        ];
        model
            .test(&lines, &Query::new(1, 0.0).unwrap(), &mut meter)
            .unwrap();
        assert_eq!(meter.examples(), 3);
        let all = meter.counts(Of::All);
        assert_eq!([all.gold, all.predicted, all.correct], [4, 3, 3]);
    }
}
