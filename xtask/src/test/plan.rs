//! What a test run is asked for: which databases, which packages, which tests.

use anyhow::{Result, bail};

/// Packages whose tests depend on the engine: they run a second time, on PostgreSQL.
const DATABASE_PACKAGES: &[&str] = &["kalends-db", "kalends-core", "kalends-tests"];

#[derive(Clone, Copy)]
pub enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// What was asked for on the command line.
#[derive(Debug, PartialEq)]
pub struct Plan {
    pub sqlite: bool,
    pub postgres: bool,
    /// Chosen with `-p`; empty means all.
    packages: Vec<String>,
    /// nextest's filter expression, chosen with `-E`.
    filter: Option<String>,
    /// The rest goes to the runner as it is.
    pub args: Vec<String>,
}

impl Plan {
    pub fn parse(args: &[String]) -> Result<Self> {
        let (own, runners) = match args.iter().position(|arg| arg == "--") {
            Some(at) => (args.get(..at).unwrap_or_default(), args.get(at + 1..).unwrap_or_default()),
            None => (args, [].as_slice()),
        };
        let mut plan = Self { sqlite: true, postgres: true, packages: Vec::new(), filter: None, args: Vec::new() };
        match own {
            [] => {}
            [flag] if flag == "--sqlite" => plan.postgres = false,
            [flag] if flag == "--postgres" => plan.sqlite = false,
            _ => bail!("usage: cargo xtask test [--sqlite|--postgres] [-- ARGS OF THE TEST RUNNER]"),
        }
        let mut runners = runners.iter();
        while let Some(arg) = runners.next() {
            match arg.as_str() {
                "-p" | "--package" => plan.packages.extend(runners.next().cloned()),
                "-E" | "--filterset" => plan.filter = runners.next().cloned(),
                _ => match arg.strip_prefix("--package=") {
                    Some(package) => plan.packages.push(package.to_owned()),
                    None => plan.args.push(arg.clone()),
                },
            }
        }
        Ok(plan)
    }

    pub fn whole_workspace(&self) -> bool {
        self.packages.is_empty() && self.filter.is_none() && self.args.is_empty()
    }

    pub fn packages_on(&self, database: Database) -> Vec<&str> {
        let chosen = || self.packages.iter().map(String::as_str);
        match database {
            Database::Sqlite => chosen().collect(),
            Database::Postgres if self.packages.is_empty() => DATABASE_PACKAGES.to_vec(),
            Database::Postgres => chosen().filter(|package| DATABASE_PACKAGES.contains(package)).collect(),
        }
    }

    /// The same and `-E` as one filter for nextest. Not `-p`: another set of packages would be another build.
    pub fn filter_on(&self, database: Database) -> Option<String> {
        let packages: Vec<String> =
            self.packages_on(database).iter().map(|package| format!("package({package})")).collect();
        let packages = (!packages.is_empty()).then(|| packages.join(" + "));
        match (packages, &self.filter) {
            (Some(packages), Some(filter)) => Some(format!("({packages}) & ({filter})")),
            (packages, filter) => packages.or_else(|| filter.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Database, Plan};

    fn plan(args: &[&str]) -> Plan {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Plan::parse(&args).expect("a good command line")
    }

    #[test]
    fn without_arguments_everything_runs_on_both() {
        let plan = plan(&[]);
        assert!(plan.sqlite && plan.postgres && plan.whole_workspace());
        assert!(plan.packages_on(Database::Postgres).contains(&"kalends-db"));
    }

    #[test]
    fn chosen_packages_run_on_postgres_only_if_they_touch_a_database() {
        let plan = plan(&["--", "-p", "kalends-db", "--package=kalends-ical", "a_name"]);
        assert_eq!(plan.packages_on(Database::Sqlite), ["kalends-db", "kalends-ical"]);
        assert_eq!(plan.packages_on(Database::Postgres), ["kalends-db"]);
        assert_eq!(plan.args, ["a_name"]);
    }

    #[test]
    fn a_filter_narrows_the_packages_down() {
        let plan = plan(&["--", "-p", "kalends-db", "-E", "test(a) + test(b)"]);
        assert_eq!(plan.filter_on(Database::Postgres).as_deref(), Some("(package(kalends-db)) & (test(a) + test(b))"));
        let all = Plan { packages: Vec::new(), ..plan };
        assert_eq!(all.filter_on(Database::Sqlite).as_deref(), Some("test(a) + test(b)"));
    }

    #[test]
    fn one_database_can_be_chosen() {
        assert!(!plan(&["--sqlite"]).postgres);
        assert!(!plan(&["--postgres"]).sqlite);
        assert!(Plan::parse(&["--mysql".to_owned()]).is_err());
    }
}
