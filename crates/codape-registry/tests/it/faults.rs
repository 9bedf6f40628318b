//! The faults that the proxy injects, as S3's official client meets them: a
//! request that is changed on its way is still one that the server accepts.

use codape_testkit::servers::{Fault, Faults, FaultyProxy, Python, S3};

/// Gets an object of the digits, whole or a range of it; prints the status and
/// the body, or the name of the error.
const GET: &str = r"
import sys
import boto3
from botocore.config import Config

s3 = boto3.client('s3', config=Config(retries={'total_max_attempts': 1}, read_timeout=2))
for range in sys.argv[1:]:
    try:
        more = {'Range': range} if range else {}
        found = s3.get_object(Bucket='models', Key='digits', **more)
        body = found['Body'].read().decode('latin-1')
        print(found['ResponseMetadata']['HTTPStatusCode'], body, found.get('ContentRange', ''))
    except Exception as error:
        print(type(error).__name__)
";

/// Puts the object.
const PUT: &str = r"
import boto3

boto3.client('s3').put_object(Bucket='models', Key='digits', Body=b'0123456789')
";

#[test]
fn the_official_client_meets_them() {
    let test = "faults::the_official_client_meets_them";
    let Some(s3) = S3::start(test) else {
        return;
    };
    let Some(python) = Python::find(test) else {
        return;
    };
    s3.make_bucket("models");
    let proxy = FaultyProxy::in_front_of(&s3);
    let python = python.env(s3.env_at(&proxy.url()));
    assert_eq!(python.run::<&str>(PUT, &[]), "");
    // Each of the faults in a script of its own would start Python as often.
    let faults = [
        Fault::IgnoreRange,
        Fault::WrongRange,
        Fault::ShiftedRange,
        Fault::WrongRange,
        Fault::Flip,
        Fault::Truncate,
        Fault::Stall,
        Fault::Reset,
        Fault::Unavailable,
    ];
    let questions = [
        "bytes=3-4",
        "bytes=3-3",
        "bytes=1-1",
        "bytes=0-",
        "",
        "",
        "",
        "",
        "",
        "",
    ];
    let rules = (0..)
        .zip(faults)
        .fold(Faults::none(), |rules, (n, fault)| rules.nth(n, fault));
    proxy.set(rules);
    let printed = python.run(GET, &questions);
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), questions.len(), "{printed}");
    assert_eq!(lines[0], "200 0123456789 ");
    assert_eq!(lines[1], "206 2 bytes 3-3/10");
    assert_eq!(lines[2], "206 0 bytes 0-0/10");
    assert_eq!(lines[3], "206 123456789\0 bytes 0-9/10");
    // boto3 compares the body with the checksum that it had the server store.
    assert_eq!(lines[4], "FlexibleChecksumError");
    for line in &lines[5..9] {
        assert!(line.ends_with("Error"), "{line}");
    }
    assert_eq!(lines[9], "200 0123456789 ");
    let seen = proxy.requests();
    let happened: Vec<_> = seen.iter().filter_map(|seen| seen.fault).collect();
    assert_eq!(happened, faults);
}
