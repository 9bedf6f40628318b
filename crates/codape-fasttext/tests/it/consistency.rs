//! The engine against itself: one line or many, one thread or several, mapped
//! or read.

use std::path::{Path, PathBuf};

use codape_fasttext::{Access, Model, Prediction, Query, Scratch};
use codape_testkit::reference::Reference;
use codape_testkit::tiny_model::{TINY_WORDS, tiny_model};

/// Small models and the lines to ask them: those of the reference data where
/// it is there, and always the committed ones.
fn models_and_lines(test: &str) -> (Vec<PathBuf>, Vec<Vec<u8>>) {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens");
    let mut models: Vec<_> = ["ova.bin", "hs.bin", "softmax-quantized.ftz"]
        .map(|name| goldens.join(name))
        .into();
    let mut lines: Vec<Vec<u8>> = TINY_WORDS.map(|word| word.as_bytes().to_vec()).into();
    lines.extend([&b""[..], b"\xff\x00\r x", b"a\nb", b"a </s> b"].map(<[u8]>::to_vec));
    if let Some(reference) = Reference::find(test) {
        let supervised = reference
            .models
            .iter()
            .filter(|model| model.kind == "supervised");
        models.extend(supervised.map(|model| reference.folder.join(&model.file)));
        lines.extend(reference.lines.iter().step_by(13).cloned());
    }
    (models, lines)
}

fn bits(found: &[Prediction]) -> Vec<(u32, u32)> {
    found
        .iter()
        .map(|p| (p.label, p.probability.to_bits()))
        .collect()
}

fn one_by_one(model: &Model, lines: &[Vec<u8>], query: &Query) -> Vec<Vec<(u32, u32)>> {
    let mut scratch = Scratch::default();
    let answer = |line: &Vec<u8>| bits(&model.predict(line, query, &mut scratch).unwrap());
    lines.iter().map(answer).collect()
}

fn batch(model: &Model, lines: &[Vec<u8>], query: &Query) -> Vec<Vec<(u32, u32)>> {
    let answers = model.predict_batch(lines, query);
    answers
        .into_iter()
        .map(|found| bits(&found.unwrap()))
        .collect()
}

#[test]
fn a_batch_answers_as_its_lines_do_one_by_one() {
    let (models, lines) =
        models_and_lines("consistency::a_batch_answers_as_its_lines_do_one_by_one");
    for path in models {
        let model = Model::open(&path, Access::Map).unwrap();
        for (k, threshold) in [(10, 0.0), (usize::MAX, 0.002)] {
            let query = Query::new(k, threshold).unwrap();
            let expected = one_by_one(&model, &lines, &query);
            assert_eq!(
                batch(&model, &lines, &query),
                expected,
                "{}",
                path.display()
            );
            // Blocks of every size, the last one short.
            for some in [0, 1, 2, 63, 64, 65, 129] {
                let some = some.min(lines.len());
                assert_eq!(batch(&model, &lines[..some], &query), expected[..some]);
            }
        }
    }
}

#[test]
fn several_threads_share_a_model() {
    let (models, lines) = models_and_lines("consistency::several_threads_share_a_model");
    let query = Query::new(10, 0.0).unwrap();
    for path in models {
        let model = Model::open(&path, Access::Map).unwrap();
        let expected = one_by_one(&model, &lines, &query);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| one_by_one(&model, &lines, &query)))
                .collect();
            for thread in threads {
                assert_eq!(thread.join().unwrap(), expected, "{}", path.display());
            }
        });
    }
}

#[test]
fn a_mapped_model_answers_as_one_that_was_read() {
    let (models, lines) =
        models_and_lines("consistency::a_mapped_model_answers_as_one_that_was_read");
    let query = Query::new(10, 0.0).unwrap();
    for path in models {
        let mapped = Model::open(&path, Access::Map).unwrap();
        let read = Model::open(&path, Access::Read).unwrap();
        assert!(mapped.is_mapped() && !read.is_mapped());
        let expected = one_by_one(&mapped, &lines, &query);
        assert_eq!(one_by_one(&read, &lines, &query), expected);
        let given = Model::from_bytes(std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(one_by_one(&given, &lines, &query), expected);
        for line in &lines[..lines.len().min(100)] {
            assert_eq!(mapped.sentence_vector(line), read.sentence_vector(line));
            assert_eq!(mapped.word_vector(line), read.word_vector(line));
        }
    }
}

#[test]
fn the_first_of_a_longer_answer_have_the_probabilities_of_a_shorter_one() {
    let model = Model::from_bytes(tiny_model(&["__label__a", "__label__b", "__label__c"])).unwrap();
    let lines: Vec<Vec<u8>> = TINY_WORDS.map(|word| word.as_bytes().to_vec()).into();
    let all = one_by_one(&model, &lines, &Query::new(3, 0.0).unwrap());
    let first = one_by_one(&model, &lines, &Query::new(1, 0.0).unwrap());
    for (all, first) in all.iter().zip(first) {
        assert_eq!(all.len(), 3);
        assert_eq!(all[..1], first);
    }
}
