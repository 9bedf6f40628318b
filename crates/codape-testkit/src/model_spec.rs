//! fastText model files written, and read, field by field.
//!
//! A [`ModelSpec`] holds every field of the file format apart from every other,
//! so that a test can make a file that contradicts itself in one place: nothing
//! is derived when it is written. The layout follows `FastText::saveModel` of
//! fastText 0.9.3 and what it calls: `Args::save`, `Dictionary::save`,
//! `DenseMatrix::save`, `QuantMatrix::save`, `ProductQuantizer::save`.

use crate::rng::SplitMix64;

/// The first field of every model file.
pub const MAGIC: i32 = 793_712_314;
/// The version that fastText writes.
pub const VERSION: i32 = 12;
/// Centroids of each subquantizer; a code is one byte.
pub const KSUB: usize = 256;

/// The kind of a model, as `Args::model` stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Kind {
    /// Word vectors from a bag of words.
    Cbow = 1,
    /// Word vectors by skip-gram.
    Skipgram = 2,
    /// A classifier.
    Supervised = 3,
}

/// The loss of a model, as `Args::loss` stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Loss {
    /// Hierarchical softmax.
    HierarchicalSoftmax = 1,
    /// Negative sampling.
    NegativeSampling = 2,
    /// Softmax.
    Softmax = 3,
    /// One-vs-all.
    OneVsAll = 4,
}

impl Loss {
    /// Every loss.
    pub const ALL: [Self; 4] = [
        Self::HierarchicalSoftmax,
        Self::NegativeSampling,
        Self::Softmax,
        Self::OneVsAll,
    ];
}

/// The hyperparameters in the order of the file.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are those of the reference's Args")]
pub struct ArgsSpec {
    pub dim: i32,
    pub ws: i32,
    pub epoch: i32,
    pub min_count: i32,
    pub neg: i32,
    pub word_ngrams: i32,
    pub loss: i32,
    pub model: i32,
    pub bucket: i32,
    pub minn: i32,
    pub maxn: i32,
    pub lr_update_rate: i32,
    pub t: f64,
}

/// One word or label of the dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntrySpec {
    /// Its bytes; a NUL inside would end it early.
    pub word: Vec<u8>,
    /// How often it was seen in training.
    pub count: i64,
    /// 0 for a word, 1 for a label.
    pub kind: i8,
}

/// The dictionary: the counts are fields of their own and may lie.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the names are those of the reference's Dictionary"
)]
pub struct DictionarySpec {
    pub size: i32,
    pub nwords: i32,
    pub nlabels: i32,
    pub ntokens: i64,
    /// -1: not pruned.
    pub pruneidx_size: i64,
    pub entries: Vec<EntrySpec>,
    /// Pairs of bucket and row after the words' rows.
    pub pruneidx: Vec<(i32, i32)>,
}

/// A product quantizer.
#[derive(Clone, Debug, PartialEq)]
#[allow(
    missing_docs,
    reason = "the names are those of the reference's ProductQuantizer"
)]
pub struct QuantizerSpec {
    pub dim: i32,
    pub nsubq: i32,
    pub dsub: i32,
    pub lastdsub: i32,
    /// `[dim * 256]`.
    pub centroids: Vec<f32>,
}

/// A quantized matrix.
#[derive(Clone, Debug, PartialEq)]
#[allow(
    missing_docs,
    reason = "the names are those of the reference's QuantMatrix"
)]
pub struct QuantMatrixSpec {
    pub qnorm: u8,
    pub rows: i64,
    pub cols: i64,
    pub codesize: i32,
    pub codes: Vec<u8>,
    pub quantizer: QuantizerSpec,
    /// The codes of the norms and their quantizer; written where it is there,
    /// whatever `qnorm` says.
    pub norms: Option<(Vec<u8>, QuantizerSpec)>,
}

/// A matrix, dense or quantized.
#[derive(Clone, Debug, PartialEq)]
pub enum MatrixSpec {
    /// Rows of floats, row-major.
    Dense {
        /// Number of rows, as the file says it.
        rows: i64,
        /// Number of columns, as the file says it.
        cols: i64,
        /// The floats that follow.
        data: Vec<f32>,
    },
    /// Rows of codes.
    Quantized(QuantMatrixSpec),
}

/// Every field of a model file.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are those of the reference")]
pub struct ModelSpec {
    pub magic: i32,
    pub version: i32,
    pub args: ArgsSpec,
    pub dictionary: DictionarySpec,
    /// Whether the input matrix is quantized: a byte of its own, which may
    /// disagree with `input`.
    pub quant_input: u8,
    pub input: MatrixSpec,
    /// Whether the output matrix is quantized, where the input is.
    pub qout: u8,
    pub output: MatrixSpec,
    /// Bytes after the end; official files have none.
    pub trailing: Vec<u8>,
}

/// One field of a written file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the reference after the part of the file that it is in,
    /// such as `args.minCount` or `input.pq.dsub`; `dictionary.entries[3].word`
    /// for the parts of an entry.
    pub name: String,
    /// Where it begins in the file, in bytes.
    pub offset: usize,
    /// Its length in bytes.
    pub len: usize,
}

/// A file and where its fields are.
#[derive(Clone, Debug)]
pub struct Written {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its fields, in order; they cover the file without gap or overlap.
    pub fields: Vec<Field>,
}

impl Written {
    /// The field called `name`.
    ///
    /// # Panics
    ///
    /// Where there is none, which is a mistake of the test.
    #[must_use]
    pub fn field(&self, name: &str) -> &Field {
        self.fields
            .iter()
            .find(|field| field.name == name)
            .unwrap_or_else(|| panic!("the file has no field {name}"))
    }
}

impl MatrixSpec {
    /// The floats of a dense matrix.
    ///
    /// # Panics
    ///
    /// Where the matrix is quantized, which is a mistake of the test.
    pub fn dense_mut(&mut self) -> &mut Vec<f32> {
        match self {
            Self::Dense { data, .. } => data,
            Self::Quantized(_) => panic!("the matrix is quantized"),
        }
    }

    /// The parts of a quantized matrix.
    ///
    /// # Panics
    ///
    /// Where the matrix is dense, which is a mistake of the test.
    pub fn quantized_mut(&mut self) -> &mut QuantMatrixSpec {
        match self {
            Self::Quantized(matrix) => matrix,
            Self::Dense { .. } => panic!("the matrix is dense"),
        }
    }

    fn dense(rows: usize, cols: usize, rng: &mut SplitMix64) -> Self {
        Self::Dense {
            rows: rows as i64,
            cols: cols as i64,
            data: (0..rows * cols).map(|_| rng.weight()).collect(),
        }
    }

    fn quantized(shape: [usize; 2], dsub: usize, with_norms: bool, rng: &mut SplitMix64) -> Self {
        let [rows, cols] = shape;
        let quantizer = QuantizerSpec::new(cols, dsub, rng);
        let codesize = rows * cols.div_ceil(dsub);
        Self::Quantized(QuantMatrixSpec {
            qnorm: u8::from(with_norms),
            rows: rows as i64,
            cols: cols as i64,
            codesize: codesize as i32,
            codes: (0..codesize).map(|_| rng.next_u64() as u8).collect(),
            quantizer,
            norms: with_norms.then(|| {
                let codes = (0..rows).map(|_| rng.next_u64() as u8).collect();
                (codes, QuantizerSpec::new(1, 1, rng))
            }),
        })
    }

    fn rows(&self) -> usize {
        match self {
            Self::Dense { rows, .. } => *rows as usize,
            Self::Quantized(matrix) => matrix.rows as usize,
        }
    }
}

impl QuantizerSpec {
    fn new(dim: usize, dsub: usize, rng: &mut SplitMix64) -> Self {
        Self {
            dim: dim as i32,
            nsubq: dim.div_ceil(dsub) as i32,
            dsub: dsub as i32,
            lastdsub: match dim % dsub {
                0 => dsub,
                rest => rest,
            } as i32,
            centroids: (0..dim * KSUB).map(|_| rng.weight()).collect(),
        }
    }
}

impl ModelSpec {
    /// A valid dense softmax model: no buckets, no n-grams, weights that
    /// follow from the shape alone. Counts fall along the labels, as official
    /// files have them.
    #[must_use]
    pub fn supervised(words: &[&[u8]], labels: &[&[u8]], dim: usize) -> Self {
        let mut rng = SplitMix64::new(words.len() as u64 ^ (labels.len() as u64) << 32);
        let entry = |(i, word): (usize, &&[u8]), kind: i8, of: usize| EntrySpec {
            word: word.to_vec(),
            count: (of - i) as i64,
            kind,
        };
        let entries: Vec<_> = (words.iter().enumerate())
            .map(|pair| entry(pair, 0, words.len()))
            .chain((labels.iter().enumerate()).map(|pair| entry(pair, 1, labels.len())))
            .collect();
        Self {
            magic: MAGIC,
            version: VERSION,
            args: ArgsSpec {
                dim: dim as i32,
                ws: 5,
                epoch: 5,
                min_count: 1,
                neg: 5,
                word_ngrams: 1,
                loss: Loss::Softmax as i32,
                model: Kind::Supervised as i32,
                bucket: 0,
                minn: 0,
                maxn: 0,
                lr_update_rate: 100,
                t: 1e-4,
            },
            dictionary: DictionarySpec {
                size: entries.len() as i32,
                nwords: words.len() as i32,
                nlabels: labels.len() as i32,
                ntokens: entries.iter().map(|entry| entry.count).sum(),
                pruneidx_size: -1,
                entries,
                pruneidx: Vec::new(),
            },
            quant_input: 0,
            input: MatrixSpec::dense(words.len(), dim, &mut rng),
            qout: 0,
            output: MatrixSpec::dense(labels.len(), dim, &mut rng),
            trailing: Vec::new(),
        }
    }

    /// The same model with another loss.
    #[must_use]
    pub fn with_loss(mut self, loss: Loss) -> Self {
        self.args.loss = loss as i32;
        self
    }

    /// The same model with `bucket` rows for n-grams: words of up to
    /// `word_ngrams`, characters of `subwords.0` to `subwords.1`. The weights
    /// of the words stay.
    #[must_use]
    pub fn with_ngrams(mut self, bucket: usize, word_ngrams: i32, subwords: (i32, i32)) -> Self {
        let cols = self.args.dim as usize;
        let words = self.dictionary.nwords as usize;
        let mut rng = SplitMix64::new(bucket as u64);
        let data = self.input.dense_mut();
        data.truncate(words * cols);
        data.extend((0..bucket * cols).map(|_| rng.weight()));
        self.input = MatrixSpec::Dense {
            rows: (words + bucket) as i64,
            cols: cols as i64,
            data: std::mem::take(data),
        };
        self.args.bucket = bucket as i32;
        self.args.word_ngrams = word_ngrams;
        (self.args.minn, self.args.maxn) = subwords;
        self
    }

    /// The same model with a quantized input matrix of the same shape, other
    /// weights.
    #[must_use]
    pub fn with_quantized_input(mut self, dsub: usize, with_norms: bool) -> Self {
        let shape = [self.input.rows(), self.args.dim as usize];
        let mut rng = SplitMix64::new(dsub as u64);
        self.quant_input = 1;
        self.input = MatrixSpec::quantized(shape, dsub, with_norms, &mut rng);
        self
    }

    /// The same model with a quantized output matrix of the same shape, other
    /// weights. fastText writes such a file only where the input is quantized,
    /// and always with two columns a subquantizer.
    #[must_use]
    pub fn with_quantized_output(mut self, with_norms: bool) -> Self {
        let shape = [self.output.rows(), self.args.dim as usize];
        let mut rng = SplitMix64::new(2);
        self.qout = 1;
        self.output = MatrixSpec::quantized(shape, 2, with_norms, &mut rng);
        self
    }

    /// The same model, which is not quantized yet, pruned to the buckets
    /// `kept`, in this order.
    #[must_use]
    pub fn with_pruned_buckets(mut self, kept: &[i32]) -> Self {
        let cols = self.args.dim as usize;
        let rows = self.dictionary.nwords as usize + kept.len();
        self.input.dense_mut().resize(rows * cols, 0.25);
        let data = std::mem::take(self.input.dense_mut());
        self.input = MatrixSpec::Dense {
            rows: rows as i64,
            cols: cols as i64,
            data,
        };
        self.dictionary.pruneidx_size = kept.len() as i64;
        self.dictionary.pruneidx = kept.iter().copied().zip(0..).collect();
        self
    }

    /// The same dictionary as a model of word vectors: no labels, an output
    /// row a word.
    #[must_use]
    pub fn without_labels(mut self, kind: Kind) -> Self {
        let words = self.dictionary.nwords as usize;
        self.args.model = kind as i32;
        self.args.loss = Loss::NegativeSampling as i32;
        self.dictionary.entries.truncate(words);
        self.dictionary.nlabels = 0;
        self.dictionary.size = words as i32;
        let mut rng = SplitMix64::new(words as u64);
        self.output = MatrixSpec::dense(words, self.args.dim as usize, &mut rng);
        self
    }

    /// The file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.write().bytes
    }

    /// The file and where its fields are.
    #[must_use]
    pub fn write(&self) -> Written {
        let mut writer = Writer(Written {
            bytes: Vec::new(),
            fields: Vec::new(),
        });
        writer.put("magic", &self.magic.to_le_bytes());
        writer.put("version", &self.version.to_le_bytes());
        writer.args(&self.args);
        writer.dictionary(&self.dictionary);
        writer.put("quant_input", &[self.quant_input]);
        writer.matrix("input", &self.input);
        writer.put("qout", &[self.qout]);
        writer.matrix("output", &self.output);
        writer.put("trailing", &self.trailing);
        writer.0
    }

    /// Reads a file that the official program wrote. This is for files known
    /// to be good: it checks nothing but their length.
    ///
    /// # Errors
    ///
    /// Says at which byte the file ended too early.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = Reader { bytes, offset: 0 };
        let magic = reader.i32()?;
        let version = reader.i32()?;
        let args = reader.args()?;
        let dictionary = reader.dictionary()?;
        let quant_input = reader.u8()?;
        let input = reader.matrix(quant_input != 0)?;
        let qout = reader.u8()?;
        let output = reader.matrix(quant_input != 0 && qout != 0)?;
        Ok(Self {
            magic,
            version,
            args,
            dictionary,
            quant_input,
            input,
            qout,
            output,
            trailing: bytes[reader.offset..].to_vec(),
        })
    }
}

struct Writer(Written);

impl Writer {
    fn put(&mut self, name: &str, value: &[u8]) {
        if value.is_empty() {
            return;
        }
        self.0.fields.push(Field {
            name: name.to_owned(),
            offset: self.0.bytes.len(),
            len: value.len(),
        });
        self.0.bytes.extend_from_slice(value);
    }

    fn args(&mut self, args: &ArgsSpec) {
        for (name, value) in [
            ("args.dim", args.dim),
            ("args.ws", args.ws),
            ("args.epoch", args.epoch),
            ("args.minCount", args.min_count),
            ("args.neg", args.neg),
            ("args.wordNgrams", args.word_ngrams),
            ("args.loss", args.loss),
            ("args.model", args.model),
            ("args.bucket", args.bucket),
            ("args.minn", args.minn),
            ("args.maxn", args.maxn),
            ("args.lrUpdateRate", args.lr_update_rate),
        ] {
            self.put(name, &value.to_le_bytes());
        }
        self.put("args.t", &args.t.to_le_bytes());
    }

    fn dictionary(&mut self, dictionary: &DictionarySpec) {
        self.put("dictionary.size", &dictionary.size.to_le_bytes());
        self.put("dictionary.nwords", &dictionary.nwords.to_le_bytes());
        self.put("dictionary.nlabels", &dictionary.nlabels.to_le_bytes());
        self.put("dictionary.ntokens", &dictionary.ntokens.to_le_bytes());
        self.put(
            "dictionary.pruneidx_size",
            &dictionary.pruneidx_size.to_le_bytes(),
        );
        for (i, entry) in dictionary.entries.iter().enumerate() {
            let name = |part| format!("dictionary.entries[{i}].{part}");
            let mut word = entry.word.clone();
            word.push(0);
            self.put(&name("word"), &word);
            self.put(&name("count"), &entry.count.to_le_bytes());
            self.put(&name("kind"), &entry.kind.to_le_bytes());
        }
        for (i, (bucket, row)) in dictionary.pruneidx.iter().enumerate() {
            let name = |part| format!("dictionary.pruneidx[{i}].{part}");
            self.put(&name("bucket"), &bucket.to_le_bytes());
            self.put(&name("row"), &row.to_le_bytes());
        }
    }

    fn floats(&mut self, name: &str, floats: &[f32]) {
        let bytes: Vec<u8> = floats.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.put(name, &bytes);
    }

    fn matrix(&mut self, name: &str, matrix: &MatrixSpec) {
        let part = |part: &str| format!("{name}.{part}");
        match matrix {
            MatrixSpec::Dense { rows, cols, data } => {
                self.put(&part("m"), &rows.to_le_bytes());
                self.put(&part("n"), &cols.to_le_bytes());
                self.floats(&part("data"), data);
            }
            MatrixSpec::Quantized(matrix) => {
                self.put(&part("qnorm"), &[matrix.qnorm]);
                self.put(&part("m"), &matrix.rows.to_le_bytes());
                self.put(&part("n"), &matrix.cols.to_le_bytes());
                self.put(&part("codesize"), &matrix.codesize.to_le_bytes());
                self.put(&part("codes"), &matrix.codes);
                self.quantizer(&part("pq"), &matrix.quantizer);
                if let Some((codes, quantizer)) = &matrix.norms {
                    self.put(&part("norm_codes"), codes);
                    self.quantizer(&part("npq"), quantizer);
                }
            }
        }
    }

    fn quantizer(&mut self, name: &str, quantizer: &QuantizerSpec) {
        for (part, value) in [
            ("dim", quantizer.dim),
            ("nsubq", quantizer.nsubq),
            ("dsub", quantizer.dsub),
            ("lastdsub", quantizer.lastdsub),
        ] {
            self.put(&format!("{name}.{part}"), &value.to_le_bytes());
        }
        self.floats(&format!("{name}.centroids"), &quantizer.centroids);
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let taken = (self.bytes[self.offset..].get(..len))
            .ok_or_else(|| format!("{len} bytes wanted at byte {}", self.offset))?;
        self.offset += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u8(&mut self) -> Result<u8, String> {
        Ok(self.array::<1>()?[0])
    }

    fn i32(&mut self) -> Result<i32, String> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    fn i64(&mut self) -> Result<i64, String> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    fn len(&mut self) -> Result<usize, String> {
        let offset = self.offset;
        usize::try_from(self.i64()?).map_err(|_| format!("a negative length at byte {offset}"))
    }

    fn floats(&mut self, count: usize) -> Result<Vec<f32>, String> {
        let bytes = self.take(count * 4)?;
        Ok((bytes.chunks_exact(4))
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect())
    }

    fn args(&mut self) -> Result<ArgsSpec, String> {
        Ok(ArgsSpec {
            dim: self.i32()?,
            ws: self.i32()?,
            epoch: self.i32()?,
            min_count: self.i32()?,
            neg: self.i32()?,
            word_ngrams: self.i32()?,
            loss: self.i32()?,
            model: self.i32()?,
            bucket: self.i32()?,
            minn: self.i32()?,
            maxn: self.i32()?,
            lr_update_rate: self.i32()?,
            t: f64::from_le_bytes(self.array()?),
        })
    }

    fn dictionary(&mut self) -> Result<DictionarySpec, String> {
        let (size, nwords, nlabels) = (self.i32()?, self.i32()?, self.i32()?);
        let (ntokens, pruneidx_size) = (self.i64()?, self.i64()?);
        let mut entries = Vec::new();
        for _ in 0..size {
            let len = (self.bytes[self.offset..].iter().position(|&b| b == 0))
                .ok_or_else(|| format!("no end of the word at byte {}", self.offset))?;
            let word = self.take(len)?.to_vec();
            self.u8()?;
            entries.push(EntrySpec {
                word,
                count: self.i64()?,
                kind: i8::from_le_bytes(self.array()?),
            });
        }
        let mut pruneidx = Vec::new();
        for _ in 0..pruneidx_size {
            pruneidx.push((self.i32()?, self.i32()?));
        }
        Ok(DictionarySpec {
            size,
            nwords,
            nlabels,
            ntokens,
            pruneidx_size,
            entries,
            pruneidx,
        })
    }

    fn matrix(&mut self, is_quantized: bool) -> Result<MatrixSpec, String> {
        if !is_quantized {
            let (rows, cols) = (self.len()?, self.len()?);
            return Ok(MatrixSpec::Dense {
                rows: rows as i64,
                cols: cols as i64,
                data: self.floats(rows * cols)?,
            });
        }
        let qnorm = self.u8()?;
        let (rows, cols) = (self.len()?, self.len()?);
        let codesize = self.i32()?;
        let codes = self.take(codesize as usize)?.to_vec();
        let quantizer = self.quantizer()?;
        let norms = match qnorm {
            0 => None,
            _ => Some((self.take(rows)?.to_vec(), self.quantizer()?)),
        };
        Ok(MatrixSpec::Quantized(QuantMatrixSpec {
            qnorm,
            rows: rows as i64,
            cols: cols as i64,
            codesize,
            codes,
            quantizer,
            norms,
        }))
    }

    fn quantizer(&mut self) -> Result<QuantizerSpec, String> {
        let dim = self.i32()?;
        Ok(QuantizerSpec {
            dim,
            nsubq: self.i32()?,
            dsub: self.i32()?,
            lastdsub: self.i32()?,
            centroids: self.floats(dim as usize * KSUB)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs() -> Vec<ModelSpec> {
        let words: [&[u8]; 3] = [b"</s>", b"un", "caf\u{e9}".as_bytes()];
        let labels: [&[u8]; 2] = [b"__label__a", b"__label__b"];
        let dense = ModelSpec::supervised(&words, &labels, 5);
        vec![
            dense.clone(),
            dense.clone().with_loss(Loss::OneVsAll),
            dense.clone().with_ngrams(7, 2, (2, 3)),
            dense.clone().with_quantized_input(2, true),
            dense
                .clone()
                .with_quantized_input(3, false)
                .with_quantized_output(true),
            (dense.clone().with_ngrams(7, 2, (2, 3)))
                .with_pruned_buckets(&[5, 1])
                .with_quantized_input(1, true),
            dense.without_labels(Kind::Cbow),
        ]
    }

    #[test]
    fn what_is_written_is_read_back() {
        for spec in specs() {
            assert_eq!(ModelSpec::read(&spec.to_bytes()).unwrap(), spec);
        }
    }

    #[test]
    fn the_fields_cover_the_file() {
        for spec in specs() {
            let written = spec.write();
            let mut end = 0;
            for field in &written.fields {
                assert_eq!(field.offset, end, "{}", field.name);
                end += field.len;
            }
            assert_eq!(end, written.bytes.len());
            assert_eq!(written.field("args.dim").offset, 8);
        }
    }

    #[test]
    fn a_cut_file_is_told() {
        let bytes = specs()[3].to_bytes();
        assert!(ModelSpec::read(&bytes[..bytes.len() - 1]).is_err());
    }
}
