-- TechEmpower's tables, made anew: FrameworkBenchmarks, toolset/databases/postgres/create-postgres.sql.
-- Upstream has each table twice, as World and as "World"; unquoted names fold to lower case, and those are ours.
-- The tool fills `world` itself, with 10,000 rows from a seeded generator; fortune.sql fills `fortune`.
BEGIN;

CREATE EXTENSION IF NOT EXISTS pg_stat_statements;

DROP TABLE IF EXISTS world;
CREATE TABLE world (
    id integer NOT NULL,
    randomnumber integer NOT NULL DEFAULT 0,
    PRIMARY KEY (id)
);

DROP TABLE IF EXISTS fortune;
CREATE TABLE fortune (
    id integer NOT NULL,
    message varchar(2048) NOT NULL,
    PRIMARY KEY (id)
);

COMMIT;
