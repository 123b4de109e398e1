//! Version ids whose time is the test's.

use jiff::{SignedDuration, Timestamp};

/// A version id of ours that was born some hours ago (or will be).
pub fn minted(hours: i64) -> String {
    let at = Timestamp::now() + SignedDuration::from_hours(hours);
    let millis = u64::try_from(at.as_millisecond()).expect("after 1970");
    uuid::Builder::from_unix_timestamp_millis(millis, &[7; 10]).into_uuid().to_string()
}

/// An id as Terraform makes them, of this moment.
pub fn terraform_id() -> String {
    format!("terraform-{}000000000001", Timestamp::now().strftime("%Y%m%d%H%M%S"))
}
