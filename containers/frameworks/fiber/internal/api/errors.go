package api

import (
	"errors"
	"strconv"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/log"

	"tiermark/fiber/internal/store"
)

// answerError answers for every error that a handler returns. What a client may not read goes to the log.
func answerError(c fiber.Ctx, err error) error {
	var known *fiber.Error
	switch {
	case errors.As(err, &known):
		return c.Status(known.Code).JSON(fiber.Map{"error": known.Message})
	case errors.Is(err, store.ErrNotFound):
		return c.Status(fiber.StatusNotFound).JSON(fiber.Map{"error": "not found"})
	default:
		log.Errorf("%s %s: %v", c.Method(), c.Route().Path, err)
		return c.Status(fiber.StatusInternalServerError).JSON(fiber.Map{"error": "internal server error"})
	}
}

// wholeNumber reads a parameter that must be a number from 0 to most.
func wholeNumber(c fiber.Ctx, name string, most int) (int, error) {
	n, err := strconv.Atoi(c.Query(name))
	if err != nil || n < 0 || n > most {
		return 0, fiber.NewError(fiber.StatusUnprocessableEntity, name+" must be a whole number from 0 to "+strconv.Itoa(most))
	}
	return n, nil
}
