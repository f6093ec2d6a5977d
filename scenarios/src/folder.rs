//! The files of a scenario's folder: found, kept inside it, and digested.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::document::{At, Document};
use crate::error::Error;
use crate::lines;

/// A scenario's folder, and the digests of its files that were named.
pub(crate) struct Folder {
    /// The folder.
    pub(crate) path: PathBuf,
    digests: BTreeMap<String, String>,
}

/// A file that the site names.
pub(crate) struct Named {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// SHA-256 of its bytes.
    pub(crate) digest: String,
}

/// The folder and the site.toml of a path to either.
pub(crate) fn site_file(path: &Path) -> Result<(PathBuf, PathBuf), Error> {
    let meta = std::fs::metadata(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(path, "there is no such folder").help("name a folder with a site.toml in it, or a site.toml").cause(e)
        }
        _ => Error::io(path, "it cannot be read", e),
    })?;
    if meta.is_dir() {
        let file = path.join("site.toml");
        if !file.exists() {
            return Err(Error::new(&file, "there is no such file").help("a scenario is a folder with a site.toml in it"));
        }
        return Ok((path.to_owned(), file));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((folder.to_owned(), path.to_owned()))
}

impl Folder {
    pub(crate) fn of(path: PathBuf, site_file: &Path) -> Result<Self, Error> {
        let mut it = Self { path, digests: BTreeMap::new() };
        let name = site_file.file_name().map_or_else(|| "site.toml".into(), |n| n.to_string_lossy().into_owned());
        it.digests.insert(name, digest(site_file)?);
        Ok(it)
    }

    /// The file that a key names, relative to the folder.
    pub(crate) fn named(&mut self, doc: &Document<'_>, at: &At, name: &str, endings: &[&str]) -> Result<Named, Error> {
        let allowed = format!("a path inside the folder {}, such as `traces/load{}`", self.path.display(), endings.first().unwrap_or(&""));
        let relative = Path::new(name);
        let inside = relative.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
        if name.is_empty() || !inside {
            return Err(doc.error(at, "this path leaves the folder of the scenario").help(allowed));
        }
        if !endings.iter().any(|end| name.ends_with(end)) {
            return Err(doc.error(at, "this kind of file is not read here").help(format!("its name ends in {}", endings.join(", "))));
        }
        let path = self.path.join(relative);
        // A link may lead out where the path does not.
        let real = |p: &Path| std::fs::canonicalize(p);
        match (real(&self.path), real(&path)) {
            (Ok(folder), Ok(file)) if !file.starts_with(&folder) => {
                return Err(doc.error(at, format!("this link leaves the folder of the scenario, for {}", file.display())).help(allowed));
            }
            (_, Err(e)) => {
                return Err(doc.error(at, format!("the file {} cannot be read: {e}", path.display())).help(allowed).cause(e));
            }
            _ => {}
        }
        if !path.is_file() {
            return Err(doc.error(at, format!("{} is not a file", path.display())).help(allowed));
        }
        let digest = digest(&path)?;
        let tidy: Vec<String> = relative
            .components()
            .filter(|c| matches!(c, Component::Normal(_)))
            .map(|c| c.as_os_str().to_string_lossy().into_owned())
            .collect();
        self.digests.insert(tidy.join("/"), digest.clone());
        Ok(Named { path, digest })
    }

    /// The digest of all files named: SHA-256 over a line `DIGEST  NAME` a file, in order of name.
    pub(crate) fn digest(&self) -> String {
        let lines: String = self.digests.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect();
        models::digest::of_bytes(lines.as_bytes())
    }
}

/// SHA-256 of a file, read in pieces.
fn digest(path: &Path) -> Result<String, Error> {
    let mut file = lines::regular(path)?;
    let mut sha = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => sha.update(&piece[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io(path, "it cannot be read", e)),
        }
    }
    Ok(sha.finalize().iter().map(|b| format!("{b:02x}")).collect())
}
