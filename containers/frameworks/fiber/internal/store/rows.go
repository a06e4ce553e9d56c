package store

import (
	"errors"
	"time"
)

// ErrNotFound says that there is no order with the id that was asked for.
var ErrNotFound = errors.New("not found")

// WorldRows is how many rows world and cachedworld have, with ids from 1 on.
const WorldRows = 10_000

// World is a row of world or of cachedworld.
type World struct {
	ID           int32 `json:"id"`
	RandomNumber int32 `json:"randomNumber"`
}

// Fortune is a row of fortune.
type Fortune struct {
	ID      int32
	Message string
}

// Order is a row of orders with its lines.
type Order struct {
	ID       int32     `json:"id"`
	Customer int32     `json:"customer"`
	Total    int64     `json:"total"`
	Created  time.Time `json:"created"`
	Lines    []Line    `json:"lines"`
}

// Line is a row of order_lines. Its position is the one in the order's list.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int32  `json:"quantity"`
	Price    int32  `json:"price"`
}
