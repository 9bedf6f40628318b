//! Files that contradict themselves: each is refused, and the error names the
//! field and where it is.

use codape_fasttext::{FormatError, Model};
use codape_testkit::model_spec::{Loss, ModelSpec, Written};
use codape_testkit::tiny_model::{tiny_model, tiny_spec};

/// The most that opening small hostile files may add to the memory of the
/// process, in kB.
const MEMORY_KB: u64 = 32 * 1024;

/// A way to spoil a file.
type Change = fn(&mut ModelSpec);
/// What is changed, the field that the error names, and the field of the
/// written file that it points at.
type Case = (Change, &'static str, &'static str);

fn dense() -> ModelSpec {
    tiny_spec(&["__label__a", "__label__b", "__label__c"]).with_ngrams(20, 2, (2, 4))
}

fn bare() -> ModelSpec {
    tiny_spec(&["__label__a", "__label__b", "__label__c"])
}

fn quantized() -> ModelSpec {
    dense()
        .with_quantized_input(3, true)
        .with_quantized_output(true)
}

fn pruned() -> ModelSpec {
    dense()
        .with_pruned_buckets(&[19, 0, 7])
        .with_quantized_input(2, false)
}

/// Opens the file, which must be refused for `field` at the place of `at`.
fn refused(written: &Written, field: &str, at: &str) {
    let error = match Model::from_bytes(written.bytes.clone()) {
        Ok(_) => panic!("opened, spoilt in {at}"),
        Err(error) => error,
    };
    let text = error.to_string();
    let offset = written.field(at).offset;
    assert!(
        text.contains(&format!("{field} at offset {offset} ")),
        "expected {field} at offset {offset}: {text}"
    );
}

fn refuse_all(base: fn() -> ModelSpec, cases: &[Case]) {
    Model::from_bytes(base().to_bytes()).unwrap();
    for (change, field, at) in cases {
        let mut spec = base();
        change(&mut spec);
        refused(&spec.write(), field, at);
    }
}

#[test]
fn the_head_is_checked() {
    refuse_all(
        dense,
        &[
            (|s| s.version = 10, "version", "version"),
            (|s| s.version = 13, "version", "version"),
            (|s| s.version = i32::MIN, "version", "version"),
            (|s| s.args.dim = 0, "args.dim", "args.dim"),
            (|s| s.args.dim = -4, "args.dim", "args.dim"),
            (|s| s.args.dim = i32::MIN, "args.dim", "args.dim"),
            (|s| s.args.dim = 5, "input.n", "input.n"),
            (|s| s.args.dim = i32::MAX, "input.n", "input.n"),
            (
                |s| s.args.word_ngrams = -1,
                "args.wordNgrams",
                "args.wordNgrams",
            ),
            (
                |s| s.args.word_ngrams = i32::MIN,
                "args.wordNgrams",
                "args.wordNgrams",
            ),
            (
                |s| s.args.word_ngrams = i32::MAX,
                "args.wordNgrams",
                "args.wordNgrams",
            ),
            (|s| s.args.loss = 0, "args.loss", "args.loss"),
            (|s| s.args.loss = 5, "args.loss", "args.loss"),
            (|s| s.args.model = 0, "args.model", "args.model"),
            (|s| s.args.model = 4, "args.model", "args.model"),
            (|s| s.args.bucket = -1, "args.bucket", "args.bucket"),
            (|s| s.args.bucket = 0, "args.bucket", "args.bucket"),
            (|s| s.args.bucket = 21, "input.m", "input.m"),
            (|s| s.args.bucket = i32::MAX, "input.m", "input.m"),
            (|s| s.args.minn = -1, "args.minn", "args.minn"),
            (|s| s.args.minn = 5, "args.minn", "args.minn"),
            (|s| s.args.maxn = -1, "args.maxn", "args.maxn"),
            (|s| s.args.maxn = i32::MAX, "args.maxn", "args.maxn"),
        ],
    );
}

#[test]
fn the_dictionary_is_checked() {
    refuse_all(
        bare,
        &[
            (
                |s| s.dictionary.size = -1,
                "dictionary.size",
                "dictionary.size",
            ),
            (
                |s| s.dictionary.size = i32::MAX,
                "dictionary.nlabels",
                "dictionary.nlabels",
            ),
            (
                |s| s.dictionary.nwords = -1,
                "dictionary.nwords",
                "dictionary.nwords",
            ),
            (
                |s| s.dictionary.nwords = 13,
                "dictionary.nwords",
                "dictionary.nwords",
            ),
            (
                |s| s.dictionary.nwords = 8,
                "dictionary.nlabels",
                "dictionary.nlabels",
            ),
            (
                |s| s.dictionary.nlabels = -3,
                "dictionary.nlabels",
                "dictionary.nlabels",
            ),
            (
                |s| s.dictionary.nlabels = i32::MAX,
                "dictionary.nlabels",
                "dictionary.nlabels",
            ),
            (
                |s| s.dictionary.ntokens = -1,
                "dictionary.ntokens",
                "dictionary.ntokens",
            ),
            (
                |s| {
                    s.dictionary.size = i32::MAX;
                    s.dictionary.nlabels = i32::MAX - 9;
                },
                "dictionary.size",
                "dictionary.size",
            ),
            (
                |s| s.dictionary.pruneidx_size = -2,
                "dictionary.pruneidx_size",
                "dictionary.pruneidx_size",
            ),
            (
                |s| s.dictionary.pruneidx_size = i64::MAX,
                "dictionary.pruneidx_size",
                "dictionary.pruneidx_size",
            ),
            (
                |s| s.dictionary.entries[3].count = -1,
                "dictionary.count",
                "dictionary.entries[3].count",
            ),
            (
                |s| s.dictionary.entries[3].kind = 2,
                "dictionary.type",
                "dictionary.entries[3].kind",
            ),
            (
                |s| s.dictionary.entries[3].kind = 1,
                "dictionary.type",
                "dictionary.entries[3].kind",
            ),
            (
                |s| s.dictionary.entries[9].kind = 0,
                "dictionary.type",
                "dictionary.entries[9].kind",
            ),
        ],
    );
}

#[test]
fn a_pruned_dictionary_is_checked() {
    refuse_all(
        pruned,
        &[
            (
                |s| s.dictionary.pruneidx_size = 21,
                "dictionary.pruneidx_size",
                "dictionary.pruneidx_size",
            ),
            (
                |s| s.dictionary.pruneidx[1].0 = 20,
                "dictionary.pruneidx",
                "dictionary.pruneidx[1].bucket",
            ),
            (
                |s| s.dictionary.pruneidx[1].0 = -1,
                "dictionary.pruneidx",
                "dictionary.pruneidx[1].bucket",
            ),
            (
                |s| s.dictionary.pruneidx[1].0 = 19,
                "dictionary.pruneidx",
                "dictionary.pruneidx[1].bucket",
            ),
            (
                |s| s.dictionary.pruneidx[2].1 = 3,
                "dictionary.pruneidx",
                "dictionary.pruneidx[2].row",
            ),
            (
                |s| s.dictionary.pruneidx[2].1 = -1,
                "dictionary.pruneidx",
                "dictionary.pruneidx[2].row",
            ),
            (|s| s.quant_input = 0, "quant_input", "quant_input"),
        ],
    );
}

#[test]
fn dense_matrices_are_checked() {
    fn set(matrix: &mut codape_testkit::model_spec::MatrixSpec, m: i64, n: i64) {
        if let codape_testkit::model_spec::MatrixSpec::Dense { rows, cols, .. } = matrix {
            *rows = if m == 0 { *rows } else { m };
            *cols = if n == 0 { *cols } else { n };
        }
    }
    refuse_all(
        dense,
        &[
            (|s| s.quant_input = 2, "quant_input", "quant_input"),
            (|s| set(&mut s.input, 30, 0), "input.m", "input.m"),
            (|s| set(&mut s.input, -1, 0), "input.m", "input.m"),
            (|s| set(&mut s.input, i64::MAX, 0), "input.m", "input.m"),
            (|s| set(&mut s.input, 0, 3), "input.n", "input.n"),
            (|s| set(&mut s.input, 0, i64::MIN), "input.n", "input.n"),
            (|s| s.qout = 7, "qout", "qout"),
            (|s| set(&mut s.output, 4, 0), "output.m", "output.m"),
            (|s| set(&mut s.output, i64::MAX, 0), "output.m", "output.m"),
            (|s| set(&mut s.output, 0, 1), "output.n", "output.n"),
        ],
    );
}

#[test]
fn quantized_matrices_are_checked() {
    refuse_all(
        quantized,
        &[
            (
                |s| s.input.quantized_mut().qnorm = 2,
                "input.qnorm",
                "input.qnorm",
            ),
            (|s| s.input.quantized_mut().rows = 28, "input.m", "input.m"),
            (|s| s.input.quantized_mut().cols = 5, "input.n", "input.n"),
            (
                |s| s.input.quantized_mut().codesize = -1,
                "input.codesize",
                "input.codesize",
            ),
            (
                |s| s.input.quantized_mut().codesize = i32::MAX,
                "input.codes",
                "input.codes",
            ),
            (
                |s| s.input.quantized_mut().quantizer.dim = 3,
                "input.pq.dim",
                "input.pq.dim",
            ),
            (
                |s| s.input.quantized_mut().quantizer.nsubq = 0,
                "input.pq.nsubq",
                "input.pq.nsubq",
            ),
            (
                |s| s.input.quantized_mut().quantizer.nsubq = i32::MIN,
                "input.pq.nsubq",
                "input.pq.nsubq",
            ),
            (
                |s| s.input.quantized_mut().quantizer.dsub = 0,
                "input.pq.dsub",
                "input.pq.dsub",
            ),
            (
                |s| s.input.quantized_mut().quantizer.dsub = -2,
                "input.pq.dsub",
                "input.pq.dsub",
            ),
            (
                |s| s.input.quantized_mut().quantizer.lastdsub = 3,
                "input.pq.lastdsub",
                "input.pq.lastdsub",
            ),
            (
                |s| s.input.quantized_mut().quantizer.centroids[0] = f32::NAN,
                "input.pq.centroids",
                "input.pq.centroids",
            ),
            (|s| npq(s).dim = 2, "input.npq.dim", "input.npq.dim"),
            (|s| npq(s).dsub = 0, "input.npq.dsub", "input.npq.dsub"),
            (
                |s| npq(s).centroids[0] = f32::INFINITY,
                "input.npq.centroids",
                "input.npq.centroids",
            ),
            (
                |s| s.output.quantized_mut().rows = 4,
                "output.m",
                "output.m",
            ),
            (
                |s| s.output.quantized_mut().quantizer.dsub = i32::MIN,
                "output.pq.dsub",
                "output.pq.dsub",
            ),
        ],
    );
}

fn npq(spec: &mut ModelSpec) -> &mut codape_testkit::model_spec::QuantizerSpec {
    let norms = &mut spec.input.quantized_mut().norms;
    &mut norms.as_mut().expect("the model has norms").1
}

#[test]
fn a_code_size_that_is_not_that_of_the_rows_is_refused() {
    let mut spec = quantized();
    let matrix = spec.input.quantized_mut();
    matrix.codesize -= 2;
    matrix.codes.truncate(matrix.codesize as usize);
    refused(&spec.write(), "input.codesize", "input.codesize");
}

#[test]
fn a_weight_of_the_output_that_is_not_finite_is_told_with_its_place() {
    for loss in Loss::ALL {
        let mut spec = bare().with_loss(loss);
        spec.output.dense_mut()[5] = f32::NEG_INFINITY;
        let written = spec.write();
        let offset = written.field("output.data").offset + 5 * 4;
        let error = Model::from_bytes(written.bytes).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("output.data at offset {offset} is -inf")),
            "{error}"
        );
    }
}

#[test]
fn counts_that_are_no_tree_are_refused() {
    let mut spec = bare().with_loss(Loss::HierarchicalSoftmax);
    for entry in &mut spec.dictionary.entries[9..] {
        entry.count = i64::MAX / 2;
    }
    let error = Model::from_bytes(spec.to_bytes()).unwrap_err().to_string();
    assert!(error.contains("dictionary.count"), "{error}");
}

#[test]
fn an_end_inside_any_field_is_told_with_the_field() {
    for spec in [dense(), quantized(), pruned()] {
        let written = spec.write();
        for field in written.fields.iter().filter(|field| field.offset >= 4) {
            // Cut before the field, and inside it.
            for length in [field.offset, field.offset + field.len - 1] {
                let error = Model::from_bytes(written.bytes[..length].to_vec()).unwrap_err();
                let FormatError::Truncated {
                    field: named,
                    offset,
                    ..
                } = error
                else {
                    panic!("{} cut at {length}: {error}", field.name);
                };
                let part = field.name.split(['[', '.']).next().unwrap();
                assert!(named.starts_with(part), "{named} for {}", field.name);
                assert!(offset <= length);
            }
        }
    }
}

#[test]
fn files_of_other_kinds_are_told_by_their_looks() {
    for (start, guess) in [
        (&b""[..], "empty"),
        (b"PK\x03\x04rest", "zip"),
        (b"\x1f\x8b\x08\x00rest", "gzip"),
        (b"\x80\x04\x95\x00rest", "pickle"),
        (b"<!DOCTYPE html>", "web page"),
        (b"version https", "LFS"),
        (b"\xba\x16\x4f", "starts with"),
        (b"12 100\nword 0.1", "starts with"),
    ] {
        let error = Model::from_bytes(start.to_vec()).unwrap_err().to_string();
        assert!(error.contains(guess), "{}: {error}", start.escape_ascii());
    }
}

#[test]
fn a_file_is_named_in_the_error_and_a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.bin");
    std::fs::write(&path, &tiny_model(&["__label__a"])[..50]).unwrap();
    for access in [codape_fasttext::Access::Map, codape_fasttext::Access::Read] {
        let error = Model::open(&path, access).unwrap_err();
        assert!(error.to_string().contains("cut.bin"), "{error}");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("cut short"), "{source}");
        assert!(Model::open(folder.path(), access).is_err());
        assert!(Model::open(folder.path().join("none.bin"), access).is_err());
    }
    #[cfg(unix)]
    {
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        if made.is_ok_and(|status| status.success()) {
            assert!(Model::open(&pipe, codape_fasttext::Access::Read).is_err());
        }
    }
}

/// Small files whose fields promise gigabytes.
fn promises() -> Vec<ModelSpec> {
    let mut specs = Vec::new();
    let mut add = |base: ModelSpec, change: Change| {
        let mut spec = base;
        change(&mut spec);
        specs.push(spec);
    };
    add(dense(), |s| s.args.dim = i32::MAX);
    add(dense(), |s| {
        s.dictionary.size = i32::MAX;
        s.dictionary.nlabels = i32::MAX - 9;
    });
    add(dense(), |s| s.args.bucket = i32::MAX);
    add(quantized(), |s| s.input.quantized_mut().codesize = i32::MAX);
    add(quantized(), |s| {
        s.input.quantized_mut().quantizer.dim = i32::MAX;
    });
    add(pruned(), |s| {
        s.args.bucket = i32::MAX;
        s.dictionary.pruneidx_size = i64::from(i32::MAX);
    });
    add(quantized(), |s| s.output.quantized_mut().rows = i64::MAX);
    // No word, no label: no row says how many numbers there really are.
    for dim in [i32::MAX, 1 << 28] {
        let mut empty = ModelSpec::supervised(&[], &[], 1);
        empty.args.dim = dim;
        for matrix in [&mut empty.input, &mut empty.output] {
            if let codape_testkit::model_spec::MatrixSpec::Dense { cols, .. } = matrix {
                *cols = i64::from(dim);
            }
        }
        specs.push(empty);
    }
    specs
}

/// The most memory that this process ever had, in kB; `None` where the system
/// does not tell.
fn peak_memory_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Runs alone in a process of its own, where nothing else takes memory.
#[test]
#[ignore = "a part of nothing_is_allocated_from_a_headers_word_alone"]
fn memory_of_promises() {
    let before = peak_memory_kb();
    for spec in promises() {
        if let Ok(model) = Model::from_bytes(spec.to_bytes()) {
            let query = codape_fasttext::Query::new(5, 0.0).unwrap();
            let _ = model.predict(b"coiffure", &query, &mut Default::default());
            let _ = model.sentence_vector(b"coiffure");
        }
    }
    if let (Some(before), Some(after)) = (before, peak_memory_kb()) {
        assert!(after - before < MEMORY_KB, "{} kB more", after - before);
    }
}

#[test]
fn nothing_is_allocated_from_a_headers_word_alone() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hostile::memory_of_promises", "--ignored"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}"
    );
}
