//! Quantization: a model in a tenth of its size and less.
//!
//! As in the reference, the least important rows of the input matrix may be
//! dropped (`cutoff`); then rows are kept as codes, one byte for a few
//! numbers (product quantization), and their lengths apart if asked for.

mod introsort;
mod product;
mod prune;
pub(crate) mod std_random;

use std::io::{self, Cursor, Write};
use std::ops::ControlFlow;
use std::path::Path;

use product::{QuantizedRows, norms};

use crate::train::{self, Retrained, TrainedOutput};
use crate::writer::{self, Rows};
use crate::{
    Dictionary, Header, Model, ModelName, Observer, SaveError, TrainError, TrainOptions,
    TrainingText,
};

/// The fewest rows that can be quantized: as many as there are centroids.
const FEWEST_ROWS: usize = 256;
/// Numbers that a byte stands for in the output matrix.
const OUTPUT_DSUB: usize = 2;

/// The options of a quantization, by the reference's names.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizeOptions {
    /// Numbers that one byte stands for; at least 1.
    pub dsub: usize,
    /// Keep the lengths of the rows apart, one byte each.
    pub qnorm: bool,
    /// Quantize the output matrix too, two numbers to a byte.
    pub qout: bool,
    /// Keep this many rows of the input matrix: words and n-grams, the longest
    /// vectors first. `None` keeps all; so does a number not below theirs.
    pub cutoff: Option<usize>,
}

impl Default for QuantizeOptions {
    fn default() -> Self {
        Self {
            dsub: 2,
            qnorm: false,
            qout: false,
            cutoff: None,
        }
    }
}

/// Why a model was not quantized.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuantizeError {
    /// The model was quantized before.
    #[error("the model is quantized already")]
    AlreadyQuantized,
    /// The model has word vectors, and no labels.
    #[error("only models with labels can be quantized, this one has word vectors")]
    NotSupervised,
    /// There are fewer rows than centroids.
    #[error("{matrix} has {rows} rows, too few to quantize: at least {FEWEST_ROWS} are needed")]
    TooFewRows {
        /// Which matrix, and what it may be.
        matrix: &'static str,
        /// Its rows, after pruning.
        rows: usize,
    },
    /// There are more codes than a file can hold.
    #[error(
        "the codes would take {bytes} bytes, a model file holds {} at most: drop rows with a cutoff",
        i32::MAX
    )]
    TooManyCodes {
        /// A byte for each part of each row.
        bytes: u64,
    },
    /// An option is out of its range.
    #[error("{option} is {found}, expected {expected}")]
    Option {
        /// The option, by the reference's name.
        option: &'static str,
        /// What it is.
        found: usize,
        /// What it may be.
        expected: &'static str,
    },
    /// A number of the model is not finite.
    #[error("row {row} has a number that is not finite: the model is damaged or was badly trained")]
    NotFinite {
        /// The row of the matrix, after pruning.
        row: usize,
    },
    /// The rows that were kept could not be trained again.
    #[error("cannot train again what the cutoff keeps")]
    Retrain(#[from] TrainError),
    /// The observer asked to stop.
    #[error("the quantization was stopped")]
    Stopped,
}

/// A text to train the rows again on that a cutoff keeps, so that they make up
/// for those that it drops (`retrain`).
pub struct Retrain<'a> {
    /// The text, as a rule that of the model.
    pub text: &'a TrainingText,
    /// Of the options `epoch`, `lr`, `lr_update_rate`, `threads`, `seed` and
    /// `label_prefix` count; the others are the model's.
    pub options: &'a TrainOptions,
    /// Is told how far the training is, and may break it off.
    pub observer: &'a mut Observer<'a>,
}

/// Is told what share of the work is done, 0 to 1, and may break it off.
pub type QuantizeObserver<'a> = dyn FnMut(f64) -> ControlFlow<()> + 'a;

/// A model that was quantized: it can be written as an `.ftz` file, and its
/// bytes taken as a [`Model`].
#[derive(Debug)]
pub struct QuantizedModel {
    header: Header,
    dictionary: Dictionary,
    input: QuantizedRows,
    output: Output,
}

/// An output matrix.
#[derive(Debug)]
enum Output {
    Quantized(QuantizedRows),
    Dense(DenseRows),
}

/// Rows of numbers.
#[derive(Debug)]
struct DenseRows {
    shape: [usize; 2],
    numbers: Vec<f32>,
}

impl Model {
    /// Quantizes a supervised model whose matrices are dense
    /// (`FastText::quantize`): the centroids and codes are the reference's, to
    /// the bit. It uses every thread of the current rayon pool.
    ///
    /// # Errors
    ///
    /// Where the model is of another kind, has fewer than 256 rows left, or
    /// numbers that are not finite, and where the observer asks to stop.
    pub fn quantize(
        &self,
        options: &QuantizeOptions,
        observer: &mut QuantizeObserver<'_>,
    ) -> Result<QuantizedModel, QuantizeError> {
        self.quantize_with(options, None, observer)
    }

    /// Does as [`quantize`](Self::quantize), but trains the rows again that the
    /// cutoff keeps; without a cutoff that drops any, there is no difference.
    ///
    /// # Errors
    ///
    /// Those of [`quantize`](Self::quantize), and of the training.
    pub fn quantize_and_retrain(
        &self,
        options: &QuantizeOptions,
        retrain: Retrain<'_>,
        observer: &mut QuantizeObserver<'_>,
    ) -> Result<QuantizedModel, QuantizeError> {
        self.quantize_with(options, Some(retrain), observer)
    }

    fn quantize_with(
        &self,
        options: &QuantizeOptions,
        retrain: Option<Retrain<'_>>,
        observer: &mut QuantizeObserver<'_>,
    ) -> Result<QuantizedModel, QuantizeError> {
        let Self {
            header, dictionary, ..
        } = self;
        let [input, output] = self
            .dense_matrices()
            .ok_or(QuantizeError::AlreadyQuantized)?;
        if header.model != ModelName::Supervised {
            return Err(QuantizeError::NotSupervised);
        }
        if options.dsub == 0 || i32::try_from(options.dsub).is_err() {
            return Err(QuantizeError::Option {
                option: "dsub",
                found: options.dsub,
                expected: "at least 1, at most the dimension",
            });
        }
        let how = (options, observer);
        let Some(cutoff) = options.cutoff.filter(|cutoff| *cutoff < input.rows()) else {
            let head = (header.clone(), dictionary.clone());
            return encode(head, &input, &output, how);
        };
        check_rows(CUT_INPUT, cutoff)?;
        let (dictionary, kept) = prune::prune(dictionary, &input, cutoff);
        let Some(retrain) = retrain else {
            return encode((header.clone(), dictionary), &kept, &output, how);
        };
        let header = Header {
            epoch: i32::try_from(retrain.options.epoch).unwrap_or(i32::MAX),
            ..header.clone()
        };
        let trained = train::retrain(
            (retrain.text, retrain.options),
            (&header, &dictionary),
            &kept,
            &output,
            retrain.observer,
        )?;
        let input = Retrained {
            trained: &trained,
            input: &kept,
        };
        let output = TrainedOutput {
            trained: &trained,
            dim: header.dim,
        };
        encode((header, dictionary), &input, &output, how)
    }
}

const INPUT: &str = "the input matrix";
const CUT_INPUT: &str = "the input matrix after the cutoff";
const OUTPUT: &str = "the output matrix, a row for each label,";

fn check_rows(matrix: &'static str, rows: usize) -> Result<(), QuantizeError> {
    if rows < FEWEST_ROWS {
        return Err(QuantizeError::TooFewRows { matrix, rows });
    }
    Ok(())
}

/// Makes codes of rows.
fn encode(
    (header, dictionary): (Header, Dictionary),
    input: &(impl Rows + Sync),
    output: &(impl Rows + Sync),
    (options, observer): (&QuantizeOptions, &mut QuantizeObserver<'_>),
) -> Result<QuantizedModel, QuantizeError> {
    let QuantizeOptions {
        dsub, qnorm, qout, ..
    } = *options;
    let dim = header.dim;
    check_rows(INPUT, input.shape()[0])?;
    check_codes(input.shape(), dsub)?;
    let mut steps = QuantizedRows::steps(dim, dsub, qnorm);
    if qout {
        check_rows(OUTPUT, output.shape()[0])?;
        check_codes(output.shape(), OUTPUT_DSUB)?;
        steps += QuantizedRows::steps(dim, OUTPUT_DSUB, qnorm);
    }
    let mut done = 0_usize;
    let mut step = || {
        done += 1;
        match observer(done as f64 / steps as f64) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(QuantizeError::Stopped),
        }
    };
    let input_norms = qnorm.then(|| norms(input));
    let input = QuantizedRows::new(input, dsub, input_norms.as_deref(), &mut step)?;
    let output = if qout {
        let norms = qnorm.then(|| norms(output));
        Output::Quantized(QuantizedRows::new(
            output,
            OUTPUT_DSUB,
            norms.as_deref(),
            &mut step,
        )?)
    } else {
        Output::Dense(DenseRows::copy(output))
    };
    Ok(QuantizedModel {
        header,
        dictionary,
        input,
        output,
    })
}

/// The length of the codes is an `i32` in the file.
fn check_codes([rows, dim]: [usize; 2], dsub: usize) -> Result<(), QuantizeError> {
    let bytes = rows as u64 * dim.div_ceil(dsub) as u64;
    if i32::try_from(bytes).is_err() {
        return Err(QuantizeError::TooManyCodes { bytes });
    }
    Ok(())
}

impl DenseRows {
    fn copy(matrix: &impl Rows) -> Self {
        let shape @ [rows, dim] = matrix.shape();
        let mut numbers = vec![0.0; rows * dim];
        for (row, numbers) in numbers.chunks_exact_mut(dim).enumerate() {
            product::copy_row(matrix, row, numbers);
        }
        Self { shape, numbers }
    }

    /// `DenseMatrix::save`.
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for size in self.shape {
            writer::write_i64(out, size as u64)?;
        }
        writer::write_f32s(out, &self.numbers, &mut Vec::new())
    }
}

impl QuantizedModel {
    /// How the model was trained.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The words and labels that are left.
    #[must_use]
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// Writes the model as an `.ftz` file: first beside `path`, then renamed,
    /// so that there is never half a file under that name.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn save(&self, path: &Path) -> Result<(), SaveError> {
        writer::save(path, |out| self.write(out))
    }

    /// The bytes of the `.ftz` file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        self.write(&mut out)
            .expect("memory can be written to, and sizes were checked");
        out.into_inner()
    }

    /// `FastText::saveModel`.
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.header.write(out, crate::header::MAGIC)?;
        self.dictionary.write(out)?;
        out.write_all(&[1])?; // quant_input
        self.input.write(out)?;
        match &self.output {
            Output::Quantized(rows) => {
                out.write_all(&[1])?; // qout
                rows.write(out)
            }
            Output::Dense(rows) => {
                out.write_all(&[0])?; // qout
                rows.write(out)
            }
        }
    }
}
