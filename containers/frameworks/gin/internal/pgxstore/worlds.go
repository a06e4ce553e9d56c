package pgxstore

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tiermark/gin/internal/model"
)

const (
	selectWorld       = "SELECT id, randomnumber FROM world WHERE id = $1"
	selectCachedWorld = "SELECT id, randomnumber FROM cachedworld WHERE id = $1"
	updateWorld       = "UPDATE world SET randomnumber = $2 WHERE id = $1"
)

// World reads one row.
func (s *Store) World(ctx context.Context, id int32) (model.World, error) {
	var w model.World
	err := s.pool.QueryRow(ctx, selectWorld, id).Scan(&w.ID, &w.RandomNumber)
	return w, err
}

// Worlds reads the rows in the order of the ids, each by a statement of its own.
func (s *Store) Worlds(ctx context.Context, ids []int32) ([]model.World, error) {
	return s.worlds(ctx, selectWorld, ids)
}

// CachedWorlds reads rows of cachedworld as Worlds does those of world.
func (s *Store) CachedWorlds(ctx context.Context, ids []int32) ([]model.World, error) {
	return s.worlds(ctx, selectCachedWorld, ids)
}

// worlds runs the statements one after the other over one connection. A pgx.Batch would spare the round trips, but it is one transaction,
// in which a statement that fails takes the others with it: the contract has each row read by itself.
func (s *Store) worlds(ctx context.Context, statement string, ids []int32) ([]model.World, error) {
	worlds := make([]model.World, len(ids))
	err := s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		for i, id := range ids {
			if err := conn.QueryRow(ctx, statement, id).Scan(&worlds[i].ID, &worlds[i].RandomNumber); err != nil {
				return err
			}
		}
		return nil
	})
	return worlds, err
}

// UpdateWorlds writes the rows in the order given, all or none: PostgreSQL takes a batch as one transaction.
func (s *Store) UpdateWorlds(ctx context.Context, worlds []model.World) error {
	batch := &pgx.Batch{}
	for _, w := range worlds {
		batch.Queue(updateWorld, w.ID, w.RandomNumber)
	}
	return s.pool.SendBatch(ctx, batch).Close()
}
