//! Quantization against the official program's.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};

use codape_fasttext::{
    Access, Model, QuantizeError, QuantizeOptions, Query, Retrain, Scratch, TrainOptions,
    TrainingText, train,
};
use codape_testkit::{locate, tiny_model};
use serde_json::{Value, json};

fn quantize(model: &Model, options: &QuantizeOptions) -> Result<Vec<u8>, QuantizeError> {
    let quantized = model.quantize(options, &mut |_| ControlFlow::Continue(()))?;
    Ok(quantized.to_bytes())
}

/// The n-grams that were kept stand in the order of their rows in our files,
/// and in that of a hash table in the reference's: puts them in order.
fn sort_kept_ngrams(file: &mut [u8]) {
    let model = Model::from_bytes(file.to_vec()).unwrap();
    let dictionary = model.dictionary();
    let Some(kept) = dictionary.kept_ngrams() else {
        return;
    };
    let ids = |count: usize| 0..count as u32;
    let words = ids(dictionary.word_count()).map(|id| dictionary.word(id).len());
    let labels = ids(dictionary.label_count()).map(|id| dictionary.label(id).len());
    // A word is ended by a NUL and followed by a count and a type; before all
    // stand the model's head and the counts.
    let entries: usize = words.chain(labels).map(|length| length + 1 + 8 + 1).sum();
    let start = 64 + 28 + entries;
    let pairs = file[start..start + 8 * kept].as_chunks_mut::<8>().0;
    pairs.sort_by_key(|pair| {
        pair.map(u32::from)[4..]
            .iter()
            .rev()
            .fold(0, |n, b| n << 8 | b)
    });
}

struct Job {
    model: &'static str,
    options: QuantizeOptions,
}

fn jobs() -> Vec<Job> {
    let plain = QuantizeOptions::default();
    let job = |model, options| Job { model, options };
    let qnorm = QuantizeOptions {
        qnorm: true,
        ..plain
    };
    let qout = QuantizeOptions {
        qout: true,
        ..plain
    };
    let both = QuantizeOptions {
        qnorm: true,
        ..qout
    };
    let cut = |cutoff, options: &QuantizeOptions| QuantizeOptions {
        cutoff: Some(cutoff),
        ..options.clone()
    };
    let dsub = |dsub, options: &QuantizeOptions| QuantizeOptions {
        dsub,
        ..options.clone()
    };
    vec![
        job("plain-softmax-10", plain.clone()),
        job("both-softmax-37", plain.clone()),
        job("both-softmax-37", dsub(1, &plain)),
        job("both-softmax-37", dsub(7, &qnorm)),
        job("both-softmax-37", dsub(100, &qnorm)),
        job("both-ova-32", qnorm.clone()),
        job("both-ova-32", both.clone()),
        job("both-hs-16", qout.clone()),
        job("both-hs-16", cut(700, &both)),
        job("both-ns-64", dsub(3, &both)),
        job("words5-hs-37", cut(1_000_000, &qnorm)),
        job("chars-softmax-16", cut(256, &qnorm)),
        job("both-softmax-37", cut(1200, &qnorm)),
        job("plain-ova-16", cut(300, &plain)),
    ]
}

#[test]
fn files_are_those_of_the_reference() {
    let test = "quantize::files_are_those_of_the_reference";
    let (Some(data), Some(python)) = (locate::reference(test), locate::python(test)) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |i: usize, whose: &str| folder.path().join(format!("{i}.{whose}.ftz"));
    let mut asked = Vec::new();
    for (i, job) in jobs().iter().enumerate() {
        let file = data.join(format!("{}.bin", job.model));
        let model = Model::open(&file, Access::Map).unwrap();
        let ours = quantize(&model, &job.options)
            .unwrap_or_else(|error| panic!("{} {:?}: {error}", job.model, job.options));
        std::fs::write(path(i, "ours"), ours).unwrap();
        let QuantizeOptions {
            dsub,
            qnorm,
            qout,
            cutoff,
        } = job.options;
        asked.push(json!({
            "model": file,
            "official": path(i, "official"),
            "ours": path(i, "ours"),
            "options": {"dsub": dsub, "qnorm": qnorm, "qout": qout, "cutoff": cutoff.unwrap_or(0)},
            "lines": ["", "coiffure a domicile", "vente de vetements en ligne", "zz yy"],
        }));
    }
    let answers = run(&python, &Value::from(asked));
    assert_eq!(answers.len(), jobs().len());
    for (i, (job, answer)) in jobs().iter().zip(answers).enumerate() {
        let read = |whose| {
            let mut bytes = std::fs::read(path(i, whose)).unwrap();
            sort_kept_ngrams(&mut bytes);
            bytes
        };
        let [ours, theirs] = [read("ours"), read("official")];
        let what = (job.model, &job.options);
        assert_eq!(answer["differing"], 0, "{what:?}");
        assert_eq!(ours.len(), theirs.len(), "{what:?}");
        let differing = ours.iter().zip(&theirs).position(|(a, b)| a != b);
        assert_eq!(differing, None, "{what:?}: the first byte that differs");
    }
}

fn run(python: &Path, jobs: &Value) -> Vec<Value> {
    let script = locate::workspace().join("crates/codape-testkit/python/quantize.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(jobs.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn what_cannot_be_quantized_is_refused() {
    let small = Model::from_bytes(tiny_model(&["__label__a", "__label__b"])).unwrap();
    let error = quantize(&small, &QuantizeOptions::default()).unwrap_err();
    assert!(
        matches!(error, QuantizeError::TooFewRows { rows: 9, .. }),
        "{error}"
    );
    let options = QuantizeOptions {
        dsub: 0,
        ..QuantizeOptions::default()
    };
    let error = quantize(&small, &options).unwrap_err();
    assert!(matches!(error, QuantizeError::Option { .. }), "{error}");
}

#[test]
fn training_again_makes_up_for_what_is_dropped() {
    let mut lines = String::new();
    for i in 0..6000_usize {
        let label = ((i * 2_654_435_761) >> 7) % 3;
        let words = [i % 400, i * 7 % 400, i * 11 % 400].map(|n| format!("w{label}x{n}"));
        lines += &format!("__label__{label} {}\n", words.join(" "));
    }
    let text = TrainingText::from_bytes(lines.clone().into_bytes());
    let options = TrainOptions {
        dim: 8,
        lr: 0.1,
        epoch: 3,
        bucket: 0,
        ..TrainOptions::default()
    };
    let mut go_on = |_: &_| ControlFlow::Continue(());
    let trained = train(&text, &options, &mut go_on).unwrap();
    let model = Model::from_bytes(trained.to_bytes()).unwrap();
    let cut = QuantizeOptions {
        cutoff: Some(300),
        qnorm: true,
        ..QuantizeOptions::default()
    };
    let retrain_options = TrainOptions {
        epoch: 10,
        ..options
    };
    let mut phases = 0;
    let mut observer = |_: &_| {
        phases += 1;
        ControlFlow::Continue(())
    };
    let retrain = Retrain {
        text: &text,
        options: &retrain_options,
        observer: &mut observer,
    };
    let quantized = model
        .quantize_and_retrain(&cut, retrain, &mut |_| ControlFlow::Continue(()))
        .unwrap();
    assert!(phases > 0);
    let again = Model::from_bytes(quantized.to_bytes()).unwrap();
    assert_eq!(again.dictionary().word_count(), 300);
    assert_eq!(again.header().epoch, 10);
    let once = Model::from_bytes(quantize(&model, &cut).unwrap()).unwrap();
    // The loss that training lowers.
    let loss = |model: &Model| {
        let query = Query::new(3, 0.0).unwrap();
        let of_line = |line: &str| {
            let found = model
                .predict(line.as_bytes(), &query, &mut Scratch::default())
                .unwrap();
            let label = line.split(' ').next().unwrap().as_bytes();
            let right = found.iter().find(|best| model.label(best.label) == label);
            -right.unwrap().probability.ln()
        };
        lines.lines().map(of_line).sum::<f32>() / lines.lines().count() as f32
    };
    let [again, once] = [&again, &once].map(loss);
    assert!(again < once, "{again} {once}");
}
