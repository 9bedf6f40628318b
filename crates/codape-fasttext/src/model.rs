//! A model: opening it, and what is in it.

use std::io;
use std::path::Path;
use std::sync::OnceLock;

use codape_kernels::{Access, FileBytes};

use crate::classifier::Classifier;
use crate::features::Features;
use crate::input::{InputMatrix, RowFormat, StoredRows};
use crate::known_words::KnownWords;
use crate::output::OutputRows;
use crate::packed::{PackedHead, PackedRows};
use crate::reader::{Reader, inconsistent};
use crate::screen::Ties;
use crate::{Dictionary, FormatError, Header, LoadError, ModelName};

/// A model of the official program, or one that was packed from such a model,
/// ready to answer. It does not change: any number of threads may share one.
#[derive(Debug)]
pub struct Model {
    pub(crate) bytes: FileBytes,
    pub(crate) header: Header,
    pub(crate) dictionary: Dictionary,
    pub(crate) input: InputMatrix,
    output_is_quantized: bool,
    pub(crate) classifier: Option<Classifier>,
    known_words: OnceLock<KnownWords>,
    /// Of a packed model, how many rows each word's row is the sum of.
    word_rows: Option<Vec<u32>>,
}

impl Model {
    /// Opens a model file.
    ///
    /// With [`Access::Map`] the numbers of the input matrix are not read but
    /// mapped: opening takes time and memory for the dictionary and the output
    /// matrix only.
    ///
    /// # Errors
    ///
    /// [`LoadError::Io`] where the file cannot be read, [`LoadError::Format`]
    /// where it is not a model.
    pub fn open(path: impl AsRef<Path>, access: Access) -> Result<Self, LoadError> {
        let path = path.as_ref();
        let bytes = FileBytes::open(path, access).map_err(|source| LoadError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::new(bytes).map_err(|source| LoadError::Format {
            path: path.to_owned(),
            source,
        })
    }

    /// Takes the bytes of a model file.
    ///
    /// # Errors
    ///
    /// Where they are not a model.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, FormatError> {
        Self::new(bytes.into())
    }

    /// Takes the bytes of a model file that the program carries.
    ///
    /// # Errors
    ///
    /// Where they are not a model.
    pub fn from_static(bytes: &'static [u8]) -> Result<Self, FormatError> {
        Self::new(bytes.into())
    }

    fn new(bytes: FileBytes) -> Result<Self, FormatError> {
        let mut reader = Reader::new(&bytes);
        let (header, is_packed) = Header::read(&mut reader)?;
        let dictionary = Dictionary::read(&mut reader, &header)?;
        let (input, word_rows) = if is_packed {
            let (input, word_rows) = read_packed_input(&mut reader, &header, &dictionary)?;
            (input, Some(word_rows))
        } else {
            (read_input(&mut reader, &header, &dictionary)?, None)
        };

        // A dense input goes with a dense output, whatever this says
        // (`FastText::loadModel`).
        let output_is_quantized =
            reader.bool("qout")? && matches!(input, InputMatrix::Quantized(_));
        let output_rows = match header.model {
            ModelName::Supervised => dictionary.label_count(),
            ModelName::Cbow | ModelName::SkipGram => dictionary.word_count(),
        };
        if input.rows() == 0 && output_rows == 0 {
            // No row bounds `args.dim` by what the file holds.
            return Err(inconsistent(
                "dictionary.size",
                dictionary.offset(),
                dictionary.word_count() + dictionary.label_count(),
                "a word, or a label to predict",
            ));
        }
        let output = OutputRows::read(
            &mut reader,
            &bytes,
            output_is_quantized,
            [output_rows, header.dim],
        )?;
        if !reader.remaining().is_empty() {
            return Err(FormatError::TrailingBytes {
                offset: reader.offset(),
                extra: reader.remaining().len(),
            });
        }
        let classifier = match header.model {
            ModelName::Cbow | ModelName::SkipGram => None,
            ModelName::Supervised => Some(Classifier::new(&output, &header, &dictionary)?),
        };
        Ok(Self {
            header,
            dictionary,
            input,
            output_is_quantized: output.is_quantized(),
            classifier,
            known_words: OnceLock::new(),
            word_rows,
            bytes,
        })
    }

    /// How the model was trained.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The words and labels.
    #[must_use]
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// A label by its number, with its prefix.
    ///
    /// # Panics
    ///
    /// If there is no such label.
    #[must_use]
    pub fn label(&self, id: u32) -> &[u8] {
        self.dictionary.label(id)
    }

    /// The size of the model's file, in bytes.
    #[must_use]
    pub fn file_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the numbers of the input matrix stay in a mapped file.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        self.bytes.is_mapped()
    }

    /// Rows of the input matrix: words, then n-grams.
    #[must_use]
    pub fn input_rows(&self) -> usize {
        self.input.rows()
    }

    /// How the rows of the input matrix are stored.
    #[must_use]
    pub fn input_storage(&self) -> InputStorage {
        match &self.input {
            InputMatrix::Stored(rows) => match rows.format() {
                RowFormat::F32 => InputStorage::Dense,
                RowFormat::Packed(format) => InputStorage::Packed(format),
            },
            InputMatrix::Quantized(matrix) => InputStorage::Quantized {
                dsub: matrix.dsub(),
                has_norms: matrix.has_norms(),
            },
        }
    }

    /// Whether the output matrix was quantized.
    #[must_use]
    pub fn is_output_quantized(&self) -> bool {
        self.output_is_quantized
    }

    /// Copies the rows of the input matrix out of the file into memory of the
    /// process's own, in large pages: answers then take less time, and the
    /// memory is no longer shared with other processes. Questions are answered
    /// meanwhile; a gigabyte takes a second or two.
    ///
    /// Says whether there was something to copy: there is not for a quantized
    /// model, whose rows are few bytes, nor for one that was read into memory.
    ///
    /// # Errors
    ///
    /// Where there is no room; the model answers from the file as before.
    pub fn copy_rows(&self) -> io::Result<bool> {
        self.input.copy_rows(&self.bytes)
    }

    /// Does once what answers then need not do, which stay the same to the bit (of
    /// a packed model but for rounding, which may take a probability to the next
    /// step of the sigmoid, and for the order of labels that are equal): finds
    /// the numbers of the rows of the dictionary's words, the frequent ones
    /// first, up to 16 MB of them; copies the first of these rows side by side,
    /// up to 24 MB; and finds the few directions in which most of the output
    /// matrix lies, if labels answer by themselves (one-vs-all, negative
    /// sampling), which takes the memory of one or two more output matrices.
    ///
    /// Questions are answered meanwhile. 10,000 words and 730 labels of
    /// dimension 180 take some 150 ms.
    pub fn prepare(&self) {
        // The words of a packed model have a row each.
        if self.word_rows.is_none() {
            self.known_words.get_or_init(|| {
                let features = Features::new(&self.header, &self.dictionary);
                KnownWords::new(features, (&self.input, &self.bytes))
            });
        }
        if let Some(classifier) = &self.classifier {
            classifier.prepare(match self.word_rows {
                None => Ties::AsReference,
                Some(_) => Ties::Any,
            });
        }
    }

    /// The bytes of memory that [`copy_rows`](Self::copy_rows) needs.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.input.row_bytes()
    }

    /// Reads every number of the input matrix, which opening does not.
    ///
    /// # Errors
    ///
    /// Where one of them is not finite.
    pub fn verify(&self) -> Result<(), FormatError> {
        self.input.verify(&self.bytes)
    }

    pub(crate) fn features(&self) -> Features<'_> {
        let features = Features::new(&self.header, &self.dictionary);
        match &self.word_rows {
            None => features.knowing(self.known_words.get()),
            Some(word_rows) => features.packed(word_rows),
        }
    }
}

/// How the rows of the input matrix are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputStorage {
    /// As numbers of 32 bits.
    Dense,
    /// As codes of centroids, as the official program quantizes.
    Quantized {
        /// Numbers that one byte stands for.
        dsub: usize,
        /// Whether the lengths of the rows were quantized apart.
        has_norms: bool,
    },
    /// As numbers of fewer bits, a word's rows added up.
    Packed(PackedRows),
}

/// Reads the input matrix of a model of the official program.
fn read_input(
    reader: &mut Reader<'_>,
    header: &Header,
    dictionary: &Dictionary,
) -> Result<InputMatrix, FormatError> {
    let offset = reader.offset();
    let is_quantized = reader.bool("quant_input")?;
    if !is_quantized && dictionary.kept_ngrams().is_some() {
        return Err(inconsistent(
            "quant_input",
            offset,
            0,
            "1, since the dictionary is pruned",
        ));
    }
    InputMatrix::read(reader, is_quantized, input_shape(header, dictionary))
}

/// Reads the input matrix of a packed model, and how many rows of the model
/// that was packed each word's row is the sum of.
fn read_packed_input(
    reader: &mut Reader<'_>,
    header: &Header,
    dictionary: &Dictionary,
) -> Result<(InputMatrix, Vec<u32>), FormatError> {
    let offset = reader.offset();
    if header.model != ModelName::Supervised {
        return Err(inconsistent(
            "args.model",
            offset,
            header.model.as_str(),
            "sup, since the model is packed",
        ));
    }
    let PackedHead { format, word_rows } = PackedHead::read(reader, dictionary.word_count())?;
    let shape = input_shape(header, dictionary);
    let rows = StoredRows::read(reader, RowFormat::Packed(format), shape)?;
    Ok((InputMatrix::Stored(rows), word_rows))
}

/// Rows and columns of the input matrix.
fn input_shape(header: &Header, dictionary: &Dictionary) -> [usize; 2] {
    let ngram_rows = dictionary.kept_ngrams().unwrap_or(header.bucket as usize);
    [dictionary.word_count() + ngram_rows, header.dim]
}

/// Multiplies a vector with a factor that is rounded first (`Vector::mul`).
pub(crate) fn scale(vector: &mut [f32], factor: f64) {
    let factor = factor as f32;
    for number in vector {
        *number *= factor;
    }
}
