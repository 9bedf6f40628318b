//! From the files of a model to a coder that was tried.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use codape_coder::{
    Access, Coder, FORMAT, GOLDEN_FILE, Golden, Manifest, Metrics, NomenclatureSource, PackageParts,
};
use codape_fasttext::Model;
use codape_nomenclature::Nomenclature;
use codape_registry::{Fetched, Layout};
use codape_text::{Cleaner, Profile};

/// The prefix of labels in models of Insee.
const LABEL_PREFIX: &str = "__label__";
/// The greatest share of codes that the nomenclature may not know: a nomenclature
/// changes by a few, another one has nearly all others.
const MOST_UNKNOWN: f64 = 0.1;

/// What a model that Python logged does not carry.
#[derive(Clone, Debug)]
pub struct Missing {
    pub cleaning: Option<PathBuf>,
    /// A bundled nomenclature's name, or a file.
    pub nomenclature: String,
}

/// Opens a model, and refuses one that does not answer as it should.
pub fn open(fetched: &Fetched, access: Access, missing: &Missing) -> anyhow::Result<Coder> {
    let directory = fetched.lease.directory();
    let coder = match &fetched.record.layout {
        Layout::Package => Coder::open(directory, access)?,
        Layout::Pyfunc {
            model,
            text_feature,
            categorical_features,
        } => {
            let manifest = Manifest {
                format: FORMAT,
                model: model.clone(),
                cleaning: String::new(),
                text_feature: text_feature.clone(),
                categorical_features: categorical_features.clone(),
                nomenclature: missing.nomenclature.clone(),
                label_prefix: LABEL_PREFIX.to_owned(),
            };
            Coder::from_parts(PackageParts {
                model: Model::open(directory.join(model), access)?,
                cleaner: Cleaner::new(&profile(missing)?)?,
                nomenclature: nomenclature(&missing.nomenclature)?,
                metrics: Some(fetched.record.metrics.iter().cloned().collect()),
                manifest,
            })?
        }
    };
    try_out(&coder, directory)?;
    Ok(coder)
}

fn profile(missing: &Missing) -> anyhow::Result<Profile> {
    let path = missing.cleaning.as_ref().context(
        "the model carries no cleaning profile: name the one it was trained with by \
         CODAPE_CLEANING",
    )?;
    Profile::read(path).with_context(|| format!("CODAPE_CLEANING {}", path.display()))
}

fn nomenclature(name: &str) -> anyhow::Result<NomenclatureSource> {
    if let Some(bundled) = NomenclatureSource::bundled(name) {
        return Ok(bundled);
    }
    let own = Nomenclature::read(name).with_context(|| format!("CODAPE_NOMENCLATURE {name}"))?;
    Ok(NomenclatureSource::Own(Box::new(own)))
}

/// Looks whether the codes are those of the nomenclature, and codes the golden
/// declarations that came with the model.
pub fn try_out(coder: &Coder, directory: &Path) -> anyhow::Result<()> {
    let (codes, unknown) = (coder.codes().len(), coder.unknown_codes().count());
    ensure!(
        unknown as f64 <= MOST_UNKNOWN * codes as f64,
        "{unknown} of its {codes} codes are not in the nomenclature {}, such as {:?}: it was \
         trained for another",
        coder.manifest().nomenclature,
        coder.unknown_codes().next().unwrap_or_default(),
    );
    let path = directory.join(GOLDEN_FILE);
    match fs::read_to_string(&path) {
        Ok(json) => Ok(Golden::from_json(&json)?.check(coder)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => bail!("cannot read {}: {error}", path.display()),
    }
}

/// The metrics of a model, as the service tells them.
pub fn metrics(coder: &Coder) -> Metrics {
    coder.metrics().cloned().unwrap_or_default()
}
