//! Log files of the service of 2024.

use std::process::Command;
use std::sync::Arc;

use codape_journal::{
    Archive, CompactSettings, Days, Importer, LineSettings, ModelName, Record, Refusal,
    legacy_line, record_files, time_zone,
};
use codape_testkit::locate;

use super::{World, bytes, records};

fn importer<'a>(archive: &Arc<dyn Archive>, amend: &'a dyn Fn(&mut Record<'_>)) -> Importer<'a> {
    Importer {
        archive: Arc::clone(archive),
        files: CompactSettings::default(),
        lines: LineSettings {
            zone: time_zone("Europe/Paris").unwrap(),
            threshold: 0.8,
            model: ModelName::default(),
        },
        amend,
    }
}

#[test]
fn a_log_file_is_taken_in_once() {
    let world = World::new();
    let archive = world.archive("archive");
    let all = records(0..50);
    let mut log = String::from("INFO:     Uvicorn running on http://0.0.0.0:5000\n");
    for record in &all {
        let stamp = record.time.to_string();
        log += &format!("{stamp} - INFO - main:{}\n", legacy_line(record));
        log += "INFO:     10.0.0.1 - \"GET /predict HTTP/1.1\" 200 OK\r\n";
    }
    log += "2026-02-02 10:00:00 {'Query': {'libelle': 'a'}, 'Respon";
    let path = world.path("log.txt");
    std::fs::write(&path, [log.as_bytes(), b"\n\xff\xfe\n"].concat()).unwrap();
    let amend = |record: &mut Record<'_>| record.levels = vec!["X".into()];
    let imported = importer(&archive, &amend).import(&path).unwrap();
    assert_eq!((imported.lines, imported.records), (103, 50));
    assert_eq!(
        (imported.others, imported.refused, imported.files),
        (51, 2, 3)
    );
    assert_eq!(imported.problems[0].0, 102);
    assert_eq!(imported.problems[1], (103, Refusal::NotUtf8));
    let whole = bytes(&*archive);
    let again = importer(&archive, &amend).import(&path).unwrap();
    assert_eq!(
        (again.records, again.files, again.journal),
        (50, 0, imported.journal)
    );
    assert!(bytes(&*archive) == whole);
    let mut found = Vec::new();
    for file in record_files(&*archive, &Days::default()).unwrap() {
        file.read(&*archive, |entry| {
            assert_eq!(entry.id.journal, imported.journal);
            assert_eq!(entry.record.levels, ["X"]);
            found.push((
                entry.id.sequence,
                entry.record.text.clone().unwrap().into_owned(),
            ));
            Ok(())
        })
        .unwrap();
    }
    found.sort();
    let texts = all
        .iter()
        .map(|record| record.text.clone().unwrap().into_owned());
    assert_eq!(found, (1..).zip(texts).collect::<Vec<_>>());
}

#[test]
fn python_reads_our_lines_as_we_read_its() {
    let Some(python) = locate::python("python_reads_our_lines_as_we_read_its") else {
        return;
    };
    let world = World::new();
    let mut random = fastrand::Rng::with_seed(13);
    let all: Vec<Record<'_>> = (0..500)
        .map(|number| {
            let text: String = (0..random.usize(..40))
                .map(|_| match random.u8(..5) * u8::from(number % 2 == 0) {
                    0 if number % 2 == 1 => {
                        let letters = ['a', 'é', 'Œ', '\'', '"', '\\', '\n', ' ', '€', '\u{a0}'];
                        random.choice(letters).unwrap()
                    }
                    0 => random.char('\0'..='\u{ff}'),
                    1 => *random
                        .choice(&['\'', '"', '\\', '\n', '\u{a0}', '\u{2028}'])
                        .unwrap(),
                    2 => random.char(..),
                    _ => random.char(' '..='~'),
                })
                .collect();
            let mut record = super::record(number);
            record.text = Some(text.into());
            record.confidence_index = random.f64().powi(random.i32(1..60));
            record.suggestions[0].probability = random.f32();
            record
        })
        .collect();
    let ours: Vec<String> = all.iter().map(legacy_line).collect();
    std::fs::write(world.path("ours"), ours.join("\n")).unwrap();
    // Python reads each line, and writes what it read as its own service would.
    let script = "import ast, sys\n\
                  for line in open(sys.argv[1], encoding='utf-8', newline='\\n'):\n    \
                      entry = ast.literal_eval(line)\n    \
                      print('2026-01-31 10:11:12,345 - INFO -', entry)\n";
    let output = Command::new(python)
        .args(["-c", script])
        .arg(world.path("ours"))
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let theirs = String::from_utf8(output.stdout).unwrap();
    let (mut same, mut lines) = (0, 0);
    for ((line, ours), record) in theirs.lines().zip(&ours).zip(&all) {
        lines += 1;
        same += usize::from(line.ends_with(ours.as_str()));
        let settings = importer(&world.archive("none"), &|_| {}).lines.clone();
        let found = codape_journal::parse_legacy_line(line, &settings).unwrap();
        assert_eq!(found[0].text, record.text);
        assert_eq!(found[0].suggestions, record.suggestions);
        assert_eq!(
            found[0].confidence_index.to_bits(),
            record.confidence_index.to_bits()
        );
        assert_eq!(found[0].variables, record.variables);
    }
    assert_eq!(lines, all.len());
    // Some characters that nobody types are escaped by Python alone.
    println!("{same} of {lines} lines are as Python writes them, all mean the same");
    assert!(same >= lines / 2);
}
