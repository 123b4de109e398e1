//! A certificate authority and a certificate for `localhost`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Writes `ca.pem`, `server.crt` and `server.key` into the folder.
pub fn make(folder: &Path) {
    let script = r#"
set -e
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=test authority' \
  -addext 'basicConstraints=critical,CA:TRUE' -keyout ca.key -out ca.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=localhost' -keyout server.key -out server.csr
printf 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n' > extensions
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out server.crt
chmod 600 server.key
"#;
    let made = Command::new("sh").args(["-c", script]).current_dir(folder).output();
    let made = made.expect("openssl can be run");
    assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
}

pub fn ca(folder: &Path) -> PathBuf {
    folder.join("ca.pem")
}
