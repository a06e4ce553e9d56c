package api

import "github.com/gofiber/fiber/v3"

type message struct {
	Message string `json:"message"`
}

type primes struct {
	N      int `json:"n"`
	Primes int `json:"primes"`
}

func (h handlers) health(c fiber.Ctx) error {
	return c.SendString("OK")
}

func (h handlers) plaintext(c fiber.Ctx) error {
	return c.SendString("Hello, World!")
}

func (h handlers) json(c fiber.Ctx) error {
	return c.JSON(message{Message: "Hello, World!"})
}

func (h handlers) cpu(c fiber.Ctx) error {
	n, err := wholeNumber(c, "n", 1_000_000)
	if err != nil {
		return err
	}
	return c.JSON(primes{N: n, Primes: primesBelow(n)})
}

// primesBelow counts by trial division, as the contract asks.
func primesBelow(n int) int {
	if n <= 2 {
		return 0
	}
	count := 1
	for candidate := 3; candidate < n; candidate += 2 {
		if isPrime(candidate) {
			count++
		}
	}
	return count
}

func isPrime(odd int) bool {
	for divisor := 3; divisor*divisor <= odd; divisor += 2 {
		if odd%divisor == 0 {
			return false
		}
	}
	return true
}
