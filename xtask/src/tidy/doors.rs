//! Doors know the core and not each other; the core knows no door; nobody but `db` knows an engine.

use super::File;

/// A crate and what it must not depend on.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("core", &["axum", "kalends-rest", "kalends-web", "kalends-server", "rusqlite", "tokio-postgres"]),
    ("rest", &["kalends-web", "kalends-server", "rusqlite", "tokio-postgres"]),
    ("web", &["kalends-rest", "kalends-server", "rusqlite", "tokio-postgres"]),
    ("server", &["rusqlite", "tokio-postgres"]),
    ("recurrence", &["kalends-core", "kalends-db", "kalends-kernel", "tokio"]),
    ("ical", &["kalends-core", "kalends-db", "tokio"]),
    ("kernel", &["kalends-core", "kalends-db", "tokio", "axum"]),
];

pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, forbidden) in FORBIDDEN {
        let path = format!("crates/{name}/Cargo.toml");
        let Some(manifest) = files.iter().find(|file| file.path == path) else {
            complaints.push(format!("{path} is missing"));
            continue;
        };
        for line in dependencies(&manifest.text) {
            let dependency = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if forbidden.contains(&dependency) {
                complaints.push(format!("{path}: `{name}` must not depend on `{dependency}`"));
            }
        }
    }
    complaints
}

/// The lines of the section `[dependencies]`.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1).take_while(|line| !line.starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn a_door_that_knows_another_is_found() {
        let bare = "[dependencies]\nserde.workspace = true\n";
        let mut files: Vec<File> =
            FORBIDDEN.iter().map(|(name, _)| file(&format!("crates/{name}/Cargo.toml"), bare)).collect();
        assert_eq!(check(&files), Vec::<String>::new());
        files[1].text =
            "[dependencies]\nkalends-web.workspace = true\n\n[dev-dependencies]\nrusqlite = \"1\"\n".to_owned();
        assert_eq!(check(&files), ["crates/rest/Cargo.toml: `rest` must not depend on `kalends-web`"]);
    }
}
