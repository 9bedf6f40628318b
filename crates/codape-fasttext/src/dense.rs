//! The matrices of a model as rows of numbers, to be written or worked on.

use crate::input::{InputMatrix, RowFormat};
use crate::model::Model;
use crate::reader::f32s;
use crate::writer::{Row, Rows};

/// A dense matrix in the bytes of a model file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DenseMatrix<'a> {
    /// `[rows, dim]`, little-endian.
    bytes: &'a [u8],
    dim: usize,
}

impl DenseMatrix<'_> {
    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.bytes.len() / self.row_bytes()
    }

    /// The numbers of a row.
    pub(crate) fn row(&self, row: usize) -> impl Iterator<Item = f32> {
        let width = self.row_bytes();
        f32s(&self.bytes[row * width..(row + 1) * width])
    }

    fn row_bytes(&self) -> usize {
        size_of::<f32>() * self.dim
    }
}

impl Rows for DenseMatrix<'_> {
    fn shape(&self) -> [usize; 2] {
        [self.rows(), self.dim]
    }

    fn fill(&self, row: usize, numbers: &mut [f32]) -> Row {
        for (number, value) in numbers.iter_mut().zip(self.row(row)) {
            *number = value;
        }
        Row::Filled
    }
}

impl Model {
    /// The input matrix and the output matrix; `None` where they are
    /// quantized or packed.
    pub(crate) fn dense_matrices(&self) -> Option<[DenseMatrix<'_>; 2]> {
        let InputMatrix::Stored(input) = &self.input else {
            return None;
        };
        if input.format() != RowFormat::F32 {
            return None;
        }
        let dim = self.header.dim;
        let input_bytes = &self.bytes[input.range()];
        // After the input come a flag and a shape, then the output up to the
        // end of the file.
        const FLAG_AND_SHAPE: usize = 1 + 8 + 8;
        let output_bytes = &self.bytes[input.range().end + FLAG_AND_SHAPE..];
        Some([input_bytes, output_bytes].map(|bytes| DenseMatrix { bytes, dim }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::PathBuf;

    use codape_testkit::{locate, tiny_model};

    use super::*;
    use crate::Access;
    use crate::writer::write_dense_model;

    fn rewritten(model: &Model) -> Option<Vec<u8>> {
        let [input, output] = model.dense_matrices()?;
        let mut out = Cursor::new(Vec::new());
        let head = (&model.header, &model.dictionary);
        write_dense_model(&mut out, head, &input, &output).unwrap();
        Some(out.into_inner())
    }

    #[test]
    fn a_model_is_written_as_it_was_read() {
        let bytes = tiny_model(&["__label__9602A", "__label__1071C"]);
        let model = Model::from_bytes(bytes.clone()).unwrap();
        assert_eq!(rewritten(&model).unwrap(), bytes);
    }

    #[test]
    fn the_files_of_the_reference_are_written_as_they_were_read() {
        let test = "dense::the_files_of_the_reference_are_written_as_they_were_read";
        let folders = [
            locate::reference(test),
            locate::shared(test, "conformance/engine"),
        ];
        let mut paths: Vec<PathBuf> = Vec::new();
        for folder in folders.into_iter().flatten() {
            paths.extend(
                folder
                    .read_dir()
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "bin"));
        let mut compared = 0;
        for path in &paths {
            // Some files of that extension hold texts.
            let Ok(model) = Model::open(path, Access::Map) else {
                continue;
            };
            let mut expected = model.bytes.to_vec();
            let found = rewritten(&model).unwrap();
            if model.header.version == 11 {
                // Version 12 is written; version 11 of a classifier has no
                // character n-grams, whatever its maxn.
                expected[4] = 12;
                let maxn = 4 * 12;
                expected[maxn..maxn + 4].copy_from_slice(&found[maxn..maxn + 4]);
            }
            assert!(found == expected, "{} differs", path.display());
            compared += 1;
        }
        assert!(paths.is_empty() || compared > 0);
    }
}
