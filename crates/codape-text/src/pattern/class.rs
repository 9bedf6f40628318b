//! Patterns that are one character out of a set, or a run of such characters.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::{Alphabet, char_at};

/// A set of characters.
#[derive(Debug)]
pub(super) struct CharClass {
    /// Membership of the ASCII characters.
    ascii: [bool; 128],
    /// The other members, as ascending ranges with both ends included. Empty for ASCII texts.
    others: Vec<(char, char)>,
    /// Whether a match is as long a run of members as there is, and not one of them.
    runs: bool,
}

impl CharClass {
    /// The pattern as a class, if it is one.
    pub(super) fn new(hir: &Hir, alphabet: Alphabet) -> Option<Self> {
        let (class, runs) = match hir.kind() {
            HirKind::Class(Class::Unicode(class)) => (class, false),
            HirKind::Repetition(rep) if (rep.min, rep.max, rep.greedy) == (1, None, true) => {
                let HirKind::Class(Class::Unicode(class)) = rep.sub.kind() else {
                    return None;
                };
                (class, true)
            }
            _ => return None,
        };
        let mut ascii = [false; 128];
        let mut others = Vec::new();
        for range in class.ranges() {
            for c in range.start()..=range.end().min('\x7f') {
                ascii[c as usize] = true;
            }
            if alphabet == Alphabet::Unicode && range.end() > '\x7f' {
                others.push((range.start().max('\u{80}'), range.end()));
            }
        }
        Some(Self {
            ascii,
            others,
            runs,
        })
    }

    fn has_ascii(&self, byte: u8) -> bool {
        self.ascii.get(usize::from(byte)).copied().unwrap_or(false)
    }

    fn has_other(&self, c: char) -> bool {
        let after = self.others.partition_point(|&(start, _)| start <= c);
        after.checked_sub(1).is_some_and(|i| c <= self.others[i].1)
    }

    /// Replaces the members, or runs of them, by `with`.
    pub(super) fn replace(&self, text: &mut Vec<u8>, with: &[u8], spare: &mut Vec<u8>) {
        if self.others.is_empty() && !self.runs {
            match *with {
                // Only ASCII is touched, one byte for one: in place. Bytes of other characters are
                // 0x80 and above and in no table.
                [with] if with.is_ascii() => {
                    for byte in text {
                        if self.has_ascii(*byte) {
                            *byte = with;
                        }
                    }
                    return;
                }
                [] => return text.retain(|&byte| !self.has_ascii(byte)),
                _ => {}
            }
        }
        spare.clear();
        let mut in_run = false;
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            let (member, len) = if byte.is_ascii() {
                (self.has_ascii(byte), 1)
            } else {
                let c = char_at(text, at).unwrap_or(char::REPLACEMENT_CHARACTER);
                (self.has_other(c), super::char_len(text, at))
            };
            if !member {
                spare.extend_from_slice(text.get(at..at + len).unwrap_or_default());
            } else if !(self.runs && in_run) {
                spare.extend_from_slice(with);
            }
            in_run = member;
            at += len;
        }
        std::mem::swap(text, spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(pattern: &str, with: &str, text: &str) -> String {
        let hir = regex_syntax::parse(pattern).unwrap();
        let class = CharClass::new(&hir, Alphabet::Unicode).unwrap();
        let mut text = text.as_bytes().to_vec();
        class.replace(&mut text, with.as_bytes(), &mut Vec::new());
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn replaces_characters_and_runs() {
        assert_eq!(replace("[ab]", "-", "abcé"), "--cé");
        assert_eq!(replace("[ab]", "", "abcéa"), "cé");
        assert_eq!(replace("[ab]", "<>", "abcé"), "<><>cé");
        assert_eq!(replace("[ab]", "é", "ac"), "éc");
        assert_eq!(replace("[^a]+", "-", "éèaê日a"), "-a-a");
        assert_eq!(replace("[^a]", "-", "éèaê日a"), "--a--a");
        assert_eq!(replace("[é-ê]+", "e", "béêé, 日"), "be, 日");
    }
}
