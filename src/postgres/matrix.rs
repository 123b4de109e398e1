//! Who can connect to what.

use super::session::Session;
use super::snapshot::text;
use crate::error::Result;
use crate::verification::Matrix;

const MATRIX: &str = include_str!("sql/matrix.sql");

/// Reads which roles may connect to which databases. Superusers, who may do all, are left out.
///
/// # Errors
/// When the server refuses the query.
pub async fn read_matrix(session: &Session) -> Result<Matrix> {
    let sets = session.read(MATRIX).await?;
    let mut matrix = Matrix::new();
    for row in sets.iter().flatten() {
        let databases = matrix.entry(text(row, 0).to_owned()).or_default();
        databases.extend(row.get(1).map(str::to_owned));
    }
    Ok(matrix)
}
