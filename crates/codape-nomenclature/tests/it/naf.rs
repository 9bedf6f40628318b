//! NAF Rev. 2: counts, chains of parents, known entries, ways of writing codes.

use codape_nomenclature::{Entry, Nomenclature};
use proptest::prelude::*;

fn codes<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Vec<&'a str> {
    entries.map(Entry::code).collect()
}

#[test]
fn it_is_whole() {
    let naf = Nomenclature::naf_rev2();
    let levels: Vec<_> = naf
        .levels()
        .map(|level| (level.name(), level.len()))
        .collect();
    let expected = [
        ("section", 21),
        ("division", 88),
        ("group", 272),
        ("class", 615),
        ("subclass", 732),
    ];
    assert_eq!(levels, expected);
    assert_eq!(naf.len(), 1728);
    assert_eq!(naf.name(), "naf-rev2");
    for (name, len) in expected {
        assert_eq!(naf.at_level(name).count(), len, "{name}");
    }
    assert_eq!(naf.at_level("canton").count(), 0);
}

#[test]
fn every_chain_of_parents_is_complete() {
    let naf = Nomenclature::naf_rev2();
    for entry in naf.entries() {
        assert_eq!(
            entry.ancestors().count(),
            entry.level().depth(),
            "{entry:?}"
        );
        assert_eq!(
            entry.is_leaf(),
            entry.level().name() == "subclass",
            "{entry:?}"
        );
        if let Some(parent) = entry.parent() {
            assert!(parent.children().any(|child| child == entry), "{entry:?}");
            assert!(
                parent.descendants().any(|below| below == entry),
                "{entry:?}"
            );
            // From the division down a code begins with its parent's: true of NAF, so a check of the table.
            if parent.level().depth() > 0 {
                assert!(
                    entry.code().starts_with(parent.code()),
                    "{entry:?} under {parent:?}"
                );
            }
        }
    }
    let below: usize = naf.roots().map(|root| 1 + root.descendants().len()).sum();
    assert_eq!(below, naf.len());
    assert_eq!(naf.roots().flat_map(Entry::leaves).count(), 732);
    assert_eq!(codes(naf.roots()).concat(), "ABCDEFGHIJKLMNOPQRSTU");
}

#[test]
fn its_titles_are_tidy() {
    for entry in Nomenclature::naf_rev2().entries() {
        let title = entry.title();
        assert_eq!(
            title,
            title.split_whitespace().collect::<Vec<_>>().join(" ")
        );
        assert!(!title.contains('’'), "{entry:?}");
        assert!(title.starts_with(char::is_uppercase), "{entry:?}");
    }
}

#[test]
fn known_entries() {
    let naf = Nomenclature::naf_rev2();
    for (code, display, title) in [
        ("I", "I", "HÉBERGEMENT ET RESTAURATION"),
        ("O", "O", "ADMINISTRATION PUBLIQUE"),
        (
            "01",
            "01",
            "Culture et production animale, chasse et services annexes",
        ),
        (
            "561",
            "56.1",
            "Restaurants et services de restauration mobile",
        ),
        ("5610C", "56.10C", "Restauration de type rapide"),
        ("9602A", "96.02A", "Coiffure"),
        (
            "1511Z",
            "15.11Z",
            "Apprêt et tannage des cuirs ; préparation et teinture des fourrures",
        ),
        // Where the packages are corrected.
        (
            "4752B",
            "47.52B",
            "Commerce de détail de quincaillerie, peintures et verres en grandes surfaces (400 m² et plus)",
        ),
        ("6020A", "60.20A", "Édition de chaînes généralistes"),
        (
            "8899A",
            "88.99A",
            "Autre accueil ou accompagnement sans hébergement d'enfants et d'adolescents",
        ),
    ] {
        let entry = naf.get(code).unwrap();
        assert_eq!(
            (entry.code(), entry.display_code(), entry.title()),
            (code, display, title)
        );
    }
}

#[test]
fn around_an_entry() {
    let naf = Nomenclature::naf_rev2();
    let class = naf.get("56.10").unwrap();
    assert_eq!(codes(class.ancestors()), ["561", "56", "I"]);
    assert_eq!(codes(class.children()), ["5610A", "5610B", "5610C"]);
    assert_eq!(codes(class.leaves()), ["5610A", "5610B", "5610C"]);

    let division = naf.get("56").unwrap();
    assert_eq!(codes(division.children()), ["561", "562", "563"]);
    assert_eq!(codes(division.descendants()).len(), 3 + 4 + 7);
    assert_eq!(division.parent(), naf.get("I"));

    let leaf = naf.get("5610C").unwrap();
    assert_eq!(leaf.children().count() + leaf.descendants().len(), 0);
    assert_eq!(codes(leaf.leaves()), ["5610C"]);
    assert_eq!(leaf.at_depth(1), Some(division));
    assert_eq!(leaf.at_depth(4), Some(leaf));
    assert_eq!(division.at_depth(4), None);
    assert_eq!(naf.entry(leaf.id()), Some(leaf));
    assert_eq!(naf.roots().next().unwrap().parent(), None);
}

#[test]
fn codes_are_found_however_they_are_written() {
    let naf = Nomenclature::naf_rev2();
    for written in [
        "5610C",
        "56.10C",
        "5610c",
        " 56.10c\n",
        "56-10 C",
        "56.1.0.C",
    ] {
        assert_eq!(
            naf.get(written).map(Entry::code),
            Some("5610C"),
            "{written:?}"
        );
    }
    let long = "5".repeat(1 << 20);
    for unknown in [
        "",
        " ",
        ".",
        "5610D",
        "00",
        "__label__5610C",
        "56.10C;",
        &long,
        "é",
        "\0",
    ] {
        let found = naf.get(unknown).map(Entry::code);
        assert_eq!(
            found,
            (unknown == "56.10C;").then_some("5610C"),
            "{unknown:?}"
        );
    }
}

proptest! {
    #[test]
    fn written_codes_lead_back(index in 0..1728_usize, blanks in "[ \t]{0,3}", lower: bool) {
        let naf = Nomenclature::naf_rev2();
        let entry = naf.entries().nth(index).unwrap();
        for written in [entry.code(), entry.display_code()] {
            let cased = if lower { written.to_lowercase() } else { written.to_owned() };
            prop_assert_eq!(naf.get(&format!("{blanks}{cased}{blanks}")), Some(entry));
        }
        prop_assert_eq!(entry.display_code().replace('.', ""), entry.code());
        prop_assert_eq!(entry.id().index(), index);
    }

    #[test]
    fn any_text_can_be_looked_up(text: String) {
        let naf = Nomenclature::naf_rev2();
        if let Some(entry) = naf.get(&text) {
            let written: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
            prop_assert_eq!(written.to_uppercase(), entry.code());
        }
    }
}
