//! The commands of the program.

use std::io::IsTerminal as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use duologue::commands::user::UserCommand;
use duologue::commands::{demo, health, load, logging, serve, user};
use duologue::config::{Config, Logging, Mistake, unquoted};

/// Two people on the phone, each in their own language, and each hears the other in their own.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Answer calls, with the settings of the environment or of `.env` (the default)
    Serve,
    /// Run a whole translated call on the embedded simulator
    Demo {
        /// Where the recordings and the timeline are put
        #[arg(long, default_value = "demo-output")]
        out: PathBuf,
        /// Which interpreter: auto, prompted or translate
        #[arg(long, default_value = "auto")]
        engine: String,
        /// Serve a page instead, on which two people take the two parts of a call
        #[arg(long)]
        browser: bool,
        /// Where the page is served
        #[arg(long, default_value_t = 5050, requires = "browser")]
        port: u16,
    },
    /// Run many calls at once through an instance and report what each of them costs
    Load {
        /// Which interpreter: prompted or translate; by default the one that INTERPRETER names
        #[arg(long)]
        engine: Option<String>,
        /// How many calls
        #[arg(long, default_value_t = 50)]
        calls: usize,
        /// How long they are measured
        #[arg(long, default_value_t = 30)]
        seconds: u64,
        /// Seconds of full load before that
        #[arg(long, default_value_t = 5)]
        warm_up: u64,
        /// Measure the least relay too, for comparison
        #[arg(long)]
        floor: bool,
        /// Let the instance keep records, in a database of its own, and have a desk
        #[arg(long)]
        records: bool,
        /// The same, in this database
        #[arg(long)]
        database: Option<String>,
    },
    /// The least relay, as `load --floor` starts it
    #[command(hide = true)]
    LoadFloor {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        carrier: String,
        #[arg(long)]
        engine: String,
        #[arg(long)]
        dialect: String,
    },
    /// Users of the desk
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Ask the instance on this machine whether it is alive
    Health,
}

/// What still runs on threads of its own when a command has ended may take so long.
const REST_MAX: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the system gives no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run());
    // Whatever strangers have begun holds up no end.
    runtime.shutdown_timeout(REST_MAX);
    code
}

async fn run() -> ExitCode {
    // A `.env` file is a convenience; that there is none is no mistake, that it cannot be read is.
    if let Err(error) = dotenvy::dotenv()
        && !error.not_found()
    {
        eprintln!(".env cannot be read: {}", unreadable(&error));
        return ExitCode::from(serve::EXIT_CONFIG);
    }
    let result = match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => return serve_or_explain().await,
        Command::Demo {
            browser: true, port, ..
        } => demo::browser::run(port, &environment).await,
        Command::Demo { out, engine, .. } => demo::run(&out, &engine).await,
        Command::Load {
            engine,
            calls,
            seconds,
            warm_up,
            floor,
            records,
            database,
        } => match engine_of(engine) {
            Ok(engine) => {
                let options = load::Options {
                    engine,
                    calls,
                    seconds,
                    warm_up,
                    floor,
                    records: records || database.is_some(),
                    database,
                };
                load::run(options).await
            }
            Err(error) => Err(error),
        },
        Command::LoadFloor {
            port,
            carrier,
            engine,
            dialect,
        } => match dialect.parse() {
            Ok(dialect) => load::floor::run(port, carrier, &engine, dialect).await,
            Err(error) => Err(error),
        },
        Command::User { command } => change_users(command).await,
        Command::Health => ask_health(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with a `.env` file, without what stands in it: that may be a secret.
fn unreadable(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(line, _) => {
            let name: String = line
                .chars()
                .take_while(|c| c.is_ascii_uppercase() || *c == '_')
                .collect();
            let name = Some(name).filter(|name| line[name.len()..].trim_start().starts_with('='));
            let which = name.map_or("a line".to_owned(), |name| format!("the line of {name}"));
            format!("{which} is not understood; a value with a space, # or $ needs single quotes there")
        }
        error => error.to_string(),
    }
}

/// The engine that is measured; `auto` is no engine, and the prompted one speaks every language.
fn engine_of(flag: Option<String>) -> anyhow::Result<load::dialect::Dialect> {
    let setting = environment("INTERPRETER").map(|name| unquoted(&name).to_owned());
    let named = flag.or_else(|| setting.filter(|name| name != "auto"));
    named.as_deref().unwrap_or("prompted").parse()
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn serve_or_explain() -> ExitCode {
    let logging = Logging::read(&environment, std::io::stderr().is_terminal());
    let config = Config::read(&environment);
    let (logging, config) = match (logging, config) {
        (Ok(logging), Ok(config)) => (logging, config),
        (logging, config) => {
            let mistakes = [logging.err(), config.err()];
            return explain(mistakes.into_iter().flatten().flatten());
        }
    };
    if let Err(error) = logging::start(&logging) {
        eprintln!("{error:#}");
        return ExitCode::FAILURE;
    }
    match serve::run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Tells what is wrong with the settings, all at once.
fn explain(mistakes: impl Iterator<Item = Mistake>) -> ExitCode {
    eprintln!("Duologue cannot start with these settings:\n");
    for mistake in mistakes {
        eprintln!("  {mistake}");
    }
    eprintln!("\nSettings come from the environment or from a file .env; .env.sample lists them all.");
    eprintln!("To see a translated call without any account: duologue demo");
    ExitCode::from(serve::EXIT_CONFIG)
}

async fn change_users(command: UserCommand) -> anyhow::Result<()> {
    let url =
        duologue::config::desk::database_url(&environment).map_err(|mistake| anyhow::anyhow!("{mistake}"))?;
    user::run(&url, command).await
}

fn ask_health() -> anyhow::Result<()> {
    let or = |name: &str, default: &str| {
        environment(name).map_or_else(|| default.to_owned(), |value| unquoted(&value).to_owned())
    };
    let host: IpAddr = or("API_HOST", "")
        .parse()
        .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let port = or("API_PORT", "5050").parse()?;
    health::run(host, port)
}
