//! The contract of 2024 over a small model.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use codape_server::{Limits, app};
use serde_json::{Value, json};

use crate::support::{self, batch, call, get, post, service};

#[tokio::test]
async fn the_root_says_which_model_answers() {
    let (status, root) = get(&service(), "/").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        root,
        json!({
            "Message": "Codification de l'APE",
            "Model_name": "FastText-APE",
            "Model_version": "Production",
            "Metrics": {
                "accuracy_level_5": 0.5, "Test 1 - Result": "Passed",
                "Test 1 - IC": 0.4, "Test 2 - Result": "Failed"
            }
        })
    );
}

#[tokio::test]
async fn one_declaration_gets_its_suggestions() {
    let (status, answer) = get(&service(), "/predict?text_description=Coiffure&prob_min=0").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["1"]["code"], "9602A");
    assert_eq!(answer["1"]["libelle"], "Coiffure");
    let probability = |rank: &str| answer[rank]["probabilite"].as_f64().unwrap();
    let ic = answer["IC"].as_f64().unwrap();
    assert!((ic - (probability("1") - probability("2"))).abs() < f64::EPSILON);
    assert_eq!(answer.as_object().unwrap().len(), support::LABELS.len() + 1);
}

#[tokio::test]
async fn a_code_that_the_nomenclature_does_not_know_has_no_title() {
    let target = "/predict?text_description=restauration&prob_min=0";
    let (_, answer) = get(&service(), target).await;
    assert_eq!(answer["1"]["code"], "0000X");
    assert_eq!(answer["1"]["libelle"], Value::Null);
}

#[tokio::test]
async fn ic_is_of_the_two_best_whatever_is_shown() {
    let app = service();
    let (_, all) = get(&app, "/predict?text_description=vente&prob_min=0").await;
    let (_, one) = get(
        &app,
        "/predict?text_description=vente&nb_echos_max=1&prob_min=0",
    )
    .await;
    let p1 = &all["1"]["probabilite"];
    let (_, likely) = get(
        &app,
        &format!("/predict?text_description=vente&prob_min={p1}"),
    )
    .await;
    for answer in [&one, &likely] {
        assert_eq!(answer["IC"], all["IC"]);
        assert_eq!(answer.as_object().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_batch_is_answered_in_order_and_as_each_line_alone() {
    let app = service();
    let texts = ["coiffure", "boulangerie", "domicile", "x"];
    let target = "/predict-batch?nb_echos_max=3&prob_min=0";
    let (status, answers) = post(&app, target, batch(&texts).to_string()).await;
    assert_eq!(status, StatusCode::OK);
    for (text, answer) in texts.iter().zip(answers.as_array().unwrap()) {
        let target = format!("/predict?text_description={text}&nb_echos_max=3&prob_min=0");
        let (_, alone) = get(&app, &target).await;
        assert_eq!(*answer, alone, "{text}");
    }
}

#[tokio::test]
async fn an_evaluation_compares_with_the_known_codes() {
    let mut body = batch(&["coiffure", "boulangerie"]);
    body["code"] = json!([" 9602A ", "9602A"]);
    let app = service();
    let (status, lines) = post(&app, "/evaluation", body.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    let keys: Vec<_> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["IC", "code", "probabilite", "result"]);
    assert_eq!(
        (&lines[0]["code"], &lines[0]["result"]),
        (&json!("9602A"), &json!(true))
    );
    assert_eq!(
        (&lines[1]["code"], &lines[1]["result"]),
        (&json!("5610C"), &json!(false))
    );

    body["code"] = json!(["96.02a", "56.10C"]);
    let (_, lines) = post(&app, "/evaluation", body.to_string()).await;
    assert_eq!([&lines[0]["result"], &lines[1]["result"]], [true, true]);

    body["code"] = json!(["9602A", "null"]);
    let (status, error) = post(&app, "/evaluation", body.to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        error["detail"],
        "The code is missing for some liasses. See line(s): (1,)"
    );

    let (status, error) = post(&app, "/evaluation", batch(&["x"]).to_string()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(error["detail"][0]["loc"], json!(["body", "code"]));
}

#[tokio::test]
async fn a_value_that_could_inject_words_is_refused() {
    for value in ["01P%20__label__1071C", "01P%0A", "01A%00"] {
        let target = format!("/predict?text_description=x&event={value}");
        let (status, _) = get(&service(), &target).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{value}");
    }
}

#[tokio::test]
async fn an_event_in_a_is_for_one_declaration_only() {
    let app = service();
    let (status, _) = get(&app, "/predict?text_description=coiffure&event=01A").await;
    assert_eq!(status, StatusCode::OK);
    let mut body = batch(&["coiffure"]);
    body["event"] = json!(["01A"]);
    let (status, _) = post(&app, "/predict-batch", body.to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_batch_that_the_real_service_failed_on_is_a_400() {
    let app = service();
    let (status, error) = post(&app, "/predict-batch", batch(&[]).to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(error["detail"], "The batch has no lines.");

    let mut body = batch(&["a", "b"]);
    body["nature"] = json!(["01"]);
    let (status, error) = post(&app, "/predict-batch", body.to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let detail = error["detail"].as_str().unwrap();
    assert!(
        detail.contains("text_description: 2, type_: 2, nature: 1"),
        "{detail}"
    );
}

/// Answers of FastAPI 0.165.0 with pydantic 2.14.3 on Python 3.11.7.
#[tokio::test]
async fn bodies_of_another_shape_are_refused_as_fastapi_refuses_them() {
    let object = "Input should be a valid dictionary or object to extract fields from";
    let missing = |name: &str| json!({"type": "missing", "loc": ["body", name], "msg": "Field required", "input": {}});
    let cases = [
        (
            "",
            json!([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": null}]),
        ),
        (
            "null",
            json!([{"type": "model_attributes_type", "loc": ["body"], "msg": object,
                    "input": null}]),
        ),
        (
            "[]",
            json!([{"type": "model_attributes_type", "loc": ["body"], "msg": object,
                    "input": []}]),
        ),
        (
            "{",
            json!([{"type": "json_invalid", "loc": ["body", 1], "msg": "JSON decode error",
                    "input": {},
                    "ctx": {"error": "Expecting property name enclosed in double quotes"}}]),
        ),
        (
            "{}",
            json!([
                missing("text_description"),
                missing("type_"),
                missing("nature"),
                missing("surface"),
                missing("event")
            ]),
        ),
    ];
    let app = service();
    for (body, detail) in cases {
        let (status, found) = post(&app, "/predict-batch", body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(found["detail"], detail, "{body}");
    }
}

/// Answers of FastAPI 0.165.0 with pydantic 2.14.3.
#[tokio::test]
async fn the_query_comes_before_the_body_and_bad_json_alone() {
    let app = service();
    let types = |value: &Value| -> Vec<String> {
        let errors = value["detail"].as_array().unwrap().iter();
        errors
            .map(|error| error["type"].as_str().unwrap().to_owned())
            .collect()
    };
    let target = "/predict-batch?nb_echos_max=x&prob_min=y";
    let (_, both) = post(&app, target, "").await;
    assert_eq!(types(&both), ["int_parsing", "float_parsing", "missing"]);
    let (_, json_only) = post(&app, target, "{").await;
    assert_eq!(types(&json_only), ["json_invalid"]);
}

#[tokio::test]
async fn a_body_of_another_content_type_is_not_read() {
    let request = Request::post("/predict-batch")
        .header(header::CONTENT_TYPE, "text/plain")
        .body(Body::from("é"))
        .unwrap();
    let (status, error) = support::json(call(&service(), request).await).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(error["detail"][0]["type"], "model_attributes_type");
    assert_eq!(error["detail"][0]["input"], "é");
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_in_fastapis_shape() {
    let app = service();
    let (status, error) = get(&app, "/nope").await;
    assert_eq!(
        (status, &error["detail"]),
        (StatusCode::NOT_FOUND, &json!("Not Found"))
    );
    for (method, target, allowed) in [
        (Method::POST, "/predict", "GET,HEAD"),
        (Method::GET, "/predict-batch", "POST"),
        (Method::DELETE, "/", "GET,HEAD"),
    ] {
        let request = Request::builder().method(method).uri(target);
        let response = call(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.headers()[header::ALLOW], allowed);
        let (status, error) = support::json(response).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(error["detail"], "Method Not Allowed");
    }
}

#[tokio::test]
async fn one_slash_too_many_is_redirected() {
    let app = service();
    let request = Request::get("/predict/?text_description=a");
    let response = call(&app, request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(
        response.headers()[header::LOCATION],
        "/predict?text_description=a"
    );
}

#[tokio::test]
async fn a_stopping_service_is_alive_and_not_ready() {
    let state = support::state(Limits::default());
    let app = app(state.clone());
    let (status, ready) = get(&app, "/ready").await;
    assert_eq!(status, StatusCode::OK);
    let model = json!({"name": "FastText-APE", "version": "Production"});
    assert_eq!(ready, json!({"status": "ready", "model": model}));
    state.start_stopping();
    let (status, ready) = get(&app, "/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready["status"], "stopping");
    assert_eq!(get(&app, "/health").await.0, StatusCode::OK);
    assert_eq!(
        get(&app, "/predict?text_description=a").await.0,
        StatusCode::OK
    );
}
