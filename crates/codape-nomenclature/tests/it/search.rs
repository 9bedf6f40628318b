//! Search by words and beginnings of codes.

use std::time::Instant;

use codape_nomenclature::{Hit, MAX_QUERY_WORDS, Nomenclature};
use proptest::prelude::*;

fn search(query: &str) -> Vec<&'static str> {
    Nomenclature::naf_rev2()
        .search(query, 8)
        .iter()
        .map(|hit| hit.entry.code())
        .collect()
}

#[test]
fn words_lead_to_titles() {
    assert_eq!(search("coiffure"), ["9602A", "9602"]);
    assert_eq!(search("COIFFURE beauté")[0], "9602");
    assert_eq!(search("restauration rapide")[0], "5610C");
    assert_eq!(search("œufs"), search("oeufs"));
    assert_eq!(search("l’élevage de volailles")[0], "0147Z");
}

#[test]
fn the_beginning_of_a_word_is_enough() {
    let boulang = search("boulang");
    assert_eq!(boulang[0], "1071C");
    assert!(boulang.contains(&"1071B"), "{boulang:?}");
    assert_eq!(search("boulang patiss")[0], "1071C");
    // The plural of a word that the titles have in the singular only.
    assert_eq!(search("coiffures"), search("coiffure"));
}

#[test]
fn words_that_no_title_has_do_not_hide_the_others() {
    let naf = Nomenclature::naf_rev2();
    // No title of NAF has goats under that name.
    let hits = naf.search("elevage de chevres", 50);
    assert!(hits.iter().all(|hit| !hit.complete));
    assert!(
        hits.iter().all(|hit| hit.entry.title().contains("levage")),
        "{hits:?}"
    );
    assert!(
        hits.iter().any(|hit| hit.entry.code() == "0145Z"),
        "{hits:?}"
    );
    assert!(naf.search("xylophage", 9).is_empty());
}

#[test]
fn all_words_come_before_some() {
    let hits = Nomenclature::naf_rev2().search("commerce de détail de fleurs", 40);
    let partial = hits.iter().position(|hit| !hit.complete).unwrap();
    assert!(
        partial > 0 && hits[partial..].iter().all(|hit| !hit.complete),
        "{hits:?}"
    );
    assert_eq!(hits[0].entry.code(), "4776Z");
}

#[test]
fn beginnings_of_codes_lead_to_codes() {
    let class = ["5610", "5610A", "5610B", "5610C"];
    assert_eq!(search("56.10"), class);
    assert_eq!(search("5610"), class);
    assert_eq!(search("56 10"), class);
    assert_eq!(search("56.1"), ["561", "5610", "5610A", "5610B", "5610C"]);
    assert_eq!(search("56.10c"), ["5610C"]);
    assert_eq!(search("i")[0], "I");
    assert_eq!(search("96 coiffure")[0], "9602A");
    assert_eq!(search("2").len(), 8);
    assert_eq!(search("2 coiffure"), search("coiffure"));
}

#[test]
fn nothing_is_found_for_nothing() {
    for query in ["", " ", "...", "'", "\u{301}", "§"] {
        assert_eq!(search(query), Vec::<&str>::new(), "{query:?}");
    }
    assert!(Nomenclature::naf_rev2().search("commerce", 0).is_empty());
}

#[test]
fn a_limit_cuts_the_same_list() {
    let naf = Nomenclature::naf_rev2();
    for query in ["commerce de gros", "a", "47", "fabrication de produits"] {
        let all = naf.search(query, usize::MAX);
        for limit in [1, 2, 10, all.len(), all.len() + 1] {
            assert_eq!(
                naf.search(query, limit),
                all[..limit.min(all.len())],
                "{query} {limit}"
            );
        }
    }
}

#[test]
fn a_query_of_a_megabyte_costs_no_more_than_its_beginning() {
    let naf = Nomenclature::naf_rev2();
    for piece in [
        "e",
        "e ",
        "d'",
        "é",
        "1 ",
        ".",
        "\u{301}",
        "\u{fdfa}",
        "a b c d e f g h i j ",
    ] {
        let query = piece.repeat((1 << 20) / piece.len());
        let started = Instant::now();
        naf.search(&query, 10);
        // Generous: it says bounded, not fast.
        assert!(
            started.elapsed().as_millis() < 250,
            "{piece:?}: {:?}",
            started.elapsed()
        );
    }
    let words: Vec<String> = ('a'..='z').map(String::from).collect();
    let (first, all) = (words[..MAX_QUERY_WORDS].join(" "), words.join(" "));
    assert_eq!(naf.search(&all, 50), naf.search(&first, 50));
}

proptest! {
    #[test]
    fn any_text_can_be_searched(text: String, limit in 0..20_usize) {
        let naf = Nomenclature::naf_rev2();
        let hits = naf.search(&text, limit);
        prop_assert!(hits.len() <= limit);
        prop_assert_eq!(&hits, &naf.search(&text, limit));
    }

    #[test]
    fn a_title_finds_its_entry(index in 0..1728_usize) {
        let naf = Nomenclature::naf_rev2();
        let entry = naf.entries().nth(index).unwrap();
        // Titles of more words than are looked at find others that begin alike.
        let same = |hit: &Hit<'_>| hit.complete && hit.entry.title() == entry.title();
        let words = entry.title().split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
        if words.count() <= MAX_QUERY_WORDS {
            prop_assert!(naf.search(entry.title(), 100).iter().any(same), "{entry:?}");
        }
    }
}
