//! What is done with an archive: it is checked, viewed, and forgotten.

use std::sync::Arc;

use codape_journal::disk::SystemDisk;
use codape_journal::{
    Archive, CompactSettings, DashboardSettings, Days, Forgotten, PartitionKey, Problem, Verified,
    forget, forgettable, record_files,
};

use super::{World, bytes, expected, records, requests};

fn filled(world: &World) -> Arc<dyn Archive> {
    let archive = world.archive("archive");
    let segments = world.append(&records(0..60));
    world
        .compactor(Arc::clone(&archive))
        .run(&segments)
        .unwrap();
    archive
}

#[test]
fn days_are_forgotten_and_told() {
    let world = World::new();
    let archive = world.archive("archive");
    let compactor = codape_journal::Compactor {
        settings: CompactSettings {
            key: Some(PartitionKey::Caller),
            ..CompactSettings::default()
        },
        ..world.compactor(Arc::clone(&archive))
    };
    compactor.run(&world.append(&records(0..60))).unwrap();
    // What is no partition of a day stays.
    std::fs::create_dir(world.path("archive/date=0000")).unwrap();
    std::fs::write(world.path("archive/date=0000/x.parquet"), b"x").unwrap();
    std::fs::write(world.path("archive/notes"), b"x").unwrap();
    let days = Days::new(None, Some("2026-02-01")).unwrap();
    let planned = forgettable(&*archive, &days).unwrap();
    let mut told: Vec<Forgotten> = Vec::new();
    forget(&*archive, &days, |forgotten| told.push(forgotten.clone())).unwrap();
    assert_eq!(told, planned);
    let partitions: Vec<&str> = told.iter().map(|told| &*told.partition).collect();
    assert_eq!(
        partitions,
        [
            "date=2026-01-31/caller=caller%200/",
            "date=2026-01-31/caller=caller%201/",
            "date=2026-01-31/caller=caller%202/",
        ]
    );
    assert!(
        told.iter()
            .all(|told| (told.files, told.rows, told.unread) == (1, 8, 0))
    );
    assert_eq!(requests(&*archive), expected(24..60));
    assert!(!world.path("archive/date=2026-01-31").exists());
    assert!(world.path("archive/date=0000/x.parquet").exists());
    assert!(world.path("archive/notes").exists());
    assert_eq!(forgettable(&*archive, &days).unwrap(), []);
}

#[test]
fn what_is_wrong_is_found() {
    let world = World::new();
    let archive = filled(&world);
    let verify = || {
        let mut verified = Verified::default();
        verified.segments(&SystemDisk, &world.journal()).unwrap();
        verified.archive(&*archive, &Days::default()).unwrap();
        verified
    };
    let sound = verify();
    assert!(sound.is_sound(), "{:?}", sound.findings);
    assert_eq!((sound.rows, sound.files, sound.records), (60, 3, 0));
    let files = record_files(&*archive, &Days::default()).unwrap();
    // The same file under another name: every record twice.
    let first = world.path("archive").join(&files[0].path);
    let other = first.with_file_name(files[0].path.rsplit('/').next().unwrap().replace(
        "-00000000000000000001.parquet",
        "-00000000000000000002.parquet",
    ));
    std::fs::copy(&first, &other).unwrap();
    let doubled = verify();
    let problems = |what: fn(&Problem) -> bool| {
        let found = doubled.findings.iter();
        found.filter(|finding| what(&finding.problem)).count()
    };
    assert_eq!(
        problems(|problem| matches!(problem, Problem::Doubled(_))),
        24
    );
    assert_eq!(
        problems(|problem| matches!(problem, Problem::Ranges { .. })),
        1
    );
    std::fs::remove_file(&other).unwrap();
    // In the partition of another day.
    let misplaced = world.path("archive").join(&files[1].path);
    std::fs::copy(&first, &misplaced).unwrap();
    assert!(verify().findings.iter().any(|finding| {
        finding.path == files[1].path && matches!(finding.problem, Problem::Misplaced(_))
    }));
    std::fs::write(&misplaced, b"PAR1").unwrap();
    let damaged = verify();
    assert_eq!(damaged.findings.len(), 1);
    assert!(damaged.findings[0].to_string().starts_with(&files[1].path));
    // A segment with a damaged frame, while it is not compacted.
    let segments = world.append(&records(60..70));
    let path = world.journal().join(segments[0].to_string());
    let mut frames = std::fs::read(&path).unwrap();
    let middle = frames.len() / 2;
    frames[middle] ^= 1;
    std::fs::write(&path, frames).unwrap();
    let found = verify();
    let is_damage = |problem: &Problem| matches!(problem, Problem::Damage { .. });
    assert!(
        found
            .findings
            .iter()
            .any(|finding| is_damage(&finding.problem))
    );
    assert_eq!(found.records, 9);
}

#[test]
fn the_view_follows_the_records() {
    let world = World::new();
    let archive = filled(&world);
    let view = world.archive("view");
    let settings = DashboardSettings::default();
    let days = Days::default();
    let viewed = settings.update(&*archive, &*view, &days).unwrap();
    assert_eq!((viewed.files, viewed.written, viewed.rows), (3, 3, 60));
    let paths = |archive: &dyn Archive| -> Vec<String> {
        let listed = archive.list("").unwrap().into_iter();
        listed.map(|file| file.path).collect()
    };
    assert_eq!(paths(&*view), paths(&*archive));
    let whole = bytes(&*view);
    assert_eq!(
        settings.update(&*archive, &*view, &days).unwrap().written,
        0
    );
    // A file that grows, one that is damaged, and one that is missing.
    let [_, second, third] = &*paths(&*view) else {
        panic!("three days are three files");
    };
    std::fs::write(world.path("view").join(second), b"PAR1").unwrap();
    view.remove(&[third]).unwrap();
    assert_eq!(
        settings.update(&*archive, &*view, &days).unwrap().written,
        2
    );
    assert!(bytes(&*view) == whole);
    let segments = world.append(&records(60..61));
    world
        .compactor(Arc::clone(&archive))
        .run(&segments)
        .unwrap();
    let viewed = settings.update(&*archive, &*view, &days).unwrap();
    assert_eq!((viewed.written, viewed.rows), (1, 13));
    let columns = settings.columns();
    assert_eq!(columns.len(), 1 + 6 + 15 + 2);
    assert_eq!(
        columns[7..10],
        [
            "Response.1.code",
            "Response.1.probabilite",
            "Response.1.libelle"
        ]
    );
    assert_eq!(settings.row(&super::record(1)).len(), columns.len());
}
