//! The suffixes of the French stemmer, in the order in which NLTK 3.9.1 tries them, and the search for
//! the one that a word ends with. Letters are ISO 8859-1.

/// A list of suffixes with what each stands for, searched in order.
///
/// A word ends with one letter, so the list is kept sorted by last letter, otherwise in its own
/// order, and only the part for the word's last letter is looked at.
pub(super) struct Suffixes<T: 'static, const N: usize> {
    list: [(Suffix, T); N],
    /// `bounds[b]..bounds[b + 1]` are the suffixes whose last letter is `b`.
    bounds: [u8; 257],
}

/// A suffix, compared as one number rather than letter by letter.
#[derive(Clone, Copy)]
struct Suffix {
    letters: &'static [u8],
    /// Its [`tail`].
    tail: u64,
    /// The bytes of `tail` that are letters of the suffix.
    mask: u64,
}

/// The last eight letters of a word, the last one in the lowest byte; 0 where there is none.
fn tail(word: &[u8]) -> u64 {
    match word.last_chunk() {
        Some(letters) => u64::from_be_bytes(*letters),
        None => word
            .iter()
            .fold(0, |tail, &letter| tail << 8 | u64::from(letter)),
    }
}

impl Suffix {
    const fn new(letters: &'static [u8]) -> Self {
        let (mut tail, mut mask) = (0, 0);
        let mut i = 0;
        while i < letters.len() {
            tail = tail << 8 | letters[i] as u64;
            mask = mask << 8 | 0xff;
            i += 1;
        }
        Self {
            letters,
            tail,
            mask,
        }
    }

    const fn last(self) -> u8 {
        self.tail as u8
    }

    /// Whether the word with that tail ends with the suffix.
    fn ends(self, word: &[u8], tail: u64) -> bool {
        (tail ^ self.tail) & self.mask == 0
            && (self.letters.len() <= 8 || word.ends_with(self.letters))
    }
}

impl<T: Copy, const N: usize> Suffixes<T, N> {
    /// Sorts and counts; none of the suffixes is empty.
    const fn new(suffixes: [(&'static [u8], T); N]) -> Self {
        let mut list = [(Suffix::new(suffixes[0].0), suffixes[0].1); N];
        let mut i = 1;
        while i < N {
            let new = (Suffix::new(suffixes[i].0), suffixes[i].1);
            let mut j = i;
            while j > 0 && list[j - 1].0.last() > new.0.last() {
                list[j] = list[j - 1];
                j -= 1;
            }
            list[j] = new;
            i += 1;
        }
        let mut bounds = [0; 257];
        let mut letter = 0;
        while letter < 256 {
            let mut end = bounds[letter];
            while (end as usize) < N && list[end as usize].0.last() as usize == letter {
                end += 1;
            }
            bounds[letter + 1] = end;
            letter += 1;
        }
        Self { list, bounds }
    }

    /// The first suffix of the list that the word ends with and that `applies`.
    pub(super) fn find(
        &self,
        word: &[u8],
        applies: impl Fn(&[u8]) -> bool,
    ) -> Option<(&'static [u8], T)> {
        let letter = usize::from(*word.last()?);
        let range = usize::from(self.bounds[letter])..usize::from(self.bounds[letter + 1]);
        let tail = tail(word);
        self.list[range]
            .iter()
            .find(|(suffix, _)| suffix.ends(word, tail) && applies(suffix.letters))
            .map(|&(suffix, what)| (suffix.letters, what))
    }
}

/// What step 1 does with a standard suffix.
#[derive(Clone, Copy)]
pub(super) enum Standard {
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
pub(super) static STEP_1: Suffixes<Standard, 43> = Suffixes::new([
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
pub(super) static STEP_2A: Suffixes<(), 35> = Suffixes::new([
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
pub(super) enum Verb {
    Ions,
    /// Deleted.
    Plain,
    /// Deleted, with an `e` before it if that is in RV.
    AfterE,
}

/// Step 2b: the other verb suffixes.
pub(super) static STEP_2B: Suffixes<Verb, 38> = Suffixes::new([
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
pub(super) enum Residual {
    Ion,
    /// `ière`, `ier`: replaced by `i`.
    Iere,
    E,
    /// `ë`, which goes after `gu`.
    Gue,
}

/// Step 4: residual suffixes.
pub(super) static STEP_4: Suffixes<Residual, 7> = Suffixes::new([
    (b"i\xe8re", Residual::Iere),
    (b"I\xe8re", Residual::Iere),
    (b"ion", Residual::Ion),
    (b"ier", Residual::Iere),
    (b"Ier", Residual::Iere),
    (b"e", Residual::E),
    (b"\xeb", Residual::Gue),
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_suffix_of_the_list_is_found() {
        for (word, expected) in [
            (&b"\xe9tablissements"[..], Some(&b"issements"[..])),
            (b"issements", Some(b"issements")),
            (b"ssements", Some(b"ements")),
            (b"xif", Some(b"if")),
            (b"f", None),
            (b"", None),
            (b"yoga", None),
        ] {
            assert_eq!(
                STEP_1.find(word, |_| true).map(|(suffix, _)| suffix),
                expected
            );
        }
        let only_short = |suffix: &[u8]| suffix.len() < 2;
        assert_eq!(
            STEP_4
                .find(b"xi\xe8re", only_short)
                .map(|(suffix, _)| suffix),
            Some(&b"e"[..])
        );
    }

    #[test]
    fn no_suffix_is_lost_in_sorting() {
        for letters in STEP_2B.list.iter().map(|(suffix, _)| suffix.letters) {
            let found = STEP_2B.find(letters, |suffix| suffix == letters);
            assert!(found.is_some(), "{letters:?}");
        }
        assert_eq!(STEP_2B.list.len(), usize::from(STEP_2B.bounds[256]));
    }
}
