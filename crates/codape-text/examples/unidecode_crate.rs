//! Prints what the `unidecode` crate makes of every code point, one a line: hexadecimal code point,
//! tab, JSON string. `scripts/reference.py corrections` reads it to find where it must be corrected.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for c in '\0'..=char::MAX {
        let text = serde_json::Value::from(unidecode::unidecode_char(c));
        writeln!(out, "{:x}\t{text}", u32::from(c))?;
    }
    out.flush()
}
