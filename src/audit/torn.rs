//! Rows that a killed run was writing.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// In bytes; a row is far shorter. What is longer is no row that a run was writing.
pub(super) const LONGEST_ROW: usize = 1 << 16;

/// Where the last record begins.
pub(super) fn last_record(text: &[u8]) -> std::io::Result<usize> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let (mut record, mut last) = (csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record)? {
        last = record.position().map_or(last, |at| usize::try_from(at.byte()).unwrap_or(last));
    }
    Ok(last)
}

/// Whether a record ends: what comes after it is another one.
pub(super) fn is_whole(record: &[u8]) -> bool {
    let text = [record, b"x"].concat();
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&*text);
    record.is_empty() || record.ends_with(b"\n") && reader.into_byte_records().count() == 2
}

/// Takes off what stands after the last line break: the row that a killed run was writing.
pub(super) fn take_torn_line(file: &mut File) -> std::io::Result<Option<String>> {
    let length = file.metadata()?.len();
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST_ROW as u64)))?;
    file.read_to_end(&mut text)?;
    if text.is_empty() || text.ends_with(b"\n") {
        return Ok(None);
    }
    let begin = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let torn = text.split_off(begin);
    file.set_len(length - torn.len() as u64)?;
    Ok(Some(String::from_utf8_lossy(&torn).into_owned()))
}
