//! What the meter measures against the official program's.

use std::process::Command;

use codape_fasttext::{Access, Counts, Meter, Model, Of, Query, Scores};
use codape_testkit::locate;
use serde_json::Value;

#[test]
fn shares_are_those_of_the_reference() {
    let test = "meter::shares_are_those_of_the_reference";
    let (Some(data), Some(python)) = (locate::reference(test), locate::python(test)) else {
        return;
    };
    let text = data.join("wide.txt");
    let bytes = std::fs::read(&text).unwrap();
    // Its last line has a newline too.
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    for (file, k, threshold) in [
        ("both-softmax-37.bin", 1, 0.0),
        ("both-hs-16.bin", 5, 0.01),
        ("q-cut-ova-16.ftz", 3, 0.3),
    ] {
        let model = Model::open(data.join(file), Access::Map).unwrap();
        let mut meter = Meter::new(model.dictionary().label_count(), Scores::Dropped);
        let query = Query::new(k, threshold).unwrap();
        model.test(&lines, &query, &mut meter).unwrap();
        let output = Command::new(&python)
            .arg(locate::workspace().join("crates/codape-testkit/python/meter.py"))
            .args([data.join(file), text.clone()])
            .args([k.to_string(), threshold.to_string()])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        let expected: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(expected["examples"], meter.examples(), "{file}");
        assert!(meter.examples() > 1000, "{file}");
        let all = meter.counts(Of::All);
        assert_eq!(expected["precision"], Value::from(all.precision()));
        assert_eq!(expected["recall"], Value::from(all.recall()));
        let labels = expected["labels"].as_object().unwrap();
        assert_eq!(labels.len(), model.dictionary().label_count());
        for id in 0..labels.len() as u32 {
            let label = String::from_utf8_lossy(model.label(id)).into_owned();
            let counts: Counts = meter.counts(Of::Label(id));
            let found = [counts.precision(), counts.recall(), counts.f1()];
            assert_eq!(
                labels[&label],
                Value::from(found.to_vec()),
                "{file} {label}"
            );
        }
    }
}
