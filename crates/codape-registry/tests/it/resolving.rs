//! Names against a real tracking server.

use codape_registry::{Mlflow, ModelUri, RegistryError, Resolved, resolve};
use serde_json::json;

use crate::mlflow_server::Server;

async fn ask(client: &Mlflow, uri: &str) -> Result<Resolved, RegistryError> {
    resolve(&uri.parse().unwrap(), Some(client)).await
}

/// The number of the version that a name means.
async fn version_of(client: &Mlflow, uri: &str) -> String {
    let found = ask(client, uri).await.unwrap();
    found.version.unwrap().version
}

#[tokio::test]
async fn versions_stages_and_aliases_are_found() {
    let test = "resolving::versions_stages_and_aliases_are_found";
    let Some(server) = Server::start(test) else {
        return;
    };
    let client = Mlflow::new(&server.address, None).unwrap();
    let [run, artifacts] = server.make_run().await;
    server
        .post("registered-models/create", json!({"name": "FastText-APE"}))
        .await;
    let source = format!("{artifacts}/model");
    for expected in ["1", "2", "3"] {
        assert_eq!(
            server.register("FastText-APE", &source, &run).await,
            expected
        );
    }
    for (version, stage) in [("2", "Production"), ("3", "Staging")] {
        let question = json!({"name": "FastText-APE", "version": version, "stage": stage,
            "archive_existing_versions": false});
        server
            .post("model-versions/transition-stage", question)
            .await;
    }
    let alias = json!({"name": "FastText-APE", "alias": "champion", "version": "1"});
    server.post("registered-models/alias", alias).await;

    for (uri, version) in [
        ("models:/FastText-APE/1", "1"),
        ("models:/FastText-APE/Production", "2"),
        ("models:/FastText-APE/production", "2"),
        ("models:/FastText-APE/Staging", "3"),
        ("models:/FastText-APE/latest", "3"),
        ("models:/FastText-APE@champion", "1"),
    ] {
        assert_eq!(version_of(&client, uri).await, version, "{uri}");
    }
    let found = ask(&client, "models:/FastText-APE/Production")
        .await
        .unwrap();
    let ModelUri::Proxied { path } = &found.location else {
        panic!("{found:?}");
    };
    assert!(path.ends_with(&format!("{run}/artifacts/model")), "{path}");
    let version = found.version.unwrap();
    assert_eq!((&*version.name, &*version.run_id), ("FastText-APE", &*run));
    assert_eq!(
        (&*version.current_stage, &*version.status),
        ("Production", "READY")
    );
    assert!(version.creation_timestamp > 1_600_000_000_000);

    let found = ask(&client, &format!("runs:/{run}/model")).await.unwrap();
    assert_eq!((found.location.to_string(), found.version), (source, None));
    let run = client.run(&run).await.unwrap();
    assert_eq!(run.metrics, [("accuracy".to_owned(), 0.8125)]);
    assert_eq!(run.params[0].1, "['liasse_type', 'activ_nat_et']");
    assert!(run.tags.contains(&("kind".to_owned(), "test".to_owned())));

    for missing in [
        "models:/FastText-APE/9",
        "models:/FastText-APE/Archived",
        "models:/FastText-APE@challenger",
        "models:/another/latest",
    ] {
        let error = ask(&client, missing).await.unwrap_err();
        let is_told =
            matches!(&error, RegistryError::NotFound { uri, .. } if uri.to_string() == missing);
        assert!(is_told, "{missing}: {error:?}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn what_needs_no_server_asks_none() {
    for uri in ["/srv/package", "s3://models/ape/7"] {
        let found = resolve(&uri.parse().unwrap(), None).await.unwrap();
        assert_eq!(
            (found.location.to_string(), found.version),
            (uri.to_owned(), None)
        );
    }
    let error = resolve(&"models:/ape/7".parse().unwrap(), None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("MLFLOW_TRACKING_URI"), "{error}");
}
