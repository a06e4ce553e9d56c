package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const (
	selectWorld       = "SELECT id, randomnumber FROM world WHERE id = $1"
	selectCachedWorld = "SELECT id, randomnumber FROM cachedworld WHERE id = $1"
	updateWorld       = "UPDATE world SET randomnumber = $2 WHERE id = $1"
)

// World reads one row.
func (s *Store) World(ctx context.Context, id int32) (World, error) {
	var w World
	err := s.pool.QueryRow(ctx, selectWorld, id).Scan(&w.ID, &w.RandomNumber)
	return w, err
}

// Worlds reads the rows in the order of the ids, each by a statement of its own.
func (s *Store) Worlds(ctx context.Context, ids []int32) ([]World, error) {
	return s.worlds(ctx, selectWorld, ids)
}

// CachedWorlds reads rows of cachedworld as Worlds does those of world.
func (s *Store) CachedWorlds(ctx context.Context, ids []int32) ([]World, error) {
	return s.worlds(ctx, selectCachedWorld, ids)
}

// worlds sends the statements together over one connection, which spares a round trip for each.
func (s *Store) worlds(ctx context.Context, statement string, ids []int32) ([]World, error) {
	worlds := make([]World, len(ids))
	batch := &pgx.Batch{}
	for i, id := range ids {
		batch.Queue(statement, id).QueryRow(func(row pgx.Row) error {
			return row.Scan(&worlds[i].ID, &worlds[i].RandomNumber)
		})
	}
	return worlds, s.pool.SendBatch(ctx, batch).Close()
}

// UpdateWorlds writes the rows in the order given, all or none: PostgreSQL takes a batch as one transaction.
func (s *Store) UpdateWorlds(ctx context.Context, worlds []World) error {
	batch := &pgx.Batch{}
	for _, w := range worlds {
		batch.Queue(updateWorld, w.ID, w.RandomNumber)
	}
	return s.pool.SendBatch(ctx, batch).Close()
}
