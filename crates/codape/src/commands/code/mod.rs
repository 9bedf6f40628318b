//! `codape code`: the codes of one description, or of files of them.
//!
//! With `--output` the arguments are files, and without it there is one, a text.

mod added;
mod batch;
mod columns;
mod counts;
mod inputs;
mod job;
mod one;
mod partial;
mod pipeline;
mod refusals;
mod report;
mod sink;

use std::path::Path;

use anyhow::bail;

use crate::cli::Code;

pub fn run(arguments: &Code) -> anyhow::Result<()> {
    if let Some(output) = &arguments.batch.output {
        return batch::run(arguments, output);
    }
    let [text] = &*arguments.inputs else {
        bail!(
            "one description is expected, in quotes if it has spaces; to code files, say where \
             to: --output OUT"
        );
    };
    if is_file(text) {
        anstream::eprintln!(
            "codape: {text} is coded as a text; to code the file of this name, say where to: \
             --output OUT"
        );
    }
    one::run(arguments, text)
}

/// Whether a text is more likely the name of a file: it has an extension or a
/// folder, and is there.
fn is_file(text: &str) -> bool {
    let path = Path::new(text);
    (path.extension().is_some() || text.contains('/')) && path.is_file()
}
