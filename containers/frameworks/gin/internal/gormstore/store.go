// Package gormstore reads and writes the database with GORM.
package gormstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"tiermark/gin/internal/model"
)

// connectTimeout is how long a database may take to accept a connection.
const connectTimeout = 5 * time.Second

// Store is GORM on a pool of database/sql.
type Store struct {
	db   *gorm.DB
	pool *sql.DB
}

// Open makes the pool; at most connections are open at a time.
func Open(url string, connections int) (*Store, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	config.ConnectTimeout = connectTimeout
	pool := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(readTimesAsUTC))
	pool.SetMaxOpenConns(connections)
	// database/sql keeps two idle connections by default and would close and open the others all the time.
	pool.SetMaxIdleConns(connections)

	db, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{
		// Both are the advice of GORM's page on performance. What writes several rows opens a transaction by itself.
		SkipDefaultTransaction: true,
		PrepareStmt:            true,
		// A database that is still starting is no error.
		DisableAutomaticPing: true,
		// The handlers log what goes wrong.
		Logger: logger.Discard,
	})
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	return &Store{db: db, pool: pool}, nil
}

// Close waits until the statements that are under way have ended.
func (s *Store) Close() { _ = s.pool.Close() }

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
func (s *Store) Fortunes(ctx context.Context) ([]model.Fortune, error) {
	return gorm.G[model.Fortune](s.db).Find(ctx)
}
