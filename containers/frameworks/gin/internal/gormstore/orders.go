package gormstore

import (
	"context"
	"errors"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiermark/gin/internal/model"
)

// withLines has GORM read the lines of all orders by one more statement.
func withLines(query gorm.PreloadBuilder) error {
	query.Order("position")
	return nil
}

// Order reads an order with its lines.
func (s *Store) Order(ctx context.Context, id int32) (model.Order, error) {
	order, err := gorm.G[model.Order](s.db).Preload("Lines", withLines).Where("id = ?", id).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return model.Order{}, model.ErrNotFound
	}
	return order, err
}

// Orders reads the newest orders of a customer with their lines.
func (s *Store) Orders(ctx context.Context, customer, limit int32) ([]model.Order, error) {
	return gorm.G[model.Order](s.db).Preload("Lines", withLines).
		Where("customer = ?", customer).Order("id DESC").Limit(int(limit)).Find(ctx)
}

// CreateOrder stores an order with its lines, and sets its id and the time of its creation.
func (s *Store) CreateOrder(ctx context.Context, order *model.Order) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return tx.Create(order).Error
	})
}

// ReplaceOrder stores what an order's customer and lines are from now on, and sets the time of its creation.
func (s *Store) ReplaceOrder(ctx context.Context, order *model.Order) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		created := clause.Returning{Columns: []clause.Column{{Name: "created_at"}}}
		updated := tx.Model(order).Clauses(created).Select("Customer", "Total").Updates(order)
		if updated.Error != nil {
			return updated.Error
		}
		if updated.RowsAffected == 0 {
			return model.ErrNotFound
		}
		if err := tx.Where("order_id = ?", order.ID).Delete(&model.Line{}).Error; err != nil {
			return err
		}
		for i := range order.Lines {
			order.Lines[i].OrderID = order.ID
		}
		return tx.Create(&order.Lines).Error
	})
}

// DeleteOrder removes an order; its lines go with it, by their foreign key.
func (s *Store) DeleteOrder(ctx context.Context, id int32) error {
	deleted, err := gorm.G[model.Order](s.db).Where("id = ?", id).Delete(ctx)
	if err == nil && deleted == 0 {
		return model.ErrNotFound
	}
	return err
}
