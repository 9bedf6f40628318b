//! Word vectors to start from (`FastText::getInputMatrixFromFile`).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::TrainError;

/// The longest line that is taken, in bytes.
const LONGEST_LINE: u64 = 16 << 20;

/// The vectors of a text file (`.vec`): a line with how many there are and how
/// long, then a line for each word, all separated by spaces.
#[derive(Debug)]
pub(crate) struct WordVectors {
    words: Vec<Vec<u8>>,
    places: HashMap<Vec<u8>, usize, RandomState>,
    /// `[words, dim]`.
    numbers: Vec<f32>,
    dim: usize,
}

impl WordVectors {
    pub(crate) fn read(path: &Path, dim: usize) -> Result<Self, TrainError> {
        let problem = |problem: String| TrainError::PretrainedVectors {
            path: path.to_owned(),
            problem,
        };
        let file = File::open(path).map_err(|error| problem(error.to_string()))?;
        Self::read_from(BufReader::new(file), dim).map_err(|(line, what)| match line {
            0 => problem(what),
            line => problem(format!("line {line}: {what}")),
        })
    }

    /// The error has the number of the line, from 1, and what is wrong with it.
    fn read_from(mut reader: impl BufRead, dim: usize) -> Result<Self, (usize, String)> {
        let mut line = Vec::new();
        next_line(&mut reader, &mut line).map_err(|error| (1, error.to_string()))?;
        let head: Vec<usize> = fields(&line)
            .filter_map(|field| std::str::from_utf8(field).ok()?.parse().ok())
            .collect();
        let &[count, found] = head.as_slice() else {
            return Err((1, "expected the number of words and of numbers".to_owned()));
        };
        if found != dim {
            return Err((1, format!("vectors of {found} numbers, dim is {dim}")));
        }
        let mut vectors = Self {
            words: Vec::new(),
            places: HashMap::default(),
            numbers: Vec::new(),
            dim,
        };
        for number in 2..count.saturating_add(2) {
            let wrong = |what: String| (number, what);
            if !next_line(&mut reader, &mut line).map_err(|error| wrong(error.to_string()))? {
                return Err(wrong(format!("the file ends before {count} words")));
            }
            let mut fields = fields(&line);
            let word = fields.next().unwrap_or_default().to_vec();
            let before = vectors.numbers.len();
            for field in fields {
                let value = std::str::from_utf8(field)
                    .ok()
                    .and_then(|text| text.parse().ok());
                let value: f32 =
                    value
                        .filter(|value: &f32| value.is_finite())
                        .ok_or_else(|| {
                            wrong(format!("{:?} is no number", String::from_utf8_lossy(field)))
                        })?;
                vectors.numbers.push(value);
            }
            let found = vectors.numbers.len() - before;
            if found != dim {
                return Err(wrong(format!("{found} numbers, expected {dim}")));
            }
            vectors.places.insert(word.clone(), vectors.words.len());
            vectors.words.push(word);
        }
        Ok(vectors)
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.words.iter().map(Vec::as_slice)
    }

    pub(crate) fn get(&self, word: &[u8]) -> Option<&[f32]> {
        let place = *self.places.get(word)?;
        Some(&self.numbers[place * self.dim..][..self.dim])
    }
}

fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty())
}

/// Reads a line; `false` at the end.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = reader.take(LONGEST_LINE).read_until(b'\n', line)?;
    if read as u64 == LONGEST_LINE {
        let problem = format!("longer than {LONGEST_LINE} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    Ok(read > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_found_by_their_word() {
        let text: &[u8] = b"2 3\ncaf\xc3\xa9 1 -2.5 3e-1 \n\xff 4 5 6\n";
        let vectors = WordVectors::read_from(text, 3).unwrap();
        assert_eq!(vectors.words().count(), 2);
        assert_eq!(vectors.get("café".as_bytes()), Some(&[1.0, -2.5, 0.3][..]));
        assert_eq!(vectors.get(b"\xff"), Some(&[4.0, 5.0, 6.0][..]));
        assert_eq!(vectors.get(b"x"), None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let error = |text: &str| WordVectors::read_from(text.as_bytes(), 3).unwrap_err();
        assert_eq!(error("").0, 1);
        assert_eq!(
            error("2 4\n"),
            (1, "vectors of 4 numbers, dim is 3".to_owned())
        );
        assert_eq!(
            error("1 3\na 1 2\n"),
            (2, "2 numbers, expected 3".to_owned())
        );
        assert_eq!(
            error("1 3\na 1 x 2\n"),
            (2, "\"x\" is no number".to_owned())
        );
        assert_eq!(
            error("2 3\na 1 2 3\n"),
            (3, "the file ends before 2 words".to_owned())
        );
        assert_eq!(error("99999999999999 3\n").0, 2);
    }
}
