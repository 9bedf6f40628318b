//! What a coder answers.

/// A code that the model suggests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suggestion<'a> {
    /// The code, as in the model's label behind its prefix.
    pub code: &'a str,
    /// The code's title; `None` where the nomenclature does not know the code.
    pub title: Option<&'a str>,
    /// The model's probability. It may pass 1 by a rounding, and with a
    /// one-vs-all loss the probabilities of a text do not sum to 1.
    pub probability: f32,
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
}
