//! The configuration file of the service.

use std::fs;

use crate::codape;

/// What `codape config show` prints of an option, with a file of this text.
fn shown(text: &str, option: &str, env: &[(&str, &str)]) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codape.toml");
    fs::write(&file, text).unwrap();
    let output = codape()
        .args(["config", "show"])
        .env("CODAPE_CONFIG", &file)
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!printed.contains("s3cr3t"), "{printed}");
    let line = printed
        .lines()
        .find(|line| line.split_whitespace().next() == Some(option));
    let words = line.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    words.ok_or(told)
}

#[test]
fn the_environment_goes_before_the_file_and_that_before_the_default() {
    let text = "poll_seconds = 5\nmodel = \"models:/ape@champion\"\nfeatures = [\"a\", \"b\"]\n";
    let of = |option, env| shown(text, option, env).unwrap();
    assert_eq!(of("poll-seconds", &[]), "poll-seconds 5 the file");
    let env = [("CODAPE_POLL_SECONDS", "7")];
    assert_eq!(
        of("poll-seconds", &env),
        "poll-seconds 7 CODAPE_POLL_SECONDS"
    );
    assert_eq!(of("model", &[]), "model models:/ape@champion the file");
    assert_eq!(of("features", &[]), "features a,b the file");
    assert_eq!(of("listen", &[]), "listen 127.0.0.1:8000 the default");
    // Another place of the model takes the place of that in the file.
    let env = [("MLFLOW_MODEL_NAME", "other")];
    assert_eq!(of("model", &env), "model not set");
    let env = [("AWS_SECRET_ACCESS_KEY", "s3cr3t")];
    let line = "AWS_SECRET_ACCESS_KEY … AWS_SECRET_ACCESS_KEY";
    assert_eq!(of("AWS_SECRET_ACCESS_KEY", &env), line);
}

#[test]
fn a_file_that_cannot_be_used_is_told() {
    for (text, said) in [
        ("pol_seconds = 5", "no option of codape serve"),
        ("poll-seconds = {a = 1}", "poll-seconds has no such values"),
        ("poll-seconds", "is no TOML"),
        ("poll-seconds = \"often\"", "invalid value 'often'"),
    ] {
        let told = shown(text, "poll-seconds", &[]).unwrap_err();
        assert!(told.contains(said), "{text}: {told}");
    }
}
