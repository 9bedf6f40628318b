//! Writes a table of any number of declarations, made of a smaller real one:
//! words are left out, swapped, misspelt, put in capitals; a categorical
//! variable is drawn for each. It is for measuring how the trainer bears large
//! tables; what a model makes of such texts says nothing of its worth.
//!
//! ```console
//! $ cargo run --release -p codape-trainer --example many_declarations -- \
//!     declarations.csv description code 1000000 > million.csv
//! ```

use std::env;
use std::error::Error;
use std::io;
use std::path::Path;

use codape_table::TableReader;
use codape_testkit::SplitMix64;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [table, text, code, rows] = arguments.as_slice() else {
        return Err("expected TABLE TEXT_COLUMN CODE_COLUMN ROWS".into());
    };
    let declarations = read(Path::new(table), &[text.clone(), code.clone()])?;
    if declarations.is_empty() {
        return Err("the table has no row with a text and a code".into());
    }
    let mut random = SplitMix64::new(1);
    let mut out = csv::Writer::from_writer(io::stdout().lock());
    out.write_record(["libelle", "nature", "code"])?;
    for _ in 0..rows.parse::<u64>()? {
        let (text, code) = &declarations[random.below(declarations.len())];
        let nature = ["", "01", "03", "99"][random.below(4)];
        out.write_record([&perturbed(text, &mut random), nature, code])?;
    }
    out.flush()?;
    Ok(())
}

fn read(path: &Path, columns: &[String]) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let mut table = TableReader::open(path, columns)?;
    let mut declarations = Vec::new();
    while let Some(batch) = table.next_batch()? {
        for row in batch.rows() {
            if let (Some(text), Some(code)) = (row.get(0), row.get(1)) {
                declarations.push((text.to_owned(), code.to_owned()));
            }
        }
    }
    Ok(declarations)
}

/// The text as another person might have typed it.
fn perturbed(text: &str, random: &mut SplitMix64) -> String {
    let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if words.len() > 2 && random.below(2) == 0 {
        words.remove(random.below(words.len()));
    }
    if words.len() > 1 && random.below(3) == 0 {
        let first = random.below(words.len() - 1);
        words.swap(first, first + 1);
    }
    if !words.is_empty() && random.below(3) == 0 {
        // A letter is left out.
        let word = random.below(words.len());
        let letters = words[word].chars().count();
        let gone = random.below(letters);
        let left = words[word].chars().enumerate().filter(|(i, _)| *i != gone);
        words[word] = left.map(|(_, letter)| letter).collect();
    }
    let text = words.join(" ");
    match random.below(3) {
        0 => text.to_uppercase(),
        _ => text,
    }
}
