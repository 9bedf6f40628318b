//! `codape serve` from its start to its stop.

use serde_json::Value;

use crate::codape;
use crate::running::Service;

#[test]
fn the_bundled_package_is_served_until_sigterm() {
    let mut service = Service::start(&mut codape());
    let (status, body) = service.get("/predict?text_description=coiffure%20%C3%A0%20domicile");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["1"]["code"], "9602A");
    assert_eq!(answer["1"]["libelle"], "Coiffure");
    assert_eq!(service.get("/ready").0, "HTTP/1.1 200 OK");
    let (status, metrics) = service.get("/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let counted = r#"codape_requests_total{route="/predict",status="200"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert!(metrics.contains("codape_model_info{"), "{metrics}");

    service.signal("TERM");
    assert!(service.child.wait().unwrap().success(), "an orderly stop");
}

#[test]
fn an_address_that_is_taken_is_told() {
    let service = Service::start(&mut codape());
    let output = codape()
        .args(["serve", "--listen", &service.address])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains(&service.address), "{stderr}");
}
