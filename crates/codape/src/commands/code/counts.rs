//! What became of the rows, in numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What became of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows that are in the output.
    pub written: u64,
    pub automatic: u64,
    pub review: u64,
    /// Rows that are in the output without a code.
    pub refused: u64,
    /// Rows that could not be read, and are in the file of refused rows alone.
    pub unreadable: u64,
    /// How often each code was the first.
    pub codes: BTreeMap<String, u64>,
}

impl Counts {
    /// All rows that were read.
    pub fn rows(&self) -> u64 {
        self.written + self.unreadable
    }

    pub fn add(&mut self, other: &Self) {
        self.written += other.written;
        self.automatic += other.automatic;
        self.review += other.review;
        self.refused += other.refused;
        self.unreadable += other.unreadable;
        for (code, count) in &other.codes {
            match self.codes.get_mut(code) {
                Some(sum) => *sum += count,
                None => {
                    self.codes.insert(code.clone(), *count);
                }
            }
        }
    }

    /// The share of rows that were coded automatically, of those in the output.
    pub fn automatic_share(&self) -> f64 {
        match self.written {
            0 => 0.0,
            written => self.automatic as f64 / written as f64,
        }
    }

    /// The most frequent codes, the most frequent first; equally frequent ones in
    /// the order of the alphabet.
    pub fn most_frequent(&self, most: usize) -> Vec<(&str, u64)> {
        let mut codes: Vec<_> = self.codes.iter().map(|(code, n)| (&**code, *n)).collect();
        codes.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        codes.truncate(most);
        codes
    }
}
