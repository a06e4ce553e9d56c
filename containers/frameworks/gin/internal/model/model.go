// Package model holds the rows of the database as the routes answer with them. Only the GORM variant reads the gorm tags.
package model

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
	ID           int32 `json:"id" gorm:"primaryKey;autoIncrement:false"`
	RandomNumber int32 `json:"randomNumber" gorm:"column:randomnumber"`
}

// TableName tells GORM, which would look for worlds.
func (World) TableName() string { return "world" }

// Fortune is a row of fortune.
type Fortune struct {
	ID      int32
	Message string
}

// TableName tells GORM, which would look for fortunes.
func (Fortune) TableName() string { return "fortune" }

// Order is a row of orders with its lines.
type Order struct {
	ID       int32     `json:"id"`
	Customer int32     `json:"customer"`
	Total    int64     `json:"total"`
	Created  time.Time `json:"created" gorm:"column:created_at;default:now()"`
	Lines    []Line    `json:"lines"`
}

// Line is a row of order_lines.
type Line struct {
	ID       int64  `json:"-"`
	OrderID  int32  `json:"-"`
	Position int32  `json:"-"`
	SKU      string `json:"sku"`
	Quantity int32  `json:"quantity"`
	Price    int32  `json:"price"`
}

// TableName tells GORM, which would look for lines.
func (Line) TableName() string { return "order_lines" }
