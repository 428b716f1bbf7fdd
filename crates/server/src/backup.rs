//! `kalends backup` and `kalends restore`: everything in one file, from either database into either.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use anyhow::{Context, Result, bail};
use kalends_core::{audit, search, settings};
use kalends_db::{Db, Options, backup};
use kalends_kernel::{Clock, Ids};

use crate::config::Config;
use crate::{secret_key, start};

/// Writes a backup while others go on working, reads it back whole, and only then gives it its name.
pub async fn back_up(config: &Config, clock: &Clock, to: &Path) -> Result<String> {
    if let Options::Sqlite { path, .. } = &config.database.options
        && !path.exists()
    {
        bail!("there is no database at {}", path.display());
    }
    if to.exists() {
        bail!("{} is there already; a backup never replaces another: choose a new name", to.display());
    }
    let now = clock.now();
    let mut name = to.file_name().context("the backup needs the name of a file")?.to_owned();
    name.push(format!(".{}.unfinished", Ids::at(now).uuid().simple()));
    let unfinished = to.with_file_name(name);
    let written = write(config, clock, &unfinished).await.and_then(|rows| {
        // A link fails where a rename would replace what somebody else has put there meanwhile; not every disk has links.
        match fs::hard_link(&unfinished, to) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(error),
            Err(_) => fs::rename(&unfinished, to),
            Ok(()) => Ok(()),
        }
        .with_context(|| format!("naming {}", to.display()))?;
        sync_folder(to)?;
        Ok(rows)
    });
    fs::remove_file(&unfinished).ok();
    let rows = written?;
    let bytes = fs::metadata(to)?.len();
    Ok(format!("{} holds {rows} rows in {bytes} bytes, read back whole", to.display()))
}

async fn write(config: &Config, clock: &Clock, to: &Path) -> Result<u64> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // Everything that anybody wrote is in it.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(to).with_context(|| format!("making {}", to.display()))?;
    let db = Db::open(&config.database.options).await?;
    let about = backup::About {
        made_at: clock.now(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        leave_out: search::TABLES,
    };
    let written = db.back_up(&about, file).await.context("backing up the database");
    db.close().await;
    let (file, rows) = written?;
    file.sync_all().with_context(|| format!("writing {}", to.display()))?;
    drop(file);
    let found = backup::read(File::open(to)?).context("reading the backup again")?;
    if found.rows != rows {
        bail!("the backup holds {} rows, not {rows}", found.rows);
    }
    Ok(rows)
}

/// The name itself must be on the disk, too.
fn sync_folder(of: &Path) -> Result<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Some systems cannot do this for folders; then there is nothing to be done.
    File::open(folder).and_then(|folder| folder.sync_all()).ok();
    Ok(())
}

/// Puts what a backup holds into an empty database, or with `force` in the place of what is there.
pub async fn restore(config: &Config, clock: &Clock, from: &Path, force: bool) -> Result<String> {
    let open = || File::open(from).with_context(|| format!("opening {}", from.display()));
    // Before anything is touched.
    let found = backup::read(open()?)?;
    start::make_data_dir(config)?;
    let now = clock.now();
    let _key = secret_key::load(config.secret_key.as_ref(), &config.data_dir, Ids::at(now))?;
    let db = Db::open(&config.database.options).await?;
    if !force && !db.is_empty().await? {
        bail!("the database holds something already; --force puts the backup in the place of all of it");
    }
    let mut after = settings::after_restore(now);
    after.push(audit::after_restore());
    let restored = db.restore(open()?, after).await;
    db.close().await;
    let restored = restored.context("nothing was changed")?;
    start::open(config, clock).await?.close().await;
    Ok(format!("{} rows as they were at {} are in the database", restored.rows, found.made_at))
}
