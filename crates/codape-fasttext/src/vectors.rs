//! Vectors of words and of sentences.

use crate::ModelName;
use crate::features::FeatureScratch;
use crate::model::{Model, scale};

impl Model {
    /// The vector of a word: the mean of its row and those of its character
    /// n-grams; zeros where the model has none of them
    /// (`FastText::getWordVector`).
    #[must_use]
    pub fn word_vector(&self, word: &[u8]) -> Vec<f32> {
        let mut rows = Vec::new();
        let count = self
            .features()
            .of_word(word, &mut FeatureScratch::default(), |row| rows.push(row));
        // A label is found too, at a row that is another's or nobody's.
        rows.retain(|row| (*row as usize) < self.input.rows());
        self.mean(&rows, count)
    }

    /// The vector of a line of text (`FastText::getSentenceVector`): of a
    /// supervised model the mean of the line's rows, of another the mean of
    /// its words' vectors, each divided by its length.
    #[must_use]
    pub fn sentence_vector(&self, line: &[u8]) -> Vec<f32> {
        if self.header.model == ModelName::Supervised {
            let mut rows = Vec::new();
            let count = self
                .features()
                .of_line(line, &mut FeatureScratch::default(), |row| rows.push(row));
            return self.mean(&rows, count);
        }
        let mut sum = vec![0.0; self.header.dim];
        let mut words = 0;
        for word in words_of_stream(line) {
            let mut vector = self.word_vector(word);
            let norm = length(&vector);
            if norm > 0.0 {
                scale(&mut vector, 1.0 / f64::from(norm));
                for (sum, number) in sum.iter_mut().zip(&vector) {
                    *sum += number;
                }
                words += 1;
            }
        }
        if words > 0 {
            scale(&mut sum, 1.0 / f64::from(words));
        }
        sum
    }

    /// The sum of rows over a count; zeros for 0.
    fn mean(&self, rows: &[u32], count: u64) -> Vec<f32> {
        let mut vector = vec![0.0; self.header.dim];
        self.input
            .add_rows(&self.bytes, rows, &[rows.len()], &mut vector);
        if count > 0 {
            scale(&mut vector, 1.0 / count as f64);
        }
        vector
    }
}

/// The words before the first newline as a C++ stream reads them: unlike the
/// tokenizer's, they may hold a NUL.
fn words_of_stream(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = line.iter().position(|byte| *byte == b'\n');
    line[..end.unwrap_or(line.len())]
        .split(|byte| matches!(byte, b' ' | b'\r' | b'\t' | 0x0b | 0x0c))
        .filter(|word| !word.is_empty())
}

/// The length of a vector, summed in 32 bits (`Vector::norm`).
fn length(vector: &[f32]) -> f32 {
    let mut sum = 0.0_f32;
    for number in vector {
        sum += number * number;
    }
    sum.sqrt()
}
