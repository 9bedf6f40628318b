//! Hashes that are the same on every machine and in every version, since the
//! split of a table into two parts must be.

/// FNV-1a over the bytes, then the finalizer of SplitMix64: FNV alone leaves
/// its upper bits badly mixed for short texts.
pub(crate) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ mix(seed);
    for &byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    mix(hash)
}

/// The finalizer of SplitMix64: one number for each number, well spread.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A hash as a number from 0 to below 1.
pub(crate) fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(hash(0, b"coiff domicil"), hash(0, b"coiff domicil"));
        assert_ne!(hash(0, b"coiff domicil"), hash(1, b"coiff domicil"));
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn a_share_of_texts_falls_below_a_share_of_one() {
        let below = (0..10_000)
            .filter(|i: &u32| unit(hash(7, i.to_string().as_bytes())) < 0.1)
            .count();
        assert!((900..1100).contains(&below), "{below}");
    }
}
