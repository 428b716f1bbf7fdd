//! The command line. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 `check` found differences.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use kalends_core::accounts::Cost;
use kalends_kernel::Clock;

use crate::admin::{self, NewAdmin};
use crate::config::{self, Config, ConfigError, Flags};
use crate::export::{self, Wanted};
use crate::import::{self, Import};
use crate::{backup, check, demo, logging, start};

const WRONG_USAGE: u8 = 2;
const DIFFERENCES: u8 = 3;

/// A self-hosted events server.
#[derive(Debug, Parser)]
#[command(name = "kalends", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Place,
}

/// Where the configuration and the data are.
#[derive(Debug, Args)]
struct Place {
    /// The configuration file [default: kalends.toml in the data folder]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder [default: ./kalends-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// sqlite:PATH or postgres://… [default: SQLite in the data folder]
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve {
        /// The address and port to listen on [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<String>,
        /// Fill an empty database with sample calendars and people [default data folder: ./kalends-data/demo]
        #[arg(long)]
        demo: bool,
    },
    /// Bring the database up to date (serve does so by itself)
    Migrate,
    /// Administer accounts
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Write the events of a calendar to a file
    Export(Wanted),
    /// Take the events of a file into a calendar; exit code 1 if some of them could not be taken
    Import(Import),
    /// Look for differences in the database; exit code 3 if there are any
    Check,
    /// Write everything into one file, while the server runs
    Backup {
        /// The new file
        to: PathBuf,
    },
    /// Put what a backup holds into an empty database of either kind; stop every server before
    Restore {
        /// The backup
        from: PathBuf,
        /// Replace all that the database holds
        #[arg(long)]
        force: bool,
    },
    /// Print the OpenAPI document
    Openapi,
    /// Show the configuration that holds and where each value comes from; check or begin one
    Config {
        #[command(subcommand)]
        what: Option<ConfigCommand>,
    },
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Make an administrator
    Create(NewAdmin),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the values that hold, secrets hidden
    Show,
    /// Only say whether the configuration is right
    Check,
    /// Print a kalends.toml with every key and its default
    Generate,
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            // The alternate form tells the whole chain in one line.
            say(&mut std::io::stderr(), &format!("kalends: {error:#}\n"));
            let wrong_usage = error.downcast_ref::<ConfigError>().is_some();
            if wrong_usage { ExitCode::from(WRONG_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    match &cli.command {
        Command::Openapi => {
            let document = kalends_rest::openapi().to_pretty_json()?;
            say(&mut std::io::stdout(), &document);
            return Ok(ExitCode::SUCCESS);
        }
        Command::Config { what: Some(ConfigCommand::Generate) } => {
            say(&mut std::io::stdout(), &config::generate());
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let config = Config::read(&flags(&cli), environment())?;
    let lines = logging::start(&config.log);
    let done = command(cli.command, config);
    lines.flush();
    done
}

fn command(command: Command, config: Config) -> Result<ExitCode> {
    let clock = Clock::system();
    match command {
        Command::Serve { demo, .. } => on_runtime(serve(config, clock, demo))?,
        Command::Migrate => on_runtime(migrate(&config, &clock))?.map(|()| ExitCode::SUCCESS),
        Command::Admin(AdminCommand::Create(new)) => {
            let made = on_runtime(admin::create(&config, &clock, &new))??;
            say(&mut std::io::stdout(), &format!("{} is an administrator now\n", made.username));
            Ok(ExitCode::SUCCESS)
        }
        Command::Export(wanted) => on_runtime(export::run(&config, &clock, &wanted))?.map(|()| ExitCode::SUCCESS),
        Command::Import(wish) => {
            let imported = on_runtime(import::run(&config, &clock, &wish))??;
            say(&mut std::io::stdout(), &imported.report);
            Ok(if imported.whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Check => on_runtime(check::run(&config, &clock))?.map(|differences| {
            let mut lines: String = differences.iter().map(|difference| format!("{difference}\n")).collect();
            if lines.is_empty() {
                lines = "no differences\n".to_owned();
            }
            say(&mut std::io::stdout(), &lines);
            if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENCES) }
        }),
        Command::Config { what: Some(ConfigCommand::Check) } => {
            say(&mut std::io::stdout(), "the configuration is right\n");
            Ok(ExitCode::SUCCESS)
        }
        Command::Backup { to } => {
            let done = on_runtime(backup::back_up(&config, &clock, &to))??;
            say(&mut std::io::stdout(), &format!("{done}\n"));
            Ok(ExitCode::SUCCESS)
        }
        Command::Restore { from, force } => {
            let done = on_runtime(backup::restore(&config, &clock, &from, force))??;
            say(&mut std::io::stdout(), &format!("{done}\n"));
            Ok(ExitCode::SUCCESS)
        }
        Command::Config { .. } | Command::Openapi => {
            say(&mut std::io::stdout(), &config.show_with_places());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn flags(cli: &Cli) -> Flags {
    let (listen, demo) = match &cli.command {
        Command::Serve { listen, demo } => (listen.clone(), *demo),
        _ => (None, false),
    };
    let place = &cli.place;
    Flags { config: place.config.clone(), data: place.data.clone(), listen, database: place.database.clone(), demo }
}

/// The environment. A variable that is no text cannot be one of ours that is right: it is shown as well as it can be.
fn environment() -> Vec<(String, String)> {
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    let variables = std::env::vars_os();
    let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
    variables.map(|(name, value)| (text(name), text(value))).collect()
}

fn on_runtime<T>(work: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    Ok(runtime.block_on(work))
}

async fn migrate(config: &Config, clock: &Clock) -> Result<()> {
    start::open(config, clock).await?.close().await;
    Ok(())
}

async fn serve(config: Config, clock: Clock, with_demo: bool) -> Result<ExitCode> {
    let stop = stop_signal()?;
    let prepared = start::prepare(config, clock, Cost::default()).await?;
    // Before anybody is answered: who finds the server ready finds the demo.
    let demo = if with_demo { Some(demo::load(&prepared.app).await?) } else { None };
    let url = &prepared.app.settings.public_url;
    let mut block = format!("\nKalends {} is running.\n\n", env!("CARGO_PKG_VERSION"));
    block.push_str(&format!("  Address  {url}\n  Docs     {url}/api/docs\n"));
    if let Some(demo) = &demo {
        block.push_str(&format!("  Sign in  {} with the password {}\n", demo.people.join(", "), demo.password));
    }
    block.push_str("\nCtrl-C stops it.\n");
    say(&mut std::io::stdout(), &block);
    tracing::info!(address = %prepared.addr, "listening");
    let mut running = prepared.serve();
    let ended = tokio::select! {
        () = stop => false,
        () = running.ended() => true,
    };
    tracing::info!("stopping");
    running.stop().await;
    Ok(if ended { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Ends at Ctrl-C or SIGTERM. Both are listened for from the moment of the call, so that none is missed at the start.
fn stop_signal() -> Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        tokio::signal::ctrl_c().await.ok();
    })
}

/// Prints; a reader that went away (`kalends openapi | head`) is no failure.
fn say(to: &mut impl Write, text: &str) {
    to.write_all(text.as_bytes()).and_then(|()| to.flush()).ok();
}
