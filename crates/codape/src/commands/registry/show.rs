//! `codape registry show` and `list`.

use codape_registry::{ModelVersion, Resolved, resolve};
use serde_json::{Value, json};

use super::{plain, runtime, time};
use crate::cli::{List, Show};
use crate::print;

pub fn show(arguments: &Show) -> anyhow::Result<()> {
    let client = arguments.mlflow.client()?;
    let found = runtime()?.block_on(resolve(&arguments.uri, client.as_ref()))?;
    let Resolved { location, version } = found;
    let location = location.to_string();
    if arguments.json {
        let version = version.as_ref().map(json_of);
        return print::json(&json!({ "location": location, "version": version }));
    }
    let mut rows = Vec::new();
    if let Some(version) = version {
        let digest = version.digest().unwrap_or_default().to_owned();
        rows.extend([
            ["name".to_owned(), version.name],
            ["version".to_owned(), version.version],
            ["stage".to_owned(), version.current_stage],
            ["aliases".to_owned(), version.aliases.join("  ")],
            ["status".to_owned(), version.status],
            ["run".to_owned(), version.run_id],
            ["registered".to_owned(), time(version.creation_timestamp)],
            ["digest".to_owned(), digest],
        ]);
    }
    rows.push(["files".to_owned(), location]);
    print::table(rows.into_iter().map(|row| row.map(plain)))
}

pub fn list(arguments: &List) -> anyhow::Result<()> {
    let client = arguments.mlflow.needed()?;
    let Some(name) = &arguments.name else {
        let models = runtime()?.block_on(client.models())?;
        if arguments.json {
            let model = |model: &codape_registry::RegisteredModel| {
                let alias = |alias: &codape_registry::Alias| json!({"alias": alias.alias, "version": alias.version});
                let aliases: Vec<_> = model.aliases.iter().map(alias).collect();
                json!({"name": model.name, "aliases": aliases})
            };
            return print::json(&models.iter().map(model).collect::<Vec<_>>());
        }
        return print::table(models.into_iter().map(|model| {
            let aliases: Vec<_> = (model.aliases.iter())
                .map(|alias| format!("@{} {}", alias.alias, alias.version))
                .collect();
            let changed = time(model.last_updated_timestamp);
            [model.name, aliases.join("  "), changed].map(plain)
        }));
    };
    let versions = runtime()?.block_on(client.versions(name))?;
    if arguments.json {
        return print::json(&versions.iter().map(json_of).collect::<Vec<_>>());
    }
    let head = ["version", "stage", "aliases", "registered", "digest"].map(str::to_owned);
    let row = |version: ModelVersion| {
        let aliases: Vec<_> = version
            .aliases
            .iter()
            .map(|name| format!("@{name}"))
            .collect();
        let digest = version.digest().unwrap_or_default().to_owned();
        let registered = time(version.creation_timestamp);
        let aliases = aliases.join("  ");
        [
            version.version,
            version.current_stage,
            aliases,
            registered,
            digest,
        ]
        .map(plain)
    };
    print::table(std::iter::once(head).chain(versions.into_iter().map(row)))
}

/// A version as it is printed.
pub fn json_of(version: &ModelVersion) -> Value {
    json!({
        "name": version.name,
        "version": version.version,
        "stage": version.current_stage,
        "aliases": version.aliases,
        "status": version.status,
        "run_id": version.run_id,
        "creation_timestamp": version.creation_timestamp,
        "digest": version.digest(),
    })
}
