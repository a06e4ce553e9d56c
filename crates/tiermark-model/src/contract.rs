//! What tiermark and a reference server agree on besides HTTP: the environment. `containers/CONTRACT.md` is the prose.

/// Address to bind to.
pub const HOST: &str = "HOST";
/// Port to listen on.
pub const PORT: &str = "PORT";
/// `postgres://user:password@host:port/database`; absent if a scenario needs no database.
pub const DATABASE_URL: &str = "DATABASE_URL";
/// `http://host:port` of the upstream service; absent if a scenario needs none.
pub const UPSTREAM_URL: &str = "UPSTREAM_URL";
/// Number of processes.
pub const WORKERS: &str = "WORKERS";
/// Database connections of each process.
pub const DB_POOL_SIZE: &str = "DB_POOL_SIZE";

/// All variables that tiermark sets itself.
pub const ENVIRONMENT: [&str; 6] = [HOST, PORT, DATABASE_URL, UPSTREAM_URL, WORKERS, DB_POOL_SIZE];

/// The service that is the database, by its folder below `containers/services/`.
pub const POSTGRES: &str = "postgres";
/// The service that `/upstream` asks; the built-in baseline plays it.
pub const UPSTREAM: &str = "upstream";

/// Rows of the tables `world` and `cachedworld` (TechEmpower).
pub const WORLD_ROWS: u32 = 10_000;
/// Rows of table `orders` at the start.
pub const ORDER_ROWS: u32 = 10_000;
/// Customers of the orders at the start: 1 to this, each with the same number of them.
pub const CUSTOMERS: u32 = 1_000;
/// Most lines of an order at the start.
pub const MAX_SEEDED_LINES: u32 = 5;
/// Rows of table `fortune` (TechEmpower).
pub const FORTUNE_ROWS: u32 = 12;
