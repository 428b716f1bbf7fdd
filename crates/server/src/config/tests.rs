use std::path::PathBuf;

use super::*;

/// What a configuration of these flags, this file and this environment is.
fn read(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("some.toml");
    std::fs::write(&path, file).expect("written");
    let flags = Flags { config: Some(path), data: Some(PathBuf::from("/data")), ..Flags::default() };
    Config::read(&flags, environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn mistakes(file: &str, environment: &[(&str, &str)]) -> String {
    read(file, environment).expect_err("refused").to_string()
}

#[test]
fn without_a_word_everything_has_its_default() {
    let config = read("", &[]).expect("right");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.database.url.reveal(), "sqlite:/data/kalends.db");
    assert!(config.rate_limit.enabled && config.accounts.self_registration && config.accounts.role_choice);
    assert!(!config.accounts.first_user_is_admin);
    assert!(config.http.trusted_proxies.is_empty() && config.http.cors_origins.is_empty());
    assert_eq!(config.log.format, Format::Text);
}

#[test]
fn the_environment_wins_over_the_file_and_a_flag_over_both() {
    let file = "[http]\nlisten = \"127.0.0.1:1\"\n[accounts]\nself_registration = false\n";
    let config = read(file, &[("KALENDS__HTTP__LISTEN", "127.0.0.1:2"), ("UNRELATED", "x"), ("KALENDS_BIN", "x")]);
    let config = config.expect("right");
    assert_eq!(config.http.listen.port(), 2);
    assert!(!config.accounts.self_registration);
    let flags = Flags { listen: Some("127.0.0.1:3".to_owned()), ..Flags::default() };
    let variable = ("KALENDS__HTTP__LISTEN".to_owned(), "127.0.0.1:2".to_owned());
    assert_eq!(Config::read(&flags, [variable]).expect("right").http.listen.port(), 3);
}

#[test]
fn lists_numbers_and_switches_are_read_from_both() {
    let file = "[http]\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\ncors_origins = [\"https://a.example\"]\n\
                [rate_limit]\nread_per_minute = 5\nenabled = false\n";
    let environment = [
        ("KALENDS__HTTP__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("KALENDS__HTTP__CORS_ORIGINS", "https://a.example/,"),
        ("KALENDS__RATE_LIMIT__READ_PER_MINUTE", "5"),
        ("KALENDS__RATE_LIMIT__ENABLED", "0"),
    ];
    for config in [read(file, &[]), read("", &environment)] {
        let config = config.expect("right");
        let proxies: Vec<String> = config.http.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
        assert_eq!(config.http.cors_origins.iter().map(String::as_str).collect::<Vec<_>>(), ["https://a.example"]);
        assert_eq!(config.rate_limit.per_minute.read, 5);
        assert!(!config.rate_limit.enabled);
    }
}

#[test]
fn every_key_is_known_in_the_environment_too() {
    let values = [
        ("data_dir", "/elsewhere"),
        ("secret_key", "0123456789abcdef0123456789abcdef"),
        ("http.listen", "[::1]:9"),
        ("http.public_url", "https://events.example.org/"),
        ("http.trusted_proxies", "127.0.0.1"),
        ("http.cors_origins", "*"),
        ("database.url", "sqlite:/x.db"),
        ("rate_limit.enabled", "true"),
        ("rate_limit.auth_per_minute", "1"),
        ("rate_limit.read_per_minute", "1"),
        ("rate_limit.write_per_minute", "1"),
        ("accounts.self_registration", "false"),
        ("accounts.role_choice", "false"),
        ("accounts.first_user_is_admin", "true"),
        ("changes.retention_days", "30"),
        ("conflicts.horizon_years", "5"),
        ("imports.largest_file_mib", "5"),
        ("jobs.retention_days", "7"),
        ("mail.smtp_url", "smtps://user:word@mail.example.org:465"),
        ("mail.from", "Events <events@example.org>"),
        ("log.level", "kalends_rest=debug,info"),
        ("log.format", "json"),
    ];
    let names: Vec<&str> = known_keys().iter().map(|key| key.name).collect();
    assert_eq!(names, values.map(|(name, _)| name), "a new key belongs into this table");
    let environment: Vec<(String, String)> =
        known_keys().iter().zip(values).map(|(key, (_, value))| (key.variable(), value.to_owned())).collect();
    let config = Config::read(&Flags::default(), environment).expect("right");
    assert_eq!(config.http.public_url.as_deref(), Some("https://events.example.org"));
    let shown = config.show();
    for name in names {
        assert_eq!(shown.lines().filter(|line| line.starts_with(&format!("{name} = "))).count(), 1, "{name}\n{shown}");
    }
    assert!(!shown.contains("0123456789") && !shown.contains("word@"), "secrets stay hidden: {shown}");
}

#[test]
fn a_mistake_says_where_what_and_why() {
    type Environment = &'static [(&'static str, &'static str)];
    let table: &[(&str, Environment, &[&str])] = &[
        ("listen = \"x\"", &[], &["some.toml: listen: there is no such key", "did you mean http.listen?"]),
        ("[http]\nlisten = \"8080\"", &[], &["http.listen", "127.0.0.1:8080", "\"8080\""]),
        ("[http]\nlistn = \"x\"", &[], &["http.listn", "did you mean http.listen?"]),
        ("[htpp]\nlisten = \"x\"", &[], &["htpp.listen", "did you mean http.listen?"]),
        ("[http]\ntls = true", &[], &["http.tls", "there are http.listen, http.public_url"]),
        ("[accounts]\nself_registration = \"yes\"", &[], &["accounts.self_registration", "true or false"]),
        ("[rate_limit]\nread_per_minute = -1", &[], &["rate_limit.read_per_minute", "from 1 to"]),
        ("[http]\ncors_origins = \"https://a.example\"", &[], &["http.cors_origins", "list"]),
        ("[http", &[], &["some.toml"]),
        ("", &[("KALENDS__HTTP__LISTN", "x")], &["KALENDS__HTTP__LISTN", "did you mean KALENDS__HTTP__LISTEN?"]),
        ("", &[("KALENDS__HTTP__TLS", "x")], &["KALENDS__HTTP__TLS", "there are KALENDS__HTTP__LISTEN"]),
        ("", &[("KALENDS__FOO", "x")], &["KALENDS__FOO", "KALENDS__DATA_DIR"]),
        ("", &[("KALENDS__RATE_LIMIT__ENABLED", "maybe")], &["KALENDS__RATE_LIMIT__ENABLED", "\"maybe\""]),
        ("", &[("KALENDS__HTTP__TRUSTED_PROXIES", "10.0.0.0/33")], &["KALENDS__HTTP__TRUSTED_PROXIES", "network"]),
        ("", &[("KALENDS__HTTP__CORS_ORIGINS", "app.example.org")], &["KALENDS__HTTP__CORS_ORIGINS", "origin"]),
        ("", &[("KALENDS__HTTP__CORS_ORIGINS", "https://a.example/path")], &["KALENDS__HTTP__CORS_ORIGINS"]),
        ("", &[("KALENDS__HTTP__PUBLIC_URL", "events.example.org")], &["KALENDS__HTTP__PUBLIC_URL", "https://"]),
        ("", &[("KALENDS__HTTP__PUBLIC_URL", "https://a.example/kalends")], &["without a path"]),
        ("", &[("KALENDS__DATABASE__URL", "mysql://user:word@host/db")], &["KALENDS__DATABASE__URL", "postgres://"]),
        ("", &[("KALENDS__DATABASE__URL", "sqlite::memory:")], &["KALENDS__DATABASE__URL", "memory"]),
        ("", &[("KALENDS__SECRET_KEY", "short")], &["KALENDS__SECRET_KEY", "at least 32"]),
        (
            "",
            &[("KALENDS__DATABASE__URL", "postgres://host/db")],
            &["KALENDS__SECRET_KEY", "must be given on PostgreSQL"],
        ),
        ("", &[("KALENDS__MAIL__SMTP_URL", "http://user:word@host")], &["KALENDS__MAIL__SMTP_URL", "smtp://"]),
        ("", &[("KALENDS__MAIL__SMTP_URL", "smtp://host:25")], &["mail.from"]),
        ("", &[("KALENDS__MAIL__FROM", "nobody")], &["KALENDS__MAIL__FROM", "events@example.org"]),
        ("", &[("KALENDS__LOG__LEVEL", "loud")], &["KALENDS__LOG__LEVEL", "warn"]),
        ("", &[("KALENDS__LOG__FORMAT", "xml")], &["KALENDS__LOG__FORMAT", "text or json"]),
    ];
    for (file, environment, words) in table {
        let said = mistakes(file, environment);
        for word in *words {
            assert!(said.contains(word), "{file:?} {environment:?}: {word:?} is not in\n{said}");
        }
        assert!(!said.contains("user:word"), "passwords are not repeated: {said}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let said =
        mistakes("[http]\nlisten = \"x\"\nfoo = 1\n[log]\nformat = \"xml\"\n", &[("KALENDS__SECRET_KEY", "short")]);
    assert_eq!(said.lines().count(), 5, "{said}");
}

#[test]
fn the_data_folders_own_file_is_found_and_cannot_name_another_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = Flags { data: Some(folder.path().to_owned()), ..Flags::default() };
    let write = |text: &str| std::fs::write(folder.path().join("kalends.toml"), text).expect("written");
    write("[http]\nlisten = \"127.0.0.1:7\"\n");
    assert_eq!(Config::read(&flags, []).expect("right").http.listen.port(), 7);
    write("data_dir = \"/elsewhere\"\n");
    assert!(Config::read(&flags, []).expect_err("refused").to_string().contains("--data"));
    let missing = Flags { config: Some(folder.path().join("missing.toml")), ..Flags::default() };
    assert!(Config::read(&missing, []).expect_err("refused").to_string().contains("missing.toml"));
}

#[test]
fn the_demo_keeps_away_from_real_data() {
    let flags = Flags { demo: true, ..Flags::default() };
    let real = Config::read(&Flags::default(), []).expect("right");
    let demo = Config::read(&flags, []).expect("right");
    assert_ne!(real.data_dir, demo.data_dir);
    assert_ne!(real.database.url, demo.database.url);
}

#[test]
fn a_generated_file_says_every_key_and_changes_nothing() {
    let page = generate();
    let config = read(&page, &[]).expect("right");
    assert_eq!(config.show(), read("", &[]).expect("right").show());
    for key in known_keys() {
        assert!(page.contains(&key.variable()) && page.contains(key.what), "{}", key.name);
    }
    // What stands behind a # is TOML that is read; only what has no default in words is empty.
    let open: String = page.lines().filter_map(uncommented).collect();
    assert_eq!(read(&open, &[]).expect("right").show(), config.show());
}

fn uncommented(line: &str) -> Option<String> {
    let open = line.strip_prefix("# ").unwrap_or(line);
    let (name, value) = open.split_once(" = ").unwrap_or((open, "\"\""));
    let keeps = open.starts_with('[') || !name.contains(' ') && value != "\"\"";
    keeps.then(|| format!("{open}\n"))
}

#[test]
fn the_reference_page_has_every_key() {
    let page = include_str!("../../../../docs/configuration.md");
    for key in known_keys() {
        let row =
            format!("| `{}` | `{}` | {} | {} |", key.name, key.variable(), key.default.replace('|', "\\|"), key.what);
        assert!(page.contains(&row), "docs/configuration.md must have this line:\n{row}");
    }
}
