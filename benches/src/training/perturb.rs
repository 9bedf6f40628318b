//! Texts as other people might have typed them, to make many of few.
//!
//! It is for measuring how training bears many lines; what a model makes of
//! such texts says nothing of its worth.

use codape_testkit::SplitMix64;

/// Lines that are one of these, the label first, with words left out, swapped
/// and put in capitals: without end.
///
/// No word is made that was not there: the lines grow, the dictionary does not.
pub fn endless(lines: &[String]) -> impl Iterator<Item = String> {
    let mut random = SplitMix64::new(1);
    std::iter::from_fn(move || {
        let line = &lines[random.below(lines.len())];
        let (label, text) = line.split_once(' ').unwrap_or((line, ""));
        Some(format!("{label} {}", perturbed(text, &mut random)))
    })
}

fn perturbed(text: &str, random: &mut SplitMix64) -> String {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    if words.len() > 2 && random.below(2) == 0 {
        words.remove(random.below(words.len()));
    }
    if words.len() > 1 && random.below(3) == 0 {
        let first = random.below(words.len() - 1);
        words.swap(first, first + 1);
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_label_and_make_no_word() {
        let lines = ["__label__a one two three four", "__label__b five"].map(str::to_owned);
        let made: Vec<_> = endless(&lines).take(100).collect();
        assert!(made.iter().any(|line| !lines.contains(line)));
        for line in &made {
            let mut words = line.split(' ');
            let label = words.next().unwrap();
            let source = lines.iter().find(|line| line.starts_with(label)).unwrap();
            assert!(words.all(|word| source.contains(word)), "{line}");
        }
    }
}
