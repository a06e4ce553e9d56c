// Package store reads and writes the database with pgx.
package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// connectTimeout is how long a database may take to accept a connection; pgxpool waits for two minutes by default.
const connectTimeout = 5 * time.Second

// Store is a pool of connections. They are opened when they are first needed, so a database that is still starting is no error.
type Store struct {
	pool *pgxpool.Pool
}

// Open makes the pool; at most connections are open at a time.
func Open(url string, connections int) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	config.MaxConns = int32(connections)
	config.ConnConfig.ConnectTimeout = connectTimeout
	config.AfterConnect = readTimesAsUTC
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	return &Store{pool: pool}, nil
}

// Close waits until every connection is back in the pool.
func (s *Store) Close() { s.pool.Close() }

// readTimesAsUTC has timestamps answered in UTC, whatever the time zone of the machine.
func readTimesAsUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name:  "timestamptz",
		OID:   pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// Fortunes reads all rows of fortune.
func (s *Store) Fortunes(ctx context.Context) ([]Fortune, error) {
	rows, err := s.pool.Query(ctx, "SELECT id, message FROM fortune")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Fortune])
}
