//! The key that encrypts secrets at rest: given by the operator, or made once and kept in the data folder, apart from
//! the database, so that a stolen database alone gives nothing away.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use kalends_kernel::{Ids, Secret};

const FILE: &str = "secret.key";

/// The configured key, or the one in the data folder, which is made when it is not there.
pub fn load(configured: Option<&Secret>, data_dir: &Path, ids: Ids) -> Result<Secret> {
    if let Some(key) = configured {
        return Ok(key.clone());
    }
    let path = data_dir.join(FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return make(&path, ids),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    let key = text.trim();
    if key.chars().count() < 32 {
        bail!(
            "{} is damaged: it must hold one line of at least 32 characters. Restore it from a backup; what was \
             encrypted with it cannot be read without it",
            path.display()
        );
    }
    Ok(Secret::new(key))
}

/// Makes the file for its owner alone. It is complete before it has its name: a crash never leaves half a key.
fn make(path: &Path, ids: Ids) -> Result<Secret> {
    let key: String = ids.secret().iter().map(|byte| format!("{byte:02x}")).collect();
    let unfinished = path.with_extension(format!("{}.new", ids.uuid()));
    let written = (|| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&unfinished)?;
        writeln!(file, "{key}")?;
        file.sync_all()?;
        // A link, not a rename: of two processes that start together one wins and both use its key.
        match fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => fs::read_to_string(path),
        }
    })();
    fs::remove_file(&unfinished).ok();
    let text = written.with_context(|| format!("making {}", path.display()))?;
    Ok(Secret::new(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let ids = Ids::at(jiff_epoch());
        let first = load(None, folder.path(), ids).expect("made");
        assert_eq!(first.reveal().len(), 64);
        assert_eq!(load(None, folder.path(), ids).expect("found"), first);
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1, "nothing is left lying about");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.path().join(FILE)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let given = Secret::new("0123456789abcdef0123456789abcdef");
        assert_eq!(load(Some(&given), folder.path(), ids).expect("given"), given);
    }

    #[test]
    fn a_damaged_key_stops_the_start_instead_of_becoming_another_key() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(FILE), "short\n").expect("written");
        let error = load(None, folder.path(), Ids::at(jiff_epoch())).expect_err("refused");
        assert!(error.to_string().contains("damaged"), "{error}");
    }

    fn jiff_epoch() -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
}
