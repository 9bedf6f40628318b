//! Packed models: rows of fewer bytes, and one row for all of a word.
//!
//! A file of codape's own, which the official program does not read
//! (`docs/packed-models.md`). It is made of a classifier with dense matrices.
//! Texts of words that the model knows need a row for each instead of one for
//! each of its character n-grams, too.

use std::io::{self, Seek, Write};
use std::path::Path;

use crate::dictionary::EOS;
use crate::features::Features;
use crate::input::RowFormat;
use crate::model::Model;
use crate::reader::{Reader, f32s, inconsistent};
use crate::writer::{Row, Rows, Zeros, save, write_matrix, write_rows};
use crate::{FormatError, ModelName, SaveError};

/// The first four bytes of a packed model.
pub(crate) const MAGIC: [u8; 4] = *b"cdpm";
/// What the byte after the dictionary says.
const BF16: u8 = 1;
const INT8: u8 = 2;
/// The greatest of the signed bytes that stand for numbers; the least is as
/// far from 0.
const GREATEST_BYTE: f32 = 127.0;

/// How the rows of a packed model are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackedRows {
    /// 16 bits a number: the upper half of one of 32 bits (bfloat16), rounded
    /// to the nearest, ties to even.
    Bf16,
    /// 8 bits a number, and 32 for a row: the step that the bytes count, a
    /// 127th of the greatest number of the row.
    Int8,
}

impl PackedRows {
    /// The name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }

    /// Reads which it is.
    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let offset = reader.offset();
        match reader.u8("input.rows")? {
            BF16 => Ok(Self::Bf16),
            INT8 => Ok(Self::Int8),
            found => Err(inconsistent(
                "input.rows",
                offset,
                found,
                format!("{BF16} (bf16) or {INT8} (int8)"),
            )),
        }
    }

    /// Refuses rows with numbers that are not finite, in bytes that start at
    /// an offset of the file.
    pub(crate) fn verify(
        self,
        field: &'static str,
        (bytes, offset): (&[u8], usize),
        row_bytes: usize,
    ) -> Result<(), FormatError> {
        for (row, start) in bytes
            .chunks_exact(row_bytes)
            .zip((offset..).step_by(row_bytes))
        {
            let finite = match self {
                Self::Bf16 => row.as_chunks().0.iter().all(|half| {
                    f32::from_bits(u32::from(u16::from_le_bytes(*half)) << 16).is_finite()
                }),
                Self::Int8 => f32s(&row[..4]).all(f32::is_finite),
            };
            if !finite {
                return Err(inconsistent(field, start, "not finite", "finite numbers"));
            }
        }
        Ok(())
    }

    /// Appends a row of numbers to bytes.
    fn pack(self, numbers: &[f32], bytes: &mut Vec<u8>) {
        match self {
            Self::Bf16 => bytes.extend(numbers.iter().flat_map(|n| bf16(*n).to_le_bytes())),
            Self::Int8 => {
                let greatest = numbers.iter().fold(0.0_f32, |most, n| most.max(n.abs()));
                let step = greatest / GREATEST_BYTE;
                bytes.extend(step.to_le_bytes());
                let byte = |n: &f32| {
                    let steps = if step > 0.0 { n / step } else { 0.0 };
                    steps.round().clamp(-GREATEST_BYTE, GREATEST_BYTE) as i8
                };
                bytes.extend(numbers.iter().map(|n| byte(n).cast_unsigned()));
            }
        }
    }
}

/// The upper half of a finite number, rounded to the nearest, ties to even.
fn bf16(number: f32) -> u16 {
    let bits = number.to_bits();
    let is_odd = bits >> 16 & 1;
    // What rounds up to infinity stays the greatest number.
    let rounded = (bits + 0x7fff + is_odd) >> 16;
    let is_infinite = rounded & 0x7f80 == 0x7f80;
    (if is_infinite { rounded - 1 } else { rounded }) as u16
}

/// What the file of a packed model has between its dictionary and its rows.
#[derive(Debug)]
pub(crate) struct PackedHead {
    pub(crate) format: PackedRows,
    /// How many rows of the model that was packed each word's row is the sum of.
    pub(crate) word_rows: Vec<u32>,
}

impl PackedHead {
    pub(crate) fn read(reader: &mut Reader<'_>, words: usize) -> Result<Self, FormatError> {
        let format = PackedRows::read(reader)?;
        let offset = reader.offset();
        let bytes = reader.take("words.rows", (words as u64).saturating_mul(4))?;
        let word_rows: Vec<u32> = (bytes.as_chunks().0.iter())
            .map(|bytes| u32::from_le_bytes(*bytes))
            .collect();
        if let Some(word) = word_rows.iter().position(|rows| *rows == 0) {
            let place = offset + 4 * word;
            return Err(inconsistent("words.rows", place, 0, "at least 1"));
        }
        Ok(Self { format, word_rows })
    }
}

/// Why a model cannot be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The model has word vectors, and no labels.
    #[error("only models with labels can be packed, this one has word vectors")]
    NotSupervised,
    /// The numbers were quantized or packed before.
    #[error("the model is quantized or packed already: pack the .bin file that it was made of")]
    NotDense,
    /// A number of the model is not finite.
    #[error("row {row} has a number that is not finite: the model is damaged or was badly trained")]
    NotFinite {
        /// The row of the input matrix.
        row: usize,
    },
}

impl Model {
    /// Writes a classifier with dense matrices as a packed model: first beside
    /// `path`, then renamed, so that there is never half a file under that
    /// name. A gigabyte takes a few seconds.
    ///
    /// # Errors
    ///
    /// [`PackError`], within the outer `Ok`, where the model is of another
    /// kind or has numbers that are not finite; whatever the system says.
    pub fn save_packed(
        &self,
        format: PackedRows,
        path: &Path,
    ) -> Result<Result<(), PackError>, SaveError> {
        if self.header.model != ModelName::Supervised {
            return Ok(Err(PackError::NotSupervised));
        }
        let Some([input, output]) = self.dense_matrices() else {
            return Ok(Err(PackError::NotDense));
        };
        let rows = Packed {
            input: &input,
            features: Features::new(&self.header, &self.dictionary),
        };
        let mut bad_row = None;
        let result = save(path, |out| {
            self.write_packed(out, format, &rows, &mut bad_row)?;
            out.write_all(&[0])?; // qout
            // The end of the file must be written for it to have its length.
            write_matrix(out, &output, Zeros::Written)
        });
        match bad_row {
            Some(row) => Ok(Err(PackError::NotFinite { row })),
            None => result.map(Ok),
        }
    }

    fn write_packed(
        &self,
        out: &mut (impl Write + Seek),
        format: PackedRows,
        rows: &Packed<'_, impl Rows>,
        bad_row: &mut Option<usize>,
    ) -> io::Result<()> {
        self.header.write(out, MAGIC)?;
        self.dictionary.write(out)?;
        out.write_all(&[match format {
            PackedRows::Bf16 => BF16,
            PackedRows::Int8 => INT8,
        }])?;
        for id in 0..self.dictionary.word_count() as u32 {
            let mut count = 0_u32;
            rows.of_word(id, |_| count = count.saturating_add(1));
            out.write_all(&count.to_le_bytes())?;
        }
        let [_, dim] = rows.shape();
        let row_bytes = RowFormat::Packed(format).row_bytes(dim);
        write_rows(
            out,
            rows,
            (row_bytes, Zeros::AsHoles),
            |row, numbers, bytes| {
                if !numbers.iter().all(|number| number.is_finite()) {
                    *bad_row = Some(row);
                    return Err(io::ErrorKind::InvalidData.into());
                }
                format.pack(numbers, bytes);
                Ok(())
            },
        )
    }
}

/// The rows of a packed model before they are packed.
struct Packed<'a, R> {
    input: &'a R,
    features: Features<'a>,
}

impl<R> Packed<'_, R> {
    /// Gives `row` the rows that a word stands for, itself first.
    fn of_word(&self, id: u32, mut row: impl FnMut(u32)) {
        row(id);
        let word = self.features.dictionary.word(id);
        if word != EOS {
            self.features
                .character_ngrams(word, &mut Vec::new(), &mut row);
        }
    }
}

impl<R: Rows> Rows for Packed<'_, R> {
    fn shape(&self) -> [usize; 2] {
        self.input.shape()
    }

    fn fill(&self, row: usize, numbers: &mut [f32]) -> Row {
        if row >= self.features.dictionary.word_count() {
            let filled = self.input.fill(row, numbers);
            let is_zero = numbers.iter().all(|number| *number == 0.0);
            return if is_zero { Row::Zeros } else { filled };
        }
        let mut sum = vec![0.0_f64; numbers.len()];
        self.of_word(row as u32, |row| {
            if self.input.fill(row as usize, numbers) == Row::Filled {
                for (sum, number) in sum.iter_mut().zip(&*numbers) {
                    *sum += f64::from(*number);
                }
            }
        });
        for (number, sum) in numbers.iter_mut().zip(sum) {
            *number = sum as f32;
        }
        Row::Filled
    }
}
