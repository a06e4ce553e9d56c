package api

import (
	"fmt"
	"strconv"

	"github.com/gofiber/fiber/v3"

	"tiermark/fiber/internal/store"
)

// Pointers tell what is missing or null from what is zero.
type orderRequest struct {
	Customer *int64         `json:"customer" validate:"required,gte=1,lte=2147483647"`
	Lines    []*lineRequest `json:"lines" validate:"required,min=1,max=50,dive,required"`
}

type lineRequest struct {
	SKU      *string `json:"sku" validate:"required,sku"`
	Quantity *int64  `json:"quantity" validate:"required,gte=1,lte=1000"`
	Price    *int64  `json:"price" validate:"required,gte=1,lte=10000000"`
}

type listRequest struct {
	Customer *int64 `query:"customer" validate:"required,gte=1,lte=2147483647"`
	Limit    int64  `query:"limit,default:20" validate:"gte=1,lte=100"`
}

type listAnswer struct {
	Orders []store.Order `json:"orders"`
}

func (h handlers) listOrders(c fiber.Ctx) error {
	var request listRequest
	if err := c.Bind().Query(&request); err != nil {
		return c.Status(fiber.StatusUnprocessableEntity).JSON(fiber.Map{"errors": h.validator.InQuery(c.Query, &request)})
	}
	orders, err := h.Store.Orders(c.Context(), int32(*request.Customer), int32(request.Limit))
	if err != nil {
		return err
	}
	return c.JSON(listAnswer{Orders: orders})
}

func (h handlers) createOrder(c fiber.Ctx) error {
	var request orderRequest
	if err := c.Bind().JSON(&request); err != nil {
		return h.refuseOrder(c, &request)
	}
	order := request.order()
	if err := h.Store.CreateOrder(c.Context(), &order); err != nil {
		return err
	}
	c.Location(fmt.Sprintf("/orders/%d", order.ID))
	return c.Status(fiber.StatusCreated).JSON(order)
}

func (h handlers) readOrder(c fiber.Ctx) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	order, err := h.Store.Order(c.Context(), id)
	if err != nil {
		return err
	}
	return c.JSON(order)
}

func (h handlers) replaceOrder(c fiber.Ctx) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	var request orderRequest
	if err := c.Bind().JSON(&request); err != nil {
		return h.refuseOrder(c, &request)
	}
	order := request.order()
	order.ID = id
	if err := h.Store.ReplaceOrder(c.Context(), &order); err != nil {
		return err
	}
	return c.JSON(order)
}

func (h handlers) deleteOrder(c fiber.Ctx) error {
	id, err := orderID(c)
	if err != nil {
		return err
	}
	if err := h.Store.DeleteOrder(c.Context(), id); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// orderID reads the path's id. What is no number that an order can have is not found.
func orderID(c fiber.Ctx) (int32, error) {
	id, err := strconv.ParseInt(c.Params("id"), 10, 32)
	if err != nil {
		return 0, store.ErrNotFound
	}
	return int32(id), nil
}

// refuseOrder answers for a body that could not be bound.
func (h handlers) refuseOrder(c fiber.Ctx, request *orderRequest) error {
	found := h.validator.InBody(c.Body(), request)
	if found == nil {
		return fiber.NewError(fiber.StatusBadRequest, "the body is not JSON")
	}
	return c.Status(fiber.StatusUnprocessableEntity).JSON(fiber.Map{"errors": found})
}

func (r *orderRequest) order() store.Order {
	order := store.Order{Customer: int32(*r.Customer), Lines: make([]store.Line, len(r.Lines))}
	for i, line := range r.Lines {
		order.Lines[i] = store.Line{SKU: *line.SKU, Quantity: int32(*line.Quantity), Price: int32(*line.Price)}
		order.Total += *line.Quantity * *line.Price
	}
	return order
}
