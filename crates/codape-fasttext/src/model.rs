//! A model: opening it, and asking it for labels.

use std::path::Path;

use codape_kernels::{Access, FileBytes};
use rayon::prelude::*;

use crate::best::Best;
use crate::features::{FeatureScratch, Features};
use crate::huffman::HuffmanTree;
use crate::input::InputMatrix;
use crate::loss::Activation;
use crate::output::{AllLabels, OutputRows, SingleRows};
use crate::reader::{Reader, inconsistent};
use crate::{
    Dictionary, FormatError, Header, LoadError, LossName, ModelName, PredictError, Prediction,
    Query,
};

/// Texts whose logits are computed together.
const BATCH: usize = 64;

/// A model of the official program, ready to answer. It does not change:
/// any number of threads may share one.
#[derive(Debug)]
pub struct Model {
    pub(crate) bytes: FileBytes,
    pub(crate) header: Header,
    pub(crate) dictionary: Dictionary,
    pub(crate) input: InputMatrix,
    output_is_quantized: bool,
    classifier: Option<Classifier>,
}

/// How a supervised model finds its labels.
#[derive(Debug)]
enum Classifier {
    All {
        output: AllLabels,
        activation: Activation,
    },
    Tree {
        output: SingleRows,
        tree: HuffmanTree,
    },
}

impl Classifier {
    /// `counts` are those of the labels, and where the file has them.
    fn new(
        output: &OutputRows<'_>,
        loss: LossName,
        counts: (&[i64], usize),
    ) -> Result<Self, FormatError> {
        output.verify()?;
        Ok(match Activation::of(loss) {
            Some(activation) => Self::All {
                output: AllLabels::new(output),
                activation,
            },
            None => Self::Tree {
                tree: HuffmanTree::new(counts.0, counts.1)?,
                output: SingleRows::new(output),
            },
        })
    }
}

/// Buffers that one prediction after another reuses. One for each thread.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) features: FeatureScratch,
    vectors: Vec<f32>,
    logits: Vec<f32>,
    best: Best,
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
        let header = Header::read(&mut reader)?;
        let dictionary_offset = reader.offset();
        let dictionary = Dictionary::read(&mut reader, &header)?;

        let quantized_offset = reader.offset();
        let input_is_quantized = reader.bool("quant_input")?;
        if !input_is_quantized && dictionary.kept_ngrams().is_some() {
            return Err(inconsistent(
                "quant_input",
                quantized_offset,
                0,
                "1, since the dictionary is pruned",
            ));
        }
        let ngram_rows = dictionary.kept_ngrams().unwrap_or(header.bucket as usize);
        let input_shape = [dictionary.word_count() + ngram_rows, header.dim];
        let input = InputMatrix::read(&mut reader, input_is_quantized, input_shape)?;

        // A dense input goes with a dense output, whatever this says
        // (`FastText::loadModel`).
        let output_is_quantized = reader.bool("qout")? && input_is_quantized;
        let output_rows = match header.model {
            ModelName::Supervised => dictionary.label_count(),
            ModelName::Cbow | ModelName::SkipGram => dictionary.word_count(),
        };
        if input.rows() == 0 && output_rows == 0 {
            // No row bounds `args.dim` by what the file holds.
            return Err(inconsistent(
                "dictionary.size",
                dictionary_offset,
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
            ModelName::Supervised => {
                let counts = dictionary.label_counts();
                Some(Classifier::new(
                    &output,
                    header.loss,
                    (counts, dictionary_offset),
                )?)
            }
        };
        Ok(Self {
            header,
            dictionary,
            input,
            output_is_quantized: output.is_quantized(),
            classifier,
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

    /// How the input matrix was quantized; `None` where it is dense.
    #[must_use]
    pub fn input_quantization(&self) -> Option<Quantization> {
        match &self.input {
            InputMatrix::Dense(_) => None,
            InputMatrix::Quantized(matrix) => Some(Quantization {
                dsub: matrix.dsub(),
                has_norms: matrix.has_norms(),
            }),
        }
    }

    /// Whether the output matrix was quantized.
    #[must_use]
    pub fn is_output_quantized(&self) -> bool {
        self.output_is_quantized
    }

    /// Reads every number of the input matrix, which opening does not.
    ///
    /// # Errors
    ///
    /// Where one of them is not finite.
    pub fn verify(&self) -> Result<(), FormatError> {
        self.input.verify(&self.bytes)
    }

    /// The best labels of a line of text, best first; of equals, in the
    /// reference's order. The answer is empty where the model has no row for
    /// anything in the line, not even for its end.
    ///
    /// The line ends with its last byte, or at a newline or a token `</s>`
    /// before it (`FastText::predictLine`, of the line and a newline).
    ///
    /// # Errors
    ///
    /// [`PredictError::NotSupervised`] of a model of word vectors,
    /// [`PredictError::NotFinite`] of a damaged one.
    pub fn predict(
        &self,
        line: &[u8],
        query: &Query,
        scratch: &mut Scratch,
    ) -> Result<Vec<Prediction>, PredictError> {
        let classifier = self.classifier()?;
        scratch.vectors.clear();
        match self.push_text_vector(line, scratch) {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(error),
            None => return Ok(Vec::new()),
        }
        let Scratch {
            vectors,
            logits,
            best,
            ..
        } = scratch;
        best.start(query);
        let is_answered = match classifier {
            Classifier::All { output, activation } => {
                logits.resize(output.rows(), 0.0);
                output.logits(vectors, logits);
                let is_number = activation.apply(logits);
                best.take_probabilities(logits);
                is_number
            }
            Classifier::Tree { output, tree } => {
                tree.search(query.threshold(), best, |row| output.dot(row, vectors))
            }
        };
        if is_answered {
            Ok(best.finish())
        } else {
            Err(PredictError::NotFinite)
        }
    }

    /// The best labels of many lines, in their order: what
    /// [`predict`](Self::predict) says of each, computed in blocks and on
    /// every thread of the current rayon pool.
    #[must_use]
    pub fn predict_batch<L: AsRef<[u8]> + Sync>(
        &self,
        lines: &[L],
        query: &Query,
    ) -> Vec<Result<Vec<Prediction>, PredictError>> {
        lines
            .par_chunks(BATCH)
            .map_init(Scratch::default, |scratch, lines| {
                self.predict_block(lines, query, scratch)
            })
            .flatten_iter()
            .collect()
    }

    /// The answers for a block of lines whose logits are computed together.
    fn predict_block<L: AsRef<[u8]>>(
        &self,
        lines: &[L],
        query: &Query,
        scratch: &mut Scratch,
    ) -> Vec<Result<Vec<Prediction>, PredictError>> {
        let Some(Classifier::All { output, activation }) = &self.classifier else {
            return lines
                .iter()
                .map(|line| self.predict(line.as_ref(), query, scratch))
                .collect();
        };
        scratch.vectors.clear();
        let read: Vec<_> = lines
            .iter()
            .map(|line| self.push_text_vector(line.as_ref(), scratch))
            .collect();
        let Scratch {
            vectors,
            logits,
            best,
            ..
        } = scratch;
        let rows = output.rows();
        logits.resize(vectors.len() / self.header.dim * rows, 0.0);
        output.logits(vectors, logits);
        let mut rest = logits.as_mut_slice();
        read.into_iter()
            .map(|read| match read {
                None => Ok(Vec::new()),
                Some(Err(error)) => Err(error),
                Some(Ok(())) => {
                    let (logits, others) = std::mem::take(&mut rest).split_at_mut(rows);
                    rest = others;
                    if !activation.apply(logits) {
                        return Err(PredictError::NotFinite);
                    }
                    best.start(query);
                    best.take_probabilities(logits);
                    Ok(best.finish())
                }
            })
            .collect()
    }

    fn classifier(&self) -> Result<&Classifier, PredictError> {
        self.classifier.as_ref().ok_or(PredictError::NotSupervised)
    }

    /// Appends the vector of a text, the mean of its rows, to
    /// `scratch.vectors` (`Model::computeHidden`). `None`, and nothing is
    /// appended, where the text has no rows; nothing is appended either where
    /// the mean is not finite.
    fn push_text_vector(
        &self,
        line: &[u8],
        scratch: &mut Scratch,
    ) -> Option<Result<(), PredictError>> {
        let start = scratch.vectors.len();
        scratch.vectors.resize(start + self.header.dim, 0.0);
        let vector = &mut scratch.vectors[start..];
        let rows = self.add_line_rows(line, &mut scratch.features, vector);
        if rows == 0 {
            scratch.vectors.truncate(start);
            return None;
        }
        scale(vector, 1.0 / rows as f64);
        if vector.iter().all(|number| number.is_finite()) {
            Some(Ok(()))
        } else {
            scratch.vectors.truncate(start);
            Some(Err(PredictError::NotFinite))
        }
    }

    /// Adds the rows of a line to a sum, and counts them.
    pub(crate) fn add_line_rows(
        &self,
        line: &[u8],
        scratch: &mut FeatureScratch,
        sum: &mut [f32],
    ) -> usize {
        let mut rows = 0;
        self.features().of_line(line, scratch, |row| {
            self.input.add_row(&self.bytes, row as usize, sum);
            rows += 1;
        });
        rows
    }

    pub(crate) fn features(&self) -> Features<'_> {
        Features {
            header: &self.header,
            dictionary: &self.dictionary,
        }
    }
}

/// How a matrix was quantized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantization {
    /// Numbers that one byte stands for.
    pub dsub: usize,
    /// Whether the lengths of the rows were quantized apart.
    pub has_norms: bool,
}

/// Multiplies a vector with a factor that is rounded first (`Vector::mul`).
pub(crate) fn scale(vector: &mut [f32], factor: f64) {
    let factor = factor as f32;
    for number in vector {
        *number *= factor;
    }
}
