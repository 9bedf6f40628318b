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

/// A list of suffixes with what each stands for, searched in order.
///
/// A word ends with one letter, so the list is kept sorted by last letter, otherwise in its own
/// order, and only the part for the word's last letter is looked at.
struct Suffixes<T: 'static, const N: usize> {
    list: [(&'static [u8], T); N],
    /// `bounds[b]..bounds[b + 1]` are the suffixes whose last letter is `b`.
    bounds: [u8; 257],
}

impl<T: Copy, const N: usize> Suffixes<T, N> {
    /// Sorts and counts; none of the suffixes is empty.
    const fn new(mut list: [(&'static [u8], T); N]) -> Self {
        let mut i = 1;
        while i < N {
            let mut j = i;
            while j > 0 && last(list[j - 1].0) > last(list[j].0) {
                let later = list[j];
                list[j] = list[j - 1];
                list[j - 1] = later;
                j -= 1;
            }
            i += 1;
        }
        let mut bounds = [0; 257];
        let mut letter = 0;
        while letter < 256 {
            let mut end = bounds[letter];
            while (end as usize) < N && last(list[end as usize].0) as usize == letter {
                end += 1;
            }
            bounds[letter + 1] = end;
            letter += 1;
        }
        Self { list, bounds }
    }

    /// The first suffix of the list that the word ends with and that `applies`.
    fn find(&self, word: &[u8], applies: impl Fn(&[u8]) -> bool) -> Option<(&'static [u8], T)> {
        let letter = usize::from(*word.last()?);
        let range = usize::from(self.bounds[letter])..usize::from(self.bounds[letter + 1]);
        let ends = |suffix: &[u8]| {
            // Short and mostly different soon: faster than a call of `memcmp`.
            suffix.len() <= word.len()
                && suffix
                    .iter()
                    .rev()
                    .zip(word.iter().rev())
                    .all(|(a, b)| a == b)
        };
        self.list[range]
            .iter()
            .copied()
            .find(|(suffix, _)| ends(suffix) && applies(suffix))
    }
}

const fn last(suffix: &[u8]) -> u8 {
    suffix[suffix.len() - 1]
}

/// What step 1 does with a standard suffix.
#[derive(Clone, Copy)]
enum Standard {
    Eaux,
    Euse,
    Ement,
    Amment,
    Emment,
    Ment,
    Aux,
    Issement,
    /// Deleted in R2, and nothing else: `ance`, `iqUe`, `isme`, `able`, `iste`, `eux`.
    Plain,
    Ateur,
    Logie,
    Usion,
    Ence,
    Ite,
    If,
}

/// Step 1, in the order in which they are tried.
static STEP_1: Suffixes<Standard, 43> = Suffixes::new([
    (b"issements", Standard::Issement),
    (b"issement", Standard::Issement),
    (b"atrices", Standard::Ateur),
    (b"atrice", Standard::Ateur),
    (b"ateurs", Standard::Ateur),
    (b"ations", Standard::Ateur),
    (b"logies", Standard::Logie),
    (b"usions", Standard::Usion),
    (b"utions", Standard::Usion),
    (b"ements", Standard::Ement),
    (b"amment", Standard::Amment),
    (b"emment", Standard::Emment),
    (b"ances", Standard::Plain),
    (b"iqUes", Standard::Plain),
    (b"ismes", Standard::Plain),
    (b"ables", Standard::Plain),
    (b"istes", Standard::Plain),
    (b"ateur", Standard::Ateur),
    (b"ation", Standard::Ateur),
    (b"logie", Standard::Logie),
    (b"usion", Standard::Usion),
    (b"ution", Standard::Usion),
    (b"ences", Standard::Ence),
    (b"ement", Standard::Ement),
    (b"euses", Standard::Euse),
    (b"ments", Standard::Ment),
    (b"ance", Standard::Plain),
    (b"iqUe", Standard::Plain),
    (b"isme", Standard::Plain),
    (b"able", Standard::Plain),
    (b"iste", Standard::Plain),
    (b"ence", Standard::Ence),
    (b"it\xe9s", Standard::Ite),
    (b"ives", Standard::If),
    (b"eaux", Standard::Eaux),
    (b"euse", Standard::Euse),
    (b"ment", Standard::Ment),
    (b"eux", Standard::Plain),
    (b"it\xe9", Standard::Ite),
    (b"ive", Standard::If),
    (b"ifs", Standard::If),
    (b"aux", Standard::Aux),
    (b"if", Standard::If),
]);

/// Step 2a: verb suffixes that begin with `i`.
static STEP_2A: Suffixes<(), 35> = Suffixes::new([
    (b"issaIent", ()),
    (b"issantes", ()),
    (b"iraIent", ()),
    (b"issante", ()),
    (b"issants", ()),
    (b"issions", ()),
    (b"irions", ()),
    (b"issais", ()),
    (b"issait", ()),
    (b"issant", ()),
    (b"issent", ()),
    (b"issiez", ()),
    (b"issons", ()),
    (b"irais", ()),
    (b"irait", ()),
    (b"irent", ()),
    (b"iriez", ()),
    (b"irons", ()),
    (b"iront", ()),
    (b"isses", ()),
    (b"issez", ()),
    (b"\xeemes", ()),
    (b"\xeetes", ()),
    (b"irai", ()),
    (b"iras", ()),
    (b"irez", ()),
    (b"isse", ()),
    (b"ies", ()),
    (b"ira", ()),
    (b"\xeet", ()),
    (b"ie", ()),
    (b"ir", ()),
    (b"is", ()),
    (b"it", ()),
    (b"i", ()),
]);

/// What step 2b does with a verb suffix.
#[derive(Clone, Copy, PartialEq)]
enum Verb {
    Ions,
    /// Deleted.
    Plain,
    /// Deleted, with an `e` before it if that is in RV.
    AfterE,
}

/// Step 2b: the other verb suffixes.
static STEP_2B: Suffixes<Verb, 38> = Suffixes::new([
    (b"eraIent", Verb::Plain),
    (b"assions", Verb::AfterE),
    (b"erions", Verb::Plain),
    (b"assent", Verb::AfterE),
    (b"assiez", Verb::AfterE),
    (b"\xe8rent", Verb::Plain),
    (b"erais", Verb::Plain),
    (b"erait", Verb::Plain),
    (b"eriez", Verb::Plain),
    (b"erons", Verb::Plain),
    (b"eront", Verb::Plain),
    (b"aIent", Verb::AfterE),
    (b"antes", Verb::AfterE),
    (b"asses", Verb::AfterE),
    (b"ions", Verb::Ions),
    (b"erai", Verb::Plain),
    (b"eras", Verb::Plain),
    (b"erez", Verb::Plain),
    (b"\xe2mes", Verb::AfterE),
    (b"\xe2tes", Verb::AfterE),
    (b"ante", Verb::AfterE),
    (b"ants", Verb::AfterE),
    (b"asse", Verb::AfterE),
    (b"\xe9es", Verb::Plain),
    (b"era", Verb::Plain),
    (b"iez", Verb::Plain),
    (b"ais", Verb::AfterE),
    (b"ait", Verb::AfterE),
    (b"ant", Verb::AfterE),
    (b"\xe9e", Verb::Plain),
    (b"\xe9s", Verb::Plain),
    (b"er", Verb::Plain),
    (b"ez", Verb::Plain),
    (b"\xe2t", Verb::AfterE),
    (b"ai", Verb::AfterE),
    (b"as", Verb::AfterE),
    (b"\xe9", Verb::Plain),
    (b"a", Verb::AfterE),
]);

/// What step 4 does with a residual suffix.
#[derive(Clone, Copy)]
enum Residual {
    Ion,
    /// `ière`, `ier`: replaced by `i`.
    Iere,
    E,
    /// `ë`, which goes after `gu`.
    Gue,
}

/// Step 4: residual suffixes.
static STEP_4: Suffixes<Residual, 7> = Suffixes::new([
    (b"i\xe8re", Residual::Iere),
    (b"I\xe8re", Residual::Iere),
    (b"ion", Residual::Ion),
    (b"ier", Residual::Iere),
    (b"Ier", Residual::Iere),
    (b"e", Residual::E),
    (b"\xeb", Residual::Gue),
]);

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
        let r1_start = region_after_vowel_consonant(marked, 0);
        let r2_start = region_after_vowel_consonant(marked, r1_start);
        let (r1, r2) = (&marked[r1_start..], &marked[r2_start..]);
        rv.clear();
        rv.extend_from_slice(&marked[rv_start(marked)..]);

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

/// Where the region begins that follows the first consonant after a vowel, both within
/// `word[from..]`; the end of the word where there is none. R1 from 0, R2 from R1.
fn region_after_vowel_consonant(word: &[u8], from: usize) -> usize {
    (from + 1..word.len())
        .find(|&i| !is_vowel(word[i]) && is_vowel(word[i - 1]))
        .map_or(word.len(), |i| i + 1)
}

/// Where RV begins.
fn rv_start(word: &[u8]) -> usize {
    let len = word.len();
    if len < 2 {
        return len;
    }
    let exception = matches!(word.get(..3), Some(b"par" | b"col" | b"tap"));
    if exception || (is_vowel(word[0]) && is_vowel(word[1])) {
        return len.min(3);
    }
    (1..len).find(|&i| is_vowel(word[i])).map_or(len, |i| i + 1)
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
