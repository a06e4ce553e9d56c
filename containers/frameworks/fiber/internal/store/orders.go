package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Orders and lines are read by one statement, so that both are of the same moment. An order has at least one line.
const (
	selectOrder = `
		SELECT o.id, o.customer, o.total, o.created_at, l.sku, l.quantity, l.price
		FROM orders o JOIN order_lines l ON l.order_id = o.id
		WHERE o.id = $1
		ORDER BY l.position`
	selectOrders = `
		SELECT o.id, o.customer, o.total, o.created_at, l.sku, l.quantity, l.price
		FROM (SELECT * FROM orders WHERE customer = $1 ORDER BY id DESC LIMIT $2) o
		JOIN order_lines l ON l.order_id = o.id
		ORDER BY o.id DESC, l.position`
	insertOrder = `INSERT INTO orders (customer, total) VALUES ($1, $2) RETURNING id, created_at`
	insertLine  = `INSERT INTO order_lines (order_id, position, sku, quantity, price) VALUES ($1, $2, $3, $4, $5)`
	updateOrder = `UPDATE orders SET customer = $2, total = $3 WHERE id = $1 RETURNING created_at`
	deleteLines = `DELETE FROM order_lines WHERE order_id = $1`
	deleteOrder = `DELETE FROM orders WHERE id = $1`
)

// Order reads an order with its lines.
func (s *Store) Order(ctx context.Context, id int32) (Order, error) {
	orders, err := s.orders(ctx, selectOrder, id)
	if err != nil {
		return Order{}, err
	}
	if len(orders) == 0 {
		return Order{}, ErrNotFound
	}
	return orders[0], nil
}

// Orders reads the newest orders of a customer with their lines.
func (s *Store) Orders(ctx context.Context, customer, limit int32) ([]Order, error) {
	return s.orders(ctx, selectOrders, customer, limit)
}

func (s *Store) orders(ctx context.Context, statement string, arguments ...any) ([]Order, error) {
	rows, err := s.pool.Query(ctx, statement, arguments...)
	if err != nil {
		return nil, err
	}
	orders := []Order{}
	var order Order
	var line Line
	columns := []any{&order.ID, &order.Customer, &order.Total, &order.Created, &line.SKU, &line.Quantity, &line.Price}
	_, err = pgx.ForEachRow(rows, columns, func() error {
		if len(orders) == 0 || orders[len(orders)-1].ID != order.ID {
			orders = append(orders, order)
		}
		last := &orders[len(orders)-1]
		last.Lines = append(last.Lines, line)
		return nil
	})
	return orders, err
}

// CreateOrder stores an order with its lines, and sets its id and the time of its creation.
func (s *Store) CreateOrder(ctx context.Context, order *Order) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, insertOrder, order.Customer, order.Total).Scan(&order.ID, &order.Created)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		queueLines(batch, order)
		return tx.SendBatch(ctx, batch).Close()
	})
}

// ReplaceOrder stores what an order's customer and lines are from now on, and sets the time of its creation.
func (s *Store) ReplaceOrder(ctx context.Context, order *Order) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, updateOrder, order.ID, order.Customer, order.Total).Scan(&order.Created)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		batch.Queue(deleteLines, order.ID)
		queueLines(batch, order)
		return tx.SendBatch(ctx, batch).Close()
	})
}

func queueLines(batch *pgx.Batch, order *Order) {
	for position, line := range order.Lines {
		batch.Queue(insertLine, order.ID, position, line.SKU, line.Quantity, line.Price)
	}
}

// DeleteOrder removes an order; its lines go with it, by their foreign key.
func (s *Store) DeleteOrder(ctx context.Context, id int32) error {
	deleted, err := s.pool.Exec(ctx, deleteOrder, id)
	if err == nil && deleted.RowsAffected() == 0 {
		return ErrNotFound
	}
	return err
}
