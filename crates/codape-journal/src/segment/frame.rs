//! Frames and headers as bytes.

use crc_fast::CrcAlgorithm::Crc32Iscsi;
use crc_fast::Digest;

use super::SegmentName;

/// The most bytes of a record's JSON form.
pub const MOST_PAYLOAD_BYTES: usize = 16 << 20;

/// What a frame begins with. It is looked for behind bytes that are no frame.
pub(super) const MARK: [u8; 4] = [0xC0, 0xDA, 0x9E, 0xF7];
/// The bytes of a frame before its payload.
pub(super) const FRAME_HEAD_BYTES: usize = 20;
/// What a segment begins with.
const MAGIC: &[u8; 8] = b"CODAPEJ\x01";
/// The bytes of a segment's header.
pub(super) const HEADER_BYTES: usize = 28;

/// The first bytes of a segment.
#[must_use]
pub fn header(name: SegmentName) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&name.journal.0.to_le_bytes());
    header[16..24].copy_from_slice(&name.first.to_le_bytes());
    let crc = crc(&[&header[..24]]);
    header[24..].copy_from_slice(&crc);
    header
}

/// Appends the frame of a record to `bytes`.
///
/// # Panics
///
/// If the payload is empty or longer than [`MOST_PAYLOAD_BYTES`].
pub fn write_frame(sequence: u64, payload: &[u8], bytes: &mut Vec<u8>) {
    assert!(
        (1..=MOST_PAYLOAD_BYTES).contains(&payload.len()),
        "a payload of {} bytes",
        payload.len()
    );
    bytes.extend_from_slice(&head(sequence, payload));
    bytes.extend_from_slice(payload);
}

/// The frame that ends a segment; `next` is the first sequence number that is not
/// in it.
#[must_use]
pub fn end_frame(next: u64) -> [u8; FRAME_HEAD_BYTES] {
    head(next, &[])
}

fn head(sequence: u64, payload: &[u8]) -> [u8; FRAME_HEAD_BYTES] {
    let mut head = [0; FRAME_HEAD_BYTES];
    let length = u32::try_from(payload.len()).expect("payloads are below 4 GiB");
    head[..4].copy_from_slice(&MARK);
    head[4..8].copy_from_slice(&length.to_le_bytes());
    head[8..16].copy_from_slice(&sequence.to_le_bytes());
    let crc = crc(&[&head[4..16], payload]);
    head[16..].copy_from_slice(&crc);
    head
}

/// What the head of a frame says: the length of the payload and the sequence
/// number. `None` where it is not one.
pub(super) fn parse_head(head: &[u8; FRAME_HEAD_BYTES]) -> Option<(usize, u64)> {
    let length = u32::from_le_bytes(part(head, 4));
    let length = usize::try_from(length).ok()?;
    (head.starts_with(&MARK) && length <= MOST_PAYLOAD_BYTES)
        .then(|| (length, u64::from_le_bytes(part(head, 8))))
}

/// Whether a frame is as it was written.
pub(super) fn is_sound(head: &[u8; FRAME_HEAD_BYTES], payload: &[u8]) -> bool {
    crc(&[&head[4..16], payload]) == part::<4>(head, 16)
}

fn part<const N: usize>(bytes: &[u8], start: usize) -> [u8; N] {
    bytes[start..start + N]
        .try_into()
        .expect("a slice of N bytes is an array of them")
}

fn crc(parts: &[&[u8]]) -> [u8; 4] {
    let mut digest = Digest::new(Crc32Iscsi);
    for part in parts {
        digest.update(part);
    }
    let crc = u32::try_from(digest.finalize()).expect("a CRC-32 has 32 bits");
    crc.to_le_bytes()
}
