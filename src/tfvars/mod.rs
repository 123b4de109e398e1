//! Terraform variable files.
