//! Stop-word lists by name: NLTK's, as the `stop-words` crate carries them, and a few of our own.

use crate::pattern::trie::{ByteTrie, Condition};
use crate::profile::StopList;

/// The list of the 52 letters of ASCII, `string.ascii_letters` in Python.
const ASCII_LETTERS: &str = "ascii-letters";

/// Prefix of the names of NLTK's lists, before the language's English name.
const NLTK: &str = "nltk-";

/// NLTK's languages by the name of their file there, with the code of the `stop-words` crate.
const NLTK_LANGUAGES: &[(&str, &str)] = &[
    ("albanian", "sq"),
    ("arabic", "ar"),
    ("azerbaijani", "az"),
    ("basque", "eu"),
    ("belarusian", "be"),
    ("bengali", "bn"),
    ("catalan", "ca"),
    ("chinese", "zh"),
    ("danish", "da"),
    ("dutch", "nl"),
    ("english", "en"),
    ("finnish", "fi"),
    ("french", "fr"),
    ("german", "de"),
    ("greek", "el"),
    ("hebrew", "he"),
    ("hinglish", "hinglish"),
    ("hungarian", "hu"),
    ("indonesian", "id"),
    ("italian", "it"),
    ("kazakh", "kk"),
    ("nepali", "ne"),
    ("norwegian", "no"),
    ("portuguese", "pt"),
    ("romanian", "ro"),
    ("russian", "ru"),
    ("slovenian", "sl"),
    ("spanish", "es"),
    ("swedish", "sv"),
    ("tajik", "tg"),
    ("tamil", "ta"),
    ("turkish", "tr"),
    ("uzbek", "uz"),
];

/// A set of words to look tokens up in: a trie, so that most lookups end at the second letter.
#[derive(Debug)]
pub(crate) struct StopWords {
    words: ByteTrie,
}

impl StopWords {
    /// The union of `lists`, or the name of the list that there is not.
    pub(crate) fn new(lists: &[StopList]) -> Result<Self, String> {
        let mut words: Vec<Vec<u8>> = Vec::new();
        for list in lists {
            match list {
                StopList::Words(own) => words.extend(own.words.iter().map(|w| w.clone().into())),
                StopList::Named(name) => {
                    let found = named(name).ok_or_else(|| name.clone())?;
                    words.extend(found.into_iter().map(String::into_bytes));
                }
            }
        }
        let words = words.into_iter().filter(|word| !word.is_empty());
        Ok(Self {
            words: ByteTrie::new(words.map(|word| (word, Condition::default()))),
        })
    }

    /// Whether `token` is one of the words.
    pub(crate) fn contains(&self, token: &[u8]) -> bool {
        self.words.holds(token)
    }
}

/// The names that [`StopWords::new`] knows.
pub(crate) fn names() -> Vec<String> {
    let nltk = NLTK_LANGUAGES
        .iter()
        .map(|(language, _)| format!("{NLTK}{language}"));
    std::iter::once(ASCII_LETTERS.to_owned())
        .chain(nltk)
        .collect()
}

/// The words of a list that codape has.
pub(crate) fn named(name: &str) -> Option<Vec<String>> {
    if name == ASCII_LETTERS {
        let letters = ('A'..='Z').chain('a'..='z');
        return Some(letters.map(String::from).collect());
    }
    Some(nltk(name)?.iter().map(ToString::to_string).collect())
}

fn nltk(name: &str) -> Option<&'static [&'static str]> {
    let language = name.strip_prefix(NLTK)?;
    let (_, code) = NLTK_LANGUAGES
        .iter()
        .find(|(known, _)| *known == language)?;
    stop_words::lookup(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_named_is_there() {
        for name in names() {
            assert!(
                StopWords::new(&[StopList::Named(name.clone())]).is_ok(),
                "{name}"
            );
        }
        let unknown = StopWords::new(&[StopList::Named("nltk-klingon".into())]);
        assert_eq!(unknown.unwrap_err(), "nltk-klingon");
    }

    #[test]
    fn the_french_list_is_nltks_of_157_words() {
        let words = nltk("nltk-french").unwrap();
        assert_eq!(words.len(), 157);
        let set = StopWords::new(&[StopList::Named("nltk-french".into())]).unwrap();
        assert!(words.iter().all(|word| set.contains(word.as_bytes())));
        for other in [
            "",
            "a",
            "d'",
            "De",
            "dess",
            "pourtant",
            "ete",
            "étant donné",
        ] {
            assert!(!set.contains(other.as_bytes()), "{other}");
        }
    }
}
