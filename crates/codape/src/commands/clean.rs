//! `codape clean`: texts as the model sees them.

use std::io::{self, BufWriter, Write};

use anyhow::Context;
use codape_text::{Cleaner, Profile, Scratch};

use crate::cli::Clean;
use crate::{lines, package};

pub fn run(arguments: &Clean) -> anyhow::Result<()> {
    let profile = match &arguments.profile {
        Some(path) => Profile::read(path)?,
        None => package::bundled_profile()?,
    };
    let cleaner = Cleaner::new(&profile)?;
    let mut scratch = Scratch::default();
    let mut cleaned = String::new();
    let mut output = BufWriter::new(io::stdout().lock());
    let mut number = 0_u64;
    lines::for_each_batch(arguments.input.as_deref(), |lines| {
        for line in lines {
            number += 1;
            let text = std::str::from_utf8(line)
                .with_context(|| format!("line {number} is not UTF-8 text"))?;
            cleaned.clear();
            cleaner.clean_into(text, &mut scratch, &mut cleaned);
            output.write_all(cleaned.as_bytes())?;
            output.write_all(b"\n")?;
        }
        Ok(())
    })?;
    output.flush()?;
    Ok(())
}
