//! Model files out of arbitrary bytes, for fuzzing.
//!
//! Bytes that a fuzzer draws are rarely a model file, and it would stay in the
//! checks of the first fields. So the first byte chooses what the others are:
//! a file as it is, changes to the fields of a good file, a file whose parts
//! agree but whose contents are drawn, or changes to the bytes of a good file.

use std::sync::OnceLock;

use crate::model_spec::{EntrySpec, Kind, Loss, MatrixSpec, ModelSpec, Written};
use crate::tiny_model::tiny_spec;

/// The ways that [`file_from`] knows; the first byte, modulo this, names one.
pub const WAYS: u8 = 4;

/// Values that sit at the edges of fields.
const EDGES: [i64; 20] = [
    0,
    1,
    2,
    3,
    4,
    8,
    11,
    12,
    13,
    100,
    255,
    256,
    -1,
    -2,
    i16::MAX as i64,
    i32::MAX as i64,
    i32::MIN as i64,
    u32::MAX as i64,
    i64::MAX,
    i64::MIN,
];

/// Bytes that run out: zeros follow.
struct Draw<'a>(&'a [u8]);

impl Draw<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        match bound {
            0 => 0,
            1..=256 => usize::from(self.byte()) % bound,
            _ => (usize::from(self.byte()) << 8 | usize::from(self.byte())) % bound,
        }
    }

    fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    fn i64(&mut self) -> i64 {
        let mut bytes = [0; 8];
        for byte in &mut bytes {
            *byte = self.byte();
        }
        i64::from_le_bytes(bytes)
    }

    /// Any float, mostly of a usual size.
    fn float(&mut self) -> f32 {
        match self.byte() {
            0xff => f32::from_bits(self.i64() as u32),
            byte => f32::from(byte as i8) / 16.0,
        }
    }

    fn word(&mut self) -> Vec<u8> {
        let len = self.below(6);
        (0..len).map(|_| self.byte()).collect()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Good files of every kind, as small as they can be.
pub fn bases() -> &'static [Written] {
    static BASES: OnceLock<Vec<Written>> = OnceLock::new();
    BASES.get_or_init(|| {
        let words: [&[u8]; 3] = [b"</s>", b"un", "\u{e9}t\u{e9}".as_bytes()];
        let labels: [&[u8]; 3] = [b"__label__a", b"__label__b", b"c"];
        let base = ModelSpec::supervised(&words, &labels, 3);
        let mut specs = vec![tiny_spec(&["__label__a", "__label__b"])];
        for loss in Loss::ALL {
            let dense = base.clone().with_loss(loss);
            specs.push(dense.clone().with_ngrams(5, 2, (1, 3)));
            specs.push(dense);
        }
        // Centroids make quantized files larger: fewer of them.
        let one = ModelSpec::supervised(&words, &labels, 1).with_ngrams(5, 2, (1, 3));
        specs.push(
            one.clone()
                .with_quantized_input(1, true)
                .with_quantized_output(false),
        );
        specs.push(
            (one.with_loss(Loss::HierarchicalSoftmax)
                .with_pruned_buckets(&[4, 0]))
            .with_quantized_input(1, false),
        );
        specs.push(base.clone().without_labels(Kind::Skipgram));
        specs.push(ModelSpec {
            version: 11,
            ..base.with_ngrams(5, 1, (2, 2))
        });
        specs.iter().map(ModelSpec::write).collect()
    })
}

/// The file that `bytes` stand for.
#[must_use]
pub fn file_from(bytes: &[u8]) -> Vec<u8> {
    let Some((way, rest)) = bytes.split_first() else {
        return Vec::new();
    };
    match way % WAYS {
        0 => rest.to_vec(),
        1 => with_changed_fields(Draw(rest)),
        2 => drawn_model(Draw(rest)).to_bytes(),
        _ => with_changed_bytes(Draw(rest)),
    }
}

/// A good file, some fields of which hold other values.
fn with_changed_fields(mut draw: Draw<'_>) -> Vec<u8> {
    let bases = bases();
    let base = &bases[draw.below(bases.len())];
    let mut bytes = base.bytes.clone();
    while !draw.is_empty() {
        let field = &base.fields[draw.below(base.fields.len())];
        let value = match draw.byte() % 3 {
            0 => EDGES[draw.below(EDGES.len())],
            1 => i64::from(draw.byte() as i8),
            _ => draw.i64(),
        };
        // In the middle of a long field, an aligned place.
        let at = field.offset + draw.below(field.len.div_ceil(8)) * 8;
        let end = (field.offset + field.len).min(at + 8);
        for (to, from) in bytes[at..end].iter_mut().zip(value.to_le_bytes()) {
            *to = from;
        }
    }
    bytes
}

/// A good file with some bytes changed, cut out, put in or cut off.
fn with_changed_bytes(mut draw: Draw<'_>) -> Vec<u8> {
    let bases = bases();
    let mut bytes = bases[draw.below(bases.len())].bytes.clone();
    while !draw.is_empty() && !bytes.is_empty() {
        let at = draw.below(bytes.len());
        match draw.byte() % 8 {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, draw.byte()),
            2 => {
                bytes.remove(at);
            }
            3 => bytes.push(draw.byte()),
            4 => bytes[at] ^= 1 << (draw.byte() % 8),
            _ => bytes[at] = draw.byte(),
        }
    }
    bytes
}

/// A model whose sizes agree, with contents as they are drawn.
fn drawn_model(mut draw: Draw<'_>) -> ModelSpec {
    let words: Vec<_> = (0..draw.below(5)).map(|_| draw.word()).collect();
    let labels: Vec<_> = (0..1 + draw.below(6)).map(|_| draw.word()).collect();
    let is_quantized = draw.flag();
    let dim = 1 + draw.below(if is_quantized { 3 } else { 40 });
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let labels: Vec<&[u8]> = labels.iter().map(Vec::as_slice).collect();
    let mut spec = ModelSpec::supervised(&words, &labels, dim);
    spec = spec.with_loss(Loss::ALL[draw.below(4)]);
    if draw.flag() {
        let maxn = draw.below(8) as i32;
        let minn = draw.below(maxn as usize + 1) as i32;
        spec = spec.with_ngrams(1 + draw.below(9), draw.below(6) as i32, (minn, maxn));
    }
    if is_quantized {
        if draw.flag() && spec.args.bucket > 0 {
            let kept: Vec<_> = (0..spec.args.bucket).filter(|_| draw.flag()).collect();
            spec = spec.with_pruned_buckets(&kept);
        }
        spec = spec.with_quantized_input(1 + draw.below(4), draw.flag());
        if draw.flag() {
            spec = spec.with_quantized_output(draw.flag());
        }
    }
    for EntrySpec { word, count, .. } in &mut spec.dictionary.entries {
        // A NUL would end the word early, and shift all that follows.
        word.retain(|byte| *byte != 0);
        *count = match draw.byte() {
            0xff => draw.i64(),
            small => i64::from(small),
        };
    }
    if draw.flag() {
        spec.dictionary.entries[0].word = b"</s>".to_vec();
    }
    for matrix in [&mut spec.input, &mut spec.output] {
        let floats = match matrix {
            MatrixSpec::Dense { data, .. } => data,
            MatrixSpec::Quantized(matrix) => &mut matrix.quantizer.centroids,
        };
        for _ in 0..draw.below(12) {
            let at = draw.below(floats.len());
            if let Some(float) = floats.get_mut(at) {
                *float = draw.float();
            }
        }
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SplitMix64;

    #[test]
    fn any_bytes_make_a_file() {
        let mut rng = SplitMix64::new(1);
        for len in 0..400 {
            let mut bytes: Vec<u8> = (0..len).map(|_| rng.next_u64() as u8).collect();
            for way in 0..WAYS {
                if let Some(first) = bytes.first_mut() {
                    *first = way;
                }
                let _ = file_from(&bytes);
            }
        }
    }

    #[test]
    fn what_is_drawn_agrees_with_itself() {
        let mut rng = SplitMix64::new(2);
        for _ in 0..300 {
            let bytes: Vec<u8> = (0..90).map(|_| rng.next_u64() as u8).collect();
            let spec = drawn_model(Draw(&bytes));
            assert_eq!(ModelSpec::read(&spec.to_bytes()).unwrap().args, spec.args);
        }
    }
}
