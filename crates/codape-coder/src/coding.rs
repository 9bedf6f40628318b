//! What a coder answers.

use codape_nomenclature::Entry;

/// A code that the model suggests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suggestion<'a> {
    /// The code, as in the model's label behind its prefix.
    pub code: &'a str,
    /// The code in the nomenclature, with its title and what is above it;
    /// `None` where the nomenclature does not know the code.
    pub entry: Option<Entry<'a>>,
    /// The model's probability. It may pass 1 by a rounding, and with a
    /// one-vs-all loss the probabilities of a text do not sum to 1.
    pub probability: f32,
}

impl<'a> Suggestion<'a> {
    /// The code as the nomenclature writes it; as in the label where the
    /// nomenclature does not know it.
    #[must_use]
    pub fn canonical_code(&self) -> &'a str {
        self.entry.map_or(self.code, Entry::code)
    }

    /// The code's title, where the nomenclature knows the code.
    #[must_use]
    pub fn title(&self) -> Option<&'a str> {
        self.entry.map(Entry::title)
    }

    /// The codes above this one, nearest first; none where the nomenclature
    /// does not know the code.
    pub fn ancestors(&self) -> impl Iterator<Item = Entry<'a>> {
        self.entry.into_iter().flat_map(Entry::ancestors)
    }
}

/// The suggestions for one declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct Coding<'a> {
    /// The line that the model saw: cleaned text and categorical features.
    pub line: String,
    /// At most as many codes as were asked for, best first. Empty where the
    /// model knows nothing at all of the line, not even its end.
    pub suggestions: Vec<Suggestion<'a>>,
    /// The confidence index: p1 − p2 of the two best probabilities, each
    /// widened from `f32` before the subtraction. p2 is 0 for a model of one
    /// label; the index is 0 where there are no suggestions.
    pub confidence: f64,
}

impl<'a> Coding<'a> {
    /// The best code.
    #[must_use]
    pub fn best(&self) -> Option<&Suggestion<'a>> {
        self.suggestions.first()
    }

    /// The best code as the nomenclature writes it.
    #[must_use]
    pub fn first_code(&self) -> Option<&'a str> {
        self.best().map(Suggestion::canonical_code)
    }
}
