//! The coder: a package that is ready to answer.

use std::num::NonZeroUsize;
use std::path::Path;

use codape_fasttext::{Access, Model, ModelName, Prediction, Query};
use codape_nomenclature::Nomenclature;
use codape_text::Cleaner;
use rayon::prelude::*;

use crate::coding::{Coding, Suggestion};
use crate::declaration::{Declaration, LineScratch};
use crate::error::{CodeError, PackageError};
use crate::labels::Labels;
use crate::manifest::Manifest;
use crate::metrics::Metrics;
use crate::package::PackageParts;

/// What is asked of a coder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeOptions {
    suggestions: NonZeroUsize,
}

impl CodeOptions {
    /// Asks for the `suggestions` best codes; a number above the number of
    /// codes asks for all of them.
    ///
    /// # Errors
    ///
    /// [`CodeError::NoSuggestions`] for 0.
    pub fn new(suggestions: usize) -> Result<Self, CodeError> {
        NonZeroUsize::new(suggestions)
            .map(|suggestions| Self { suggestions })
            .ok_or(CodeError::NoSuggestions)
    }

    /// The number of codes that is asked for.
    #[must_use]
    pub fn suggestions(self) -> usize {
        self.suggestions.get()
    }
}

/// Memory that one thread uses again for each declaration.
#[derive(Debug, Default)]
pub struct Scratch {
    line: LineScratch,
    engine: codape_fasttext::Scratch,
}

/// A model package that is ready to answer, from any number of threads.
#[derive(Debug)]
pub struct Coder {
    parts: PackageParts,
    labels: Labels,
}

impl Coder {
    /// Opens the package in the directory `dir`; `access` says how the model's
    /// weights are brought in.
    ///
    /// # Errors
    ///
    /// [`PackageError`], naming the file or the field that is wrong.
    pub fn open(dir: &Path, access: Access) -> Result<Self, PackageError> {
        Self::from_parts(PackageParts::read(dir, access)?)
    }

    /// Makes a coder of parts that are in memory.
    ///
    /// # Errors
    ///
    /// [`PackageError::Manifest`], [`PackageError::NotSupervised`] or
    /// [`PackageError::Label`].
    pub fn from_parts(parts: PackageParts) -> Result<Self, PackageError> {
        let PackageParts {
            manifest,
            model,
            nomenclature,
            ..
        } = &parts;
        manifest.check().map_err(PackageError::Manifest)?;
        if model.header().model != ModelName::Supervised || model.dictionary().label_count() == 0 {
            return Err(PackageError::NotSupervised);
        }
        let labels = Labels::new(model, &manifest.label_prefix, nomenclature.get())?;
        Ok(Self { parts, labels })
    }

    /// What the package says about itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.parts.manifest
    }

    /// The features that a declaration has a value for, in order.
    #[must_use]
    pub fn categorical_features(&self) -> &[String] {
        &self.parts.manifest.categorical_features
    }

    /// The tree that the codes belong to.
    #[must_use]
    pub fn nomenclature(&self) -> &Nomenclature {
        self.parts.nomenclature.get()
    }

    /// The cleaning that the model was trained with.
    #[must_use]
    pub fn cleaner(&self) -> &Cleaner {
        &self.parts.cleaner
    }

    /// The model that answers.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.parts.model
    }

    /// What was measured when the package was made, where it says.
    #[must_use]
    pub fn metrics(&self) -> Option<&Metrics> {
        self.parts.metrics.as_ref()
    }

    /// The codes that the model can suggest, in the model's order.
    pub fn codes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.labels.codes()
    }

    /// The codes of the model that the nomenclature does not know. They are
    /// suggested like the others, without a title: one code that went out of
    /// use must not take a model out of service.
    pub fn unknown_codes(&self) -> impl Iterator<Item = &str> {
        self.labels.unknown()
    }

    /// Suggests codes for one declaration.
    ///
    /// The line is read as fastText reads it: should the cleaning profile leave
    /// a word `</s>` in a text, the model sees nothing behind it.
    ///
    /// # Errors
    ///
    /// [`CodeError`]; never for the text, whatever it holds.
    pub fn code(
        &self,
        declaration: &Declaration<'_>,
        options: CodeOptions,
        scratch: &mut Scratch,
    ) -> Result<Coding<'_>, CodeError> {
        let line = self.make_line(declaration, &mut scratch.line)?;
        let predictions = self
            .parts
            .model
            .predict(line.as_bytes(), &self.query(options), &mut scratch.engine)
            .map_err(CodeError::Predict)?;
        Ok(self.coding(line, &predictions, options))
    }

    /// Suggests codes for many declarations, on all threads of the current
    /// rayon pool. The answers are in the order of the declarations; each is
    /// what [`Coder::code`] gives.
    #[must_use]
    pub fn code_batch(
        &self,
        declarations: &[Declaration<'_>],
        options: CodeOptions,
    ) -> Vec<Result<Coding<'_>, CodeError>> {
        let lines: Vec<Result<String, CodeError>> = declarations
            .par_iter()
            .map_init(LineScratch::default, |scratch, declaration| {
                self.make_line(declaration, scratch)
            })
            .collect();
        let asked: Vec<&str> = lines.iter().flatten().map(String::as_str).collect();
        let answers = self.parts.model.predict_batch(&asked, &self.query(options));
        let mut answers = answers.into_iter();
        lines
            .into_iter()
            .map(|line| {
                let line = line?;
                let predictions = answers
                    .next()
                    .expect("the engine answers each line")
                    .map_err(CodeError::Predict)?;
                Ok(self.coding(line, &predictions, options))
            })
            .collect()
    }

    /// The line that the model sees of `declaration`.
    ///
    /// # Errors
    ///
    /// [`CodeError::FeatureCount`] and [`CodeError::FeatureValue`].
    pub fn line(&self, declaration: &Declaration<'_>) -> Result<String, CodeError> {
        self.make_line(declaration, &mut LineScratch::default())
    }

    fn make_line(
        &self,
        declaration: &Declaration<'_>,
        scratch: &mut LineScratch,
    ) -> Result<String, CodeError> {
        let line = declaration.line(self.categorical_features(), &self.parts.cleaner, scratch)?;
        Ok(line.as_str().to_owned())
    }

    /// Two labels at least, for the confidence index; and not more than there
    /// are, so that nobody can make the engine reserve memory.
    fn query(&self, options: CodeOptions) -> Query {
        let k = options.suggestions().max(2).min(self.labels.len());
        Query::new(k, 0.0).expect("k is at least 1 and the threshold is 0")
    }

    fn coding(&self, line: String, predictions: &[Prediction], options: CodeOptions) -> Coding<'_> {
        let probability = |rank: usize| {
            predictions
                .get(rank)
                .map_or(0.0, |prediction| f64::from(prediction.probability))
        };
        let suggestions = predictions
            .iter()
            .take(options.suggestions())
            .map(|prediction| {
                let (code, entry) = self.labels.get(prediction.label);
                Suggestion {
                    code,
                    entry: entry.and_then(|id| self.nomenclature().entry(id)),
                    probability: prediction.probability,
                }
            })
            .collect();
        Coding {
            line,
            suggestions,
            confidence: probability(0) - probability(1),
        }
    }
}
