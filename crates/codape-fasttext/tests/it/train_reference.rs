//! What we train beside the official program: it opens our files and answers
//! as we do, and both make the same dictionary of a text.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use codape_fasttext::{
    Access, Dictionary, LossName, Model, QuantizeOptions, Query, Scratch, TrainOptions,
    TrainingText, continue_training, train,
};
use codape_testkit::locate;

const LOSSES: [LossName; 4] = [
    LossName::Softmax,
    LossName::OneVsAll,
    LossName::HierarchicalSoftmax,
    LossName::NegativeSampling,
];

fn python(interpreter: &Path, arguments: &[&str], paths: &[&Path]) -> String {
    let output = Command::new(interpreter)
        .arg(locate::workspace().join("crates/codape-testkit/python/training.py"))
        .args(&arguments[..1])
        .args(paths)
        .args(&arguments[1..])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    String::from_utf8(output.stdout).unwrap()
}

/// The labelled lines that the reference models were trained on.
fn labelled_lines(test: &str) -> Option<(PathBuf, PathBuf)> {
    let (data, interpreter) = (locate::reference(test)?, locate::python(test)?);
    Some((data.join("wide.txt"), interpreter))
}

fn options(loss: LossName) -> TrainOptions {
    TrainOptions {
        loss,
        dim: 24,
        lr: 0.3,
        epoch: 3,
        min_count: 2,
        word_ngrams: 2,
        minn: 2,
        maxn: 4,
        bucket: 20_000,
        threads: NonZeroUsize::new(2).unwrap(),
        ..TrainOptions::default()
    }
}

fn go_on(_: &codape_fasttext::TrainProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn the_official_program_answers_as_we_do_with_our_files() {
    let test = "train_reference::the_official_program_answers_as_we_do_with_our_files";
    let Some((text, interpreter)) = labelled_lines(test) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let lines = std::fs::read(&text).unwrap();
    let lines = lines.split_inclusive(|byte| *byte == b'\n');
    let lines: Vec<&[u8]> = lines.step_by(7).take(400).collect();
    let questions = folder.path().join("questions.txt");
    std::fs::write(&questions, lines.concat()).unwrap();

    let training = TrainingText::open(&text).unwrap();
    let mut paths = Vec::new();
    for loss in LOSSES {
        let name = loss.as_str();
        let trained = train(&training, &options(loss), &mut go_on).unwrap();
        let dense = folder.path().join(format!("{name}.bin"));
        trained.save(&dense).unwrap();
        let model = Arc::new(Model::open(&dense, Access::Map).unwrap());

        let quantized = folder.path().join(format!("{name}.ftz"));
        let options = QuantizeOptions {
            qnorm: true,
            cutoff: Some(3000),
            ..QuantizeOptions::default()
        };
        let small = model
            .quantize(&options, &mut |_| ControlFlow::Continue(()))
            .unwrap();
        small.save(&quantized).unwrap();

        let more = TrainingText::from_bytes(b"__label__new zebra okapi\n".repeat(30));
        let mut added = self::options(loss);
        added.lr = 0.05;
        let further = continue_training(model, &more, &added, &mut go_on).unwrap();
        let extended = folder.path().join(format!("{name}-extended.bin"));
        further.save(&extended).unwrap();
        paths.extend([dense, quantized, extended]);
    }
    let asked: Vec<&Path> = std::iter::once(questions.as_path())
        .chain(paths.iter().map(PathBuf::as_path))
        .collect();
    let told = python(&interpreter, &["predict"], &asked);
    let query = Query::new(5, 0.0).unwrap();
    let mut compared = 0;
    for (path, told) in paths.iter().zip(told.lines()) {
        let model = Model::open(path, Access::Map).unwrap();
        let expected: Vec<Vec<(f32, String)>> = serde_json::from_str(told).unwrap();
        assert_eq!(expected.len(), lines.len());
        for (line, expected) in lines.iter().zip(&expected) {
            let found = model.predict(line, &query, &mut Scratch::default());
            let found: Vec<(f32, String)> = found
                .unwrap()
                .iter()
                .map(|best| {
                    let label = String::from_utf8(model.label(best.label).to_vec()).unwrap();
                    (best.probability, label)
                })
                .collect();
            assert_eq!(&found, expected, "{} {line:?}", path.display());
            compared += found.len();
        }
    }
    assert!(compared > 10_000, "{compared}");
}

fn entries(dictionary: &Dictionary) -> Vec<Vec<u8>> {
    let words = (0..dictionary.word_count() as u32).map(|id| dictionary.word(id).to_vec());
    let labels = (0..dictionary.label_count() as u32).map(|id| dictionary.label(id).to_vec());
    words.chain(labels).collect()
}

#[test]
fn a_text_makes_the_dictionary_of_the_reference_in_its_order() {
    let test = "train_reference::a_text_makes_the_dictionary_of_the_reference_in_its_order";
    let Some((text, interpreter)) = labelled_lines(test) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let training = TrainingText::open(&text).unwrap();
    for (min_count, min_count_label) in [(1, 0), (2, 0), (4, 5)] {
        let official = folder.path().join("official.bin");
        python(
            &interpreter,
            &[
                "train",
                "epoch=1",
                "dim=50",
                "minn=3",
                "maxn=3",
                "bucket=100000",
                // With fewer than 10 it leaves a part of its matrix as the
                // memory was, which may be no numbers.
                "thread=10",
                &format!("minCount={min_count}"),
                &format!("minCountLabel={min_count_label}"),
            ],
            &[&text, &official],
        );
        let official = Model::open(&official, Access::Map).unwrap();
        let options = TrainOptions {
            min_count,
            min_count_label,
            epoch: 1,
            dim: 2,
            ..TrainOptions::default()
        };
        let ours = train(&training, &options, &mut go_on).unwrap();
        let (ours, official) = (ours.dictionary(), official.dictionary());
        assert_eq!(ours.token_count(), official.token_count());
        assert_eq!(ours.label_counts(), official.label_counts());
        assert!(entries(ours) == entries(official), "minCount {min_count}");
        assert!(ours.word_count() > 100);
    }
}
