//! `codape registry`.

use anyhow::Context;
use codape_registry::{Resolved, resolve};
use serde_json::json;

use crate::cli::{Registry, Show};
use crate::print;

pub fn run(command: &Registry) -> anyhow::Result<()> {
    match command {
        Registry::Show(arguments) => show(arguments),
    }
}

fn show(arguments: &Show) -> anyhow::Result<()> {
    let client = arguments.mlflow.client()?;
    let Resolved { location, version } = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(resolve(&arguments.uri, client.as_ref()))?;
    let location = location.to_string();
    if arguments.json {
        let version = version.map(|version| {
            json!({
                "name": version.name,
                "version": version.version,
                "stage": version.current_stage,
                "aliases": version.aliases,
                "status": version.status,
                "run_id": version.run_id,
                "creation_timestamp": version.creation_timestamp,
            })
        });
        return print::json(&json!({ "location": location, "version": version }));
    }
    let mut rows = Vec::new();
    if let Some(version) = version {
        rows.extend([
            ["name".to_owned(), version.name],
            ["version".to_owned(), version.version],
            ["stage".to_owned(), version.current_stage],
            ["aliases".to_owned(), version.aliases.join("  ")],
            ["status".to_owned(), version.status],
            ["run".to_owned(), version.run_id],
        ]);
    }
    rows.push(["files".to_owned(), location]);
    // A server's words may hold what a terminal takes for commands.
    let plain = |text: String| text.replace(char::is_control, "");
    print::table(rows.into_iter().map(|row| row.map(plain)))
}
