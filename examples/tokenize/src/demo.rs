//! What is tokenized when nothing is named: the text and tokenizer of this package.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// The bundled text: a folder, so that the demonstration reads more than one file.
///
/// # Errors
///
/// The package is not where it was when the program was compiled.
pub(crate) fn text() -> Result<PathBuf> {
    bundled("text")
}

/// The bundled tokenizer.
///
/// # Errors
///
/// The package is not where it was when the program was compiled.
pub(crate) fn tokenizer() -> Result<PathBuf> {
    bundled("tokenizer.json")
}

fn bundled(name: &str) -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name);
    ensure!(
        path.exists(),
        "name an input and a --tokenizer: the bundled data is not at {}",
        path.display()
    );
    // Relative where it can be: the path is written with every row.
    let here = std::env::current_dir().ok();
    let relative = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    Ok(relative.unwrap_or(path))
}
