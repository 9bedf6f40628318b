//! `codape registry promote` and `rollback`.

use anyhow::Context;
use codape_registry::{Mlflow, Promotion, Which};

use super::{plain, runtime};
use crate::cli::{Promote, Rollback, variable};
use crate::print;

pub fn promote(arguments: &Promote) -> anyhow::Result<()> {
    let mlflow = arguments.mlflow.needed()?;
    let versions = [&arguments.version, &arguments.to];
    let promotion = runtime()?.block_on(mlflow.promote(&arguments.name, versions, &who()))?;
    told(&arguments.name, &promotion)
}

pub fn rollback(arguments: &Rollback) -> anyhow::Result<()> {
    let mlflow: Mlflow = arguments.mlflow.needed()?;
    let (name, place) = (&arguments.name, &arguments.to);
    let promotion = runtime()?.block_on(async {
        let before: Which = mlflow.before(name, place).await?;
        let promoted = mlflow.promote(name, [&before, place], &who()).await;
        promoted.with_context(|| format!("{place} cannot go back to version {before}"))
    })?;
    told(name, &promotion)
}

fn told(name: &str, promotion: &Promotion) -> anyhow::Result<()> {
    let Promotion {
        place,
        version,
        before,
        ..
    } = promotion;
    let before = match before.as_str() {
        "" => "there was none before".to_owned(),
        before if before == version => "as before".to_owned(),
        before => format!("before: version {before}"),
    };
    print::line(plain(format!(
        "{place} of {name} is version {version} ({before})"
    )))
}

/// Who promotes, as the ledger tells it.
pub fn who() -> String {
    let names = ["MLFLOW_TRACKING_USERNAME", "USER", "USERNAME"];
    let name = names.into_iter().find_map(variable);
    name.unwrap_or_else(|| "unknown".to_owned())
}
