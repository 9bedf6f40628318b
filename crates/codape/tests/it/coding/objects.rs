//! Files in S3, of a real server.

use codape_testkit::servers::S3;

use super::Folder;
use crate::codape;

#[test]
fn objects_of_s3_are_read_and_written() {
    let Some(s3) = S3::start("objects_of_s3_are_read_and_written") else {
        return;
    };
    s3.make_bucket("declarations");
    let folder = Folder::new();
    let code = |more: &[&str]| {
        let mut command = codape();
        command
            .args(folder.arguments(more))
            .envs(s3.env())
            .env("XDG_CACHE_HOME", folder.path("cache"));
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.success(), said)
    };
    let input = folder.write("in.csv", "libelle,n\ncoiffure,1\nvente\nboulangerie,2\n");
    // Into S3, with the refused rows beside.
    for name in ["2024-a", "2024-b", "2025-a"] {
        let to = format!("s3://declarations/in/{name}.parquet");
        let (is_right, said) = code(&[&input, "-o", &to, "-k", "1"]);
        assert!(is_right, "{said}");
        assert!(said.contains(&format!("{to}.refused.csv")), "{said}");
    }
    // Out of S3, two that match a pattern.
    let output = folder.path("out.csv");
    let pattern = "s3://declarations/in/2024-*.parquet";
    let (is_right, said) = code(&[pattern, "-o", &output, "--prefix", "b_"]);
    assert!(is_right, "{said}");
    assert_eq!(folder.read("out.csv").lines().count(), 1 + 4);
    // From there to there, one of each.
    let to = "s3://declarations/out/";
    let (is_right, said) = code(&[pattern, "-o", to, "--prefix", "b_", "--to", "csv"]);
    assert!(is_right, "{said}");
    let (is_right, said) = code(&[
        "s3://declarations/out/2024-b.csv",
        "-o",
        &output,
        "--prefix",
        "c_",
    ]);
    assert!(is_right, "{said}");
    assert_eq!(folder.read("out.csv").lines().count(), 1 + 2);
    // Nothing stays in the cache.
    let left = std::fs::read_dir(folder.file("cache/codape/batch")).unwrap();
    assert_eq!(left.count(), 0);
    let (is_right, said) = code(&["s3://declarations/in/absent.csv", "-o", &output]);
    assert!(
        !is_right && said.contains("there is no s3://declarations/in/absent.csv"),
        "{said}"
    );
}
