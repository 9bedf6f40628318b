//! Signature version 4 of AWS, for a request that was signed and then changed.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::http::Head;

/// Signs the request again: what was signed of it and is still there. A request
/// without such a signature stays as it is; one that is signed in its query
/// signs no range.
pub(super) fn sign_again(head: &mut Head, secret_key: &str) {
    if let Some(signed) = signature(head, secret_key) {
        head.set("authorization", &signed);
    }
}

/// The field `Authorization`.
fn signature(head: &Head, secret_key: &str) -> Option<String> {
    let given = head.get("authorization")?;
    let given = given.strip_prefix("AWS4-HMAC-SHA256")?;
    let part = |name: &str| {
        let mut parts = given.split(',').map(str::trim);
        parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    let credential = part("Credential")?;
    let (_, scope) = credential.split_once('/')?;
    let fields: Vec<_> = part("SignedHeaders")?
        .split(';')
        .filter_map(|name| {
            let values: Vec<_> = head.all(name).map(single_spaces).collect();
            (!values.is_empty()).then(|| (name, values.join(",")))
        })
        .collect();
    let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");

    let (path, query) = head.word(1).split_once('?').unwrap_or((head.word(1), ""));
    let mut parameters: Vec<_> = query.split('&').filter(|one| !one.is_empty()).collect();
    parameters.sort_unstable();
    let parameters: Vec<_> = parameters
        .into_iter()
        .map(|one| match one.contains('=') {
            true => one.to_owned(),
            false => format!("{one}="),
        })
        .collect();
    let lines: String = fields
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let canonical = format!(
        "{}\n{path}\n{}\n{lines}\n{names}\n{}",
        head.word(0),
        parameters.join("&"),
        head.get("x-amz-content-sha256")?,
    );
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        head.get("x-amz-date")?,
        hex(&Sha256::digest(canonical)),
    );
    // Of the day, the region, the service and the word that ends the scope.
    let key = scope
        .split('/')
        .fold(format!("AWS4{secret_key}").into_bytes(), |key, part| {
            mac(&key, part)
        });
    Some(format!(
        "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={}",
        hex(&mac(&key, &text))
    ))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn single_spaces(value: &str) -> String {
    let words: Vec<_> = value.split_ascii_whitespace().collect();
    words.join(" ")
}
