//! What tiermark and a reference server agree on beside HTTP: the environment. `containers/CONTRACT.md` is the prose.

/// Address to bind to.
pub const HOST: &str = "HOST";
/// Port to listen on.
pub const PORT: &str = "PORT";
/// `postgres://user:password@host:port/database`; absent where a scenario needs no database.
pub const DATABASE_URL: &str = "DATABASE_URL";
/// Number of processes.
pub const WORKERS: &str = "WORKERS";
/// Database connections of each process.
pub const DB_POOL_SIZE: &str = "DB_POOL_SIZE";

/// All variables that tiermark sets itself.
pub const ENVIRONMENT: [&str; 5] = [HOST, PORT, DATABASE_URL, WORKERS, DB_POOL_SIZE];

/// Rows of table `world` (TechEmpower).
pub const WORLD_ROWS: u32 = 10_000;
/// Rows of table `fortune` (TechEmpower).
pub const FORTUNE_ROWS: u32 = 12;
