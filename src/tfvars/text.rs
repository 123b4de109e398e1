//! Text as Terraform keeps it.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// A string in normalisation form C: Terraform 1.11 has every string and key so, from every source.
pub(super) fn normalized(text: String) -> String {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text,
        IsNormalized::No | IsNormalized::Maybe => text.nfc().collect(),
    }
}
