//! Texts in other encodings than UTF-8, decoded while they are read.

use std::io::{self, Read};

/// How the text of a CSV or JSON-lines file is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8, with or without a byte-order mark.
    #[default]
    Utf8,
    /// Windows-1252, as browsers read what calls itself Latin-1 or ISO 8859-1:
    /// the printable characters are the same, and the bytes that are no
    /// characters in ISO 8859-1 are `€`, `œ`, `’` and others.
    Latin1,
}

/// The characters of the bytes 0x80 to 0x9f, as in the Encoding Standard:
/// five bytes that mean nothing stay control characters.
const HIGH_CONTROLS: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// Bytes that are decoded at once.
const CHUNK_BYTES: usize = 64 << 10;

/// A reader of Latin-1 that gives UTF-8.
pub(crate) struct Latin1Reader<R> {
    source: R,
    raw: Vec<u8>,
    text: String,
    /// How much of the text was given.
    given: usize,
}

impl<R: Read> Latin1Reader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            raw: vec![0; CHUNK_BYTES],
            text: String::new(),
            given: 0,
        }
    }
}

impl<R: Read> Read for Latin1Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.text.len() {
            let read = self.source.read(&mut self.raw)?;
            self.text.clear();
            self.given = 0;
            self.text
                .extend(self.raw[..read].iter().map(|&byte| decode(byte)));
        }
        let rest = &self.text.as_bytes()[self.given..];
        let bytes = rest.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&rest[..bytes]);
        self.given += bytes;
        Ok(bytes)
    }
}

fn decode(byte: u8) -> char {
    match byte {
        0x80..=0x9f => HIGH_CONTROLS[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_a_character() {
        let bytes: Vec<u8> = (0..=255).cycle().take(3 * CHUNK_BYTES).collect();
        let mut text = String::new();
        Latin1Reader::new(&bytes[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text.chars().count(), bytes.len());
        let of = |bytes: &[u8]| bytes.iter().map(|&byte| decode(byte)).collect::<String>();
        assert_eq!(of(b"Caf\xe9 \x80 \x9cuf \x92"), "Café € œuf ’");
    }
}
