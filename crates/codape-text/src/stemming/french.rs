//! The French Snowball stemmer with NLTK's behaviour.
//!
//! The algorithm is Snowball's (<https://snowballstem.org/algorithms/french/stemmer.html>), and its
//! step numbers are used below. What this is bit-compatible with is `FrenchStemmer` of NLTK 3.9.1,
//! `nltk/stem/snowball.py`, because that is what Insee's models were trained on. We write our own
//! rather than take `rust-stemmers`, a translation of the official programme: on the 346,205 words of
//! Debian's `wfrench` that has another stem for 20. Where NLTK goes its own way:
//!
//! - a region is a piece of text, computed once. "Is in R2" asks whether R2 holds the letters
//!   *anywhere*, and it still holds what has been cut off since: `applicatrice` loses its `ic`
//!   because there is one in `atrice`. RV follows the word in some branches only;
//! - `y` is no consonant as the first letter, so the RV of `yéti` begins at its last letter;
//! - the first letter never loses its accent: `éc`;
//! - `ment` stays when RV begins with another one: `momentanément`;
//! - of the suffixes of steps 1 and 2a only the first that the word ends with is considered,
//!   whatever its region.
//!
//! All of French fits into ISO 8859-1, so a word is worked on as one byte a character. A character
//! from elsewhere is a consonant to the algorithm and can only be kept or cut off: a stand-in takes
//! its place, and the original returns at the end.

use super::suffixes::{Residual, STEP_1, STEP_2A, STEP_2B, STEP_4, Standard, Verb};

/// Takes the place of characters outside ISO 8859-1. A control character of no meaning here: as it
/// is no letter of any suffix, it may also occur in the word itself.
const STAND_IN: u8 = 0x1a;

// The accented letters of the suffixes, in ISO 8859-1.
const C_CEDILLA: u8 = 0xe7;
const E_GRAVE: u8 = 0xe8;
const E_ACUTE: u8 = 0xe9;

/// `VOWEL[b]`: whether the ISO 8859-1 letter `b` is a vowel. The upper-case marks `I`, `U`, `Y` are
/// consonants, which is their purpose.
const VOWEL: [bool; 256] = {
    let mut table = [false; 256];
    // aeiouy â à ë é ê è ï î ô û ù
    let vowels = b"aeiouy\xe2\xe0\xeb\xe9\xea\xe8\xef\xee\xf4\xfb\xf9";
    let mut i = 0;
    while i < vowels.len() {
        table[vowels[i] as usize] = true;
        i += 1;
    }
    table
};

fn is_vowel(letter: u8) -> bool {
    VOWEL[usize::from(letter)]
}

/// Buffers reused from word to word.
#[derive(Debug, Default)]
pub(crate) struct FrenchScratch {
    /// The word as it is being cut, ISO 8859-1.
    word: Vec<u8>,
    /// The word with its marks and before any cut: what R1 and R2 are pieces of.
    marked: Vec<u8>,
    /// RV, which some branches cut along with the word.
    rv: Vec<u8>,
    /// The characters of a word that has others than ASCII.
    characters: Vec<char>,
}

impl FrenchScratch {
    /// Appends the stem of `word`. Both are UTF-8.
    pub(crate) fn stem_into(&mut self, word: &[u8], out: &mut Vec<u8>) {
        self.word.clear();
        if word.is_ascii() {
            self.word.extend_from_slice(word);
            self.word.make_ascii_lowercase();
            self.stem();
            out.extend_from_slice(&self.word);
            return;
        }
        let word = std::str::from_utf8(word).unwrap_or_default();
        self.characters.clear();
        if word.chars().any(char::is_uppercase) {
            self.characters.extend(word.to_lowercase().chars());
        } else {
            self.characters
                .extend(word.chars().flat_map(char::to_lowercase));
        }
        self.word.extend(
            self.characters
                .iter()
                .map(|&c| u8::try_from(c).unwrap_or(STAND_IN)),
        );
        self.stem();
        for (&letter, &original) in self.word.iter().zip(&self.characters) {
            let c = if letter == STAND_IN {
                original
            } else {
                char::from(letter)
            };
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    /// Stems `self.word` in place. Never longer than it was, and letters stay where they were.
    fn stem(&mut self) {
        let Self {
            word, marked, rv, ..
        } = self;
        mark_consonants(word);
        marked.clear();
        marked.extend_from_slice(word);
        let regions = Regions::of(marked);
        let (r1, r2) = (&marked[regions.r1..], &marked[regions.r2..]);
        rv.clear();
        rv.extend_from_slice(&marked[regions.rv..]);

        let standard = remove_standard_suffix(word, r1, r2, rv);
        let verb = match standard {
            Outcome::Removed => false,
            Outcome::RvEnding | Outcome::Untouched => {
                remove_i_verb_suffix(word, rv) || remove_verb_suffix(word, r2, rv)
            }
        };
        if matches!(standard, Outcome::Removed) || verb {
            // Step 3.
            match word.last_mut() {
                Some(last) if *last == b'Y' => *last = b'i',
                Some(last) if *last == C_CEDILLA => *last = b'c',
                _ => {}
            }
        } else {
            remove_residual_suffix(word, r2, rv);
        }
        // Step 5: undouble.
        if let [.., b'e' | b'o', b'n', b'n']
        | [.., b'e', b't', b't']
        | [.., b'e', b'l', b'l']
        | [.., b'e', b'i', b'l', b'l'] = word[..]
        {
            word.pop();
        }
        remove_last_accent(word);
        for letter in word {
            if matches!(letter, b'I' | b'U' | b'Y') {
                letter.make_ascii_lowercase();
            }
        }
    }
}

/// How step 1 ended.
enum Outcome {
    /// Nothing was done.
    Untouched,
    /// A suffix was removed: the verb steps are skipped.
    Removed,
    /// `amment`, `emment` or `ment` was shortened: the verb steps follow.
    RvEnding,
}

/// Puts into upper case the `u`, `i` and `y` that are consonants: `u` after `q`, `u` and `i` between
/// vowels, `y` beside a vowel. Marks made on the way count as consonants for what follows.
fn mark_consonants(word: &mut [u8]) {
    // Most words have nothing to mark, and a scan without branches tells.
    let may_have = |[before, letter, after]: [u8; 3]| {
        let between = is_vowel(before) & is_vowel(after);
        let beside = is_vowel(before) | is_vowel(after) | (before == b'q');
        (between & (letter == b'i')) | (beside & ((letter == b'u') | (letter == b'y')))
    };
    let ends_in_qu = word.ends_with(b"qu");
    if !ends_in_qu
        && !word
            .windows(3)
            .fold(false, |any, w| any | may_have([w[0], w[1], w[2]]))
    {
        return;
    }
    for i in 1..word.len() {
        if word[i - 1] == b'q' && word[i] == b'u' {
            word[i] = b'U';
        }
    }
    for i in 1..word.len().saturating_sub(1) {
        let (before, after) = (is_vowel(word[i - 1]), is_vowel(word[i + 1]));
        match word[i] {
            b'u' if before && after => word[i] = b'U',
            b'i' if before && after => word[i] = b'I',
            b'y' if before || after => word[i] = b'Y',
            _ => {}
        }
    }
}

/// Where the three regions of a marked word begin; the end of the word for an empty one.
#[derive(Debug, PartialEq, Eq)]
struct Regions {
    r1: usize,
    r2: usize,
    rv: usize,
}

impl Regions {
    fn of(word: &[u8]) -> Self {
        if word.len() <= 64 {
            Self::of_short(word)
        } else {
            Self::of_long(word)
        }
    }

    /// R1 follows the first consonant after a vowel; R2 the next such within R1. RV follows the
    /// first vowel from the second letter on, with the exceptions of [`rv_exception`].
    fn of_long(word: &[u8]) -> Self {
        let len = word.len();
        let next = |from: usize| {
            (from + 1..len)
                .find(|&i| !is_vowel(word[i]) && is_vowel(word[i - 1]))
                .map_or(len, |i| i + 1)
        };
        let r1 = next(0);
        let r2 = next(r1);
        let rv = rv_exception(word)
            .unwrap_or_else(|| (1..len).find(|&i| is_vowel(word[i])).map_or(len, |i| i + 1));
        Self { r1, r2, rv }
    }

    /// The same for up to 64 letters, with a bit for each: words are short and their vowels
    /// unforeseeable, so that loops which end at one of them are slow.
    fn of_short(word: &[u8]) -> Self {
        let len = word.len();
        let vowels = word
            .iter()
            .rev()
            .fold(0u64, |bits, &b| bits << 1 | u64::from(is_vowel(b)));
        let ends = !vowels & (vowels << 1);
        let after_first = |bits: u64| (bits.trailing_zeros() as usize + 1).min(len);
        let from = |start: usize| (!0u64).checked_shl(start as u32).unwrap_or(0);
        let r1 = after_first(ends);
        let r2 = after_first(ends & from(r1 + 1));
        let rv = rv_exception(word).unwrap_or_else(|| after_first(vowels & from(1)));
        Self { r1, r2, rv }
    }
}

/// RV after the third letter: words that begin with two vowels, `par`, `col` or `tap`.
fn rv_exception(word: &[u8]) -> Option<usize> {
    let applies = match word {
        [b'p', b'a', b'r', ..] | [b'c', b'o', b'l', ..] | [b't', b'a', b'p', ..] => true,
        [first, second, ..] => is_vowel(*first) && is_vowel(*second),
        _ => false,
    };
    applies.then_some(word.len().min(3))
}

/// Whether `region` holds `part` anywhere.
fn holds(region: &[u8], part: &[u8]) -> bool {
    region.windows(part.len()).any(|window| window == part)
}

/// Cuts `count` letters off the end.
fn cut(word: &mut Vec<u8>, count: usize) {
    word.truncate(word.len().saturating_sub(count));
}

/// Replaces the last `count` letters.
fn swap_end(word: &mut Vec<u8>, count: usize, end: &[u8]) {
    cut(word, count);
    word.extend_from_slice(end);
}

/// Step 1. Of the suffixes only the first that the word ends with is considered.
fn remove_standard_suffix(word: &mut Vec<u8>, r1: &[u8], r2: &[u8], rv: &mut Vec<u8>) -> Outcome {
    let Some((suffix, kind)) = STEP_1.find(word, |_| true) else {
        return Outcome::Untouched;
    };
    let len = suffix.len();
    // The word ends with the suffix and every region is an end of the word.
    let within = |region: &[u8]| region.len() >= len;
    match kind {
        Standard::Eaux => cut(word, 1),
        Standard::Euse if within(r2) => cut(word, len),
        Standard::Euse if within(r1) => swap_end(word, len, b"eux"),
        Standard::Ement if within(rv) => {
            cut(word, len);
            after_ement(word, r1, r2, rv);
        }
        Standard::Amment if within(rv) => {
            swap_end(word, len, b"ant");
            swap_end(rv, len, b"ant");
            return Outcome::RvEnding;
        }
        Standard::Emment if within(rv) => {
            // RV keeps its old ending: NLTK's behaviour.
            swap_end(word, len, b"ent");
            return Outcome::RvEnding;
        }
        // The second condition is NLTK's: `momentanément` stays whole, its RV being `mentanément`.
        Standard::Ment
            if rv.len() > len && !rv.starts_with(suffix) && is_vowel(rv[rv.len() - len - 1]) =>
        {
            cut(word, len);
            cut(rv, len);
            return Outcome::RvEnding;
        }
        Standard::Aux if within(r1) => swap_end(word, 2, b"l"),
        Standard::Issement if within(r1) && !is_vowel(word[word.len() - len - 1]) => cut(word, len),
        Standard::Plain if within(r2) => cut(word, len),
        Standard::Ateur if within(r2) => {
            cut(word, len);
            after_ic(word, r2);
        }
        Standard::Logie if within(r2) => swap_end(word, len, b"log"),
        Standard::Usion if within(r2) => swap_end(word, len, b"u"),
        Standard::Ence if within(r2) => swap_end(word, len, b"ent"),
        Standard::Ite if within(r2) => {
            cut(word, len);
            if word.ends_with(b"abil") {
                if holds(r2, b"abil") {
                    cut(word, 4);
                } else {
                    swap_end(word, 2, b"l");
                }
            } else if word.ends_with(b"iv") {
                if holds(r2, b"iv") {
                    cut(word, 2);
                }
            } else {
                after_ic(word, r2);
            }
        }
        Standard::If if within(r2) => {
            cut(word, len);
            if word.ends_with(b"at") && holds(r2, b"at") {
                cut(word, 2);
                after_ic(word, r2);
            }
        }
        _ => return Outcome::Untouched,
    }
    Outcome::Removed
}

/// What else goes once `ement` has been cut.
fn after_ement(word: &mut Vec<u8>, r1: &[u8], r2: &[u8], rv: &[u8]) {
    if word.ends_with(b"iv") && holds(r2, b"iv") {
        cut(word, 2);
        if word.ends_with(b"at") && holds(r2, b"at") {
            cut(word, 2);
        }
    } else if word.ends_with(b"eus") {
        if holds(r2, b"eus") {
            cut(word, 3);
        } else if holds(r1, b"eus") {
            swap_end(word, 1, b"x");
        }
    } else if word.ends_with(b"abl") || word.ends_with(b"iqU") {
        if holds(r2, b"abl") || holds(r2, b"iqU") {
            cut(word, 3);
        }
    } else if (word.ends_with(b"i\xe8r") || word.ends_with(b"I\xe8r"))
        && (holds(rv, b"i\xe8r") || holds(rv, b"I\xe8r"))
    {
        swap_end(word, 3, b"i");
    }
}

/// A final `ic` goes if R2 holds it, and is `iqU` otherwise.
fn after_ic(word: &mut Vec<u8>, r2: &[u8]) {
    if word.ends_with(b"ic") {
        if holds(r2, b"ic") {
            cut(word, 2);
        } else {
            swap_end(word, 2, b"iqU");
        }
    }
}

/// Step 2a. Whether a suffix was removed.
fn remove_i_verb_suffix(word: &mut Vec<u8>, rv: &[u8]) -> bool {
    let Some((suffix, ())) = STEP_2A.find(word, |_| true) else {
        return false;
    };
    let len = suffix.len();
    if rv.len() <= len {
        return false;
    }
    // The letter before the last occurrence in RV; RV is not an end of the word after `emment`. An
    // occurrence at its start has the last letter "before" it, as Python's index −1 has.
    let Some(at) = rv.windows(len).rposition(|window| window == suffix) else {
        return false;
    };
    let before = rv[if at == 0 { rv.len() - 1 } else { at - 1 }];
    if is_vowel(before) {
        return false;
    }
    cut(word, len);
    true
}

/// Step 2b. Whether a suffix was removed.
fn remove_verb_suffix(word: &mut Vec<u8>, r2: &[u8], rv: &mut Vec<u8>) -> bool {
    let Some((suffix, kind)) = STEP_2B.find(rv, |_| true) else {
        return false;
    };
    if kind == Verb::Ions && !holds(r2, suffix) {
        return false;
    }
    cut(word, suffix.len());
    if kind == Verb::AfterE {
        cut(rv, suffix.len());
        if rv.ends_with(b"e") {
            cut(word, 1);
        }
    }
    true
}

/// Step 4.
fn remove_residual_suffix(word: &mut Vec<u8>, r2: &[u8], rv: &[u8]) {
    if let [.., before, b's'] = word[..]
        && !matches!(before, b'a' | b'i' | b'o' | b'u' | b's' | E_GRAVE)
    {
        cut(word, 1);
    }
    let Some((suffix, kind)) = STEP_4.find(word, |suffix| holds(rv, suffix)) else {
        return;
    };
    match kind {
        Residual::Ion => {
            // RV may still end with the `s` that was just cut, and its letters are counted with it.
            let before = rv.len().checked_sub(4).map(|i| rv[i]);
            if holds(r2, suffix) && matches!(before, Some(b's' | b't')) {
                cut(word, 3);
            }
        }
        Residual::E => cut(word, 1),
        Residual::Gue => {
            if word.ends_with(b"gu\xeb") {
                cut(word, 1);
            }
        }
        Residual::Iere => swap_end(word, suffix.len(), b"i"),
    }
}

/// Step 6: `é` or `è` as the last vowel, with a consonant after it, loses its accent. The first
/// letter of the word is not looked at.
fn remove_last_accent(word: &mut [u8]) {
    let last = word.len().saturating_sub(1);
    let vowel = word
        .iter_mut()
        .enumerate()
        .skip(1)
        .rev()
        .find(|(_, letter)| is_vowel(**letter));
    if let Some((i, letter)) = vowel
        && i != last
        && matches!(*letter, E_ACUTE | E_GRAVE)
    {
        *letter = b'e';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_those_of_the_published_examples() {
        // Snowball's page on R1 and R2, and the stemmer's own on RV.
        for (word, r1, r2, rv) in [
            (&b"fameusement"[..], "eusement", "ement", "meusement"),
            (b"taxii", "ii", "", "xii"),
            (b"adorer", "orer", "er", "rer"),
            (b"voler", "er", "", "ler"),
            (b"tapis", "is", "", "is"),
            (b"aime", "e", "", "e"),
            (b"", "", "", ""),
        ] {
            let regions = Regions::of(word);
            assert_eq!(&word[regions.r1..], r1.as_bytes());
            assert_eq!(&word[regions.r2..], r2.as_bytes());
            assert_eq!(&word[regions.rv..], rv.as_bytes());
        }
    }

    #[test]
    fn short_and_long_words_have_the_same_regions() {
        let mut state = 1u64;
        for len in (0..=64).cycle().take(20_000) {
            let word: Vec<u8> = (0..len)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    b"aeioubcdlprtz"[(state >> 33) as usize % 13]
                })
                .collect();
            assert_eq!(
                Regions::of_short(&word),
                Regions::of_long(&word),
                "{word:?}"
            );
        }
        for word in [[b'a'; 64], [b'b'; 64]] {
            assert_eq!(Regions::of_short(&word), Regions::of_long(&word));
        }
    }
}
