package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/gin-gonic/gin/binding"
	"github.com/go-playground/validator/v10"

	"tiermark/gin/internal/faults"
	"tiermark/gin/internal/model"
)

// mostBody is many times the largest order.
const mostBody = 1 << 20

// Pointers tell what is missing or null from what is zero.
type orderRequest struct {
	Customer *int64         `json:"customer" binding:"required,gte=1,lte=2147483647"`
	Lines    []*lineRequest `json:"lines" binding:"required,min=1,max=50,dive,required"`
}

type lineRequest struct {
	SKU      *string `json:"sku" binding:"required,sku"`
	Quantity *int64  `json:"quantity" binding:"required,gte=1,lte=1000"`
	Price    *int64  `json:"price" binding:"required,gte=1,lte=10000000"`
}

type listRequest struct {
	Customer *int64 `form:"customer" binding:"required,gte=1,lte=2147483647"`
	Limit    int64  `form:"limit,default=20" binding:"gte=1,lte=100"`
}

type listAnswer struct {
	Orders []model.Order `json:"orders"`
}

var sku = regexp.MustCompile(`^[A-Z0-9-]{3,32}$`)

// prepareValidator teaches Gin's validator the rules of orders and the names of their fields.
func prepareValidator() error {
	engine, ok := binding.Validator.Engine().(*validator.Validate)
	if !ok {
		return errors.New("binding: unexpected validator")
	}
	binding.EnableDecoderDisallowUnknownFields = true
	engine.RegisterTagNameFunc(faults.FieldName)
	return engine.RegisterValidation("sku", func(field validator.FieldLevel) bool {
		return sku.MatchString(field.Field().String())
	})
}

func (h handlers) listOrders(c *gin.Context) {
	var request listRequest
	if err := c.ShouldBindQuery(&request); err != nil {
		c.AbortWithStatusJSON(http.StatusUnprocessableEntity, gin.H{"errors": faults.InQuery(c.Request.URL.Query(), &request)})
		return
	}
	orders, err := h.Store.Orders(c.Request.Context(), int32(*request.Customer), int32(request.Limit))
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, listAnswer{Orders: orders})
}

func (h handlers) createOrder(c *gin.Context) {
	order, ok := bindOrder(c)
	if !ok {
		return
	}
	if err := h.Store.CreateOrder(c.Request.Context(), &order); err != nil {
		fail(c, err)
		return
	}
	c.Header("Location", fmt.Sprintf("/orders/%d", order.ID))
	c.JSON(http.StatusCreated, order)
}

func (h handlers) readOrder(c *gin.Context) {
	id, ok := orderID(c)
	if !ok {
		return
	}
	order, err := h.Store.Order(c.Request.Context(), id)
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, order)
}

func (h handlers) replaceOrder(c *gin.Context) {
	id, ok := orderID(c)
	if !ok {
		return
	}
	order, ok := bindOrder(c)
	if !ok {
		return
	}
	order.ID = id
	if err := h.Store.ReplaceOrder(c.Request.Context(), &order); err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, order)
}

func (h handlers) deleteOrder(c *gin.Context) {
	id, ok := orderID(c)
	if !ok {
		return
	}
	if err := h.Store.DeleteOrder(c.Request.Context(), id); err != nil {
		fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

// orderID reads the path's id. Where it is no number that an order can have, it has answered.
func orderID(c *gin.Context) (int32, bool) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 32)
	if err != nil {
		fail(c, model.ErrNotFound)
		return 0, false
	}
	return int32(id), true
}

// bindOrder reads and checks the body. Where it breaks a rule, it has answered.
func bindOrder(c *gin.Context) (model.Order, bool) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, mostBody)
	body, err := c.GetRawData()
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		refuse(c, http.StatusRequestEntityTooLarge, "the body is too large")
		return model.Order{}, false
	}
	// Gin's binding reads the first value of a body and would not see that something else follows.
	if err != nil || !json.Valid(body) {
		refuse(c, http.StatusBadRequest, "the body is not JSON")
		return model.Order{}, false
	}
	var request orderRequest
	if err := binding.JSON.BindBody(body, &request); err != nil {
		c.AbortWithStatusJSON(http.StatusUnprocessableEntity, gin.H{"errors": faults.InBody(body, &request)})
		return model.Order{}, false
	}
	return request.order(), true
}

func (r *orderRequest) order() model.Order {
	order := model.Order{Customer: int32(*r.Customer), Lines: make([]model.Line, len(r.Lines))}
	for i, line := range r.Lines {
		order.Lines[i] = model.Line{
			Position: int32(i),
			SKU:      *line.SKU,
			Quantity: int32(*line.Quantity),
			Price:    int32(*line.Price),
		}
		order.Total += *line.Quantity * *line.Price
	}
	return order
}
