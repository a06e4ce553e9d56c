package gormstore

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiermark/gin/internal/model"
)

// World reads one row.
func (s *Store) World(ctx context.Context, id int32) (model.World, error) {
	return gorm.G[model.World](s.db).Where("id = ?", id).Take(ctx)
}

// Worlds reads the rows in the order of the ids, each by a statement of its own.
func (s *Store) Worlds(ctx context.Context, ids []int32) ([]model.World, error) {
	return s.worlds(ctx, "world", ids)
}

// CachedWorlds reads rows of cachedworld as Worlds does those of world.
func (s *Store) CachedWorlds(ctx context.Context, ids []int32) ([]model.World, error) {
	return s.worlds(ctx, "cachedworld", ids)
}

func (s *Store) worlds(ctx context.Context, table string, ids []int32) ([]model.World, error) {
	worlds := make([]model.World, len(ids))
	for i, id := range ids {
		world, err := gorm.G[model.World](s.db).Table(table).Where("id = ?", id).Take(ctx)
		if err != nil {
			return nil, err
		}
		worlds[i] = world
	}
	return worlds, nil
}

// UpdateWorlds writes the rows in the order given by one statement: GORM's way to give several rows different values is the upsert.
func (s *Store) UpdateWorlds(ctx context.Context, worlds []model.World) error {
	return s.db.WithContext(ctx).Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "id"}},
		DoUpdates: clause.AssignmentColumns([]string{"randomnumber"}),
	}).Create(&worlds).Error
}
