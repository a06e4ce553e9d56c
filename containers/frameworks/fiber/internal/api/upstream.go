package api

import (
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/log"
)

func (h handlers) upstream(c fiber.Ctx) error {
	if h.Upstream == nil {
		return fiber.NewError(fiber.StatusServiceUnavailable, "no UPSTREAM_URL is set")
	}
	milliseconds, err := wholeNumber(c, "ms", 10_000)
	if err != nil {
		return err
	}
	delay, err := h.Upstream.Delay(milliseconds)
	if err != nil {
		log.Errorf("upstream: %v", err)
		return fiber.NewError(fiber.StatusBadGateway, "the upstream service does not answer")
	}
	return c.JSON(delay)
}
