package api

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v3"

	"tiermark/fiber/internal/store"
)

const mostRows = 500

func (h handlers) db(c fiber.Ctx) error {
	world, err := h.Store.World(c.Context(), randomID())
	if err != nil {
		return err
	}
	return c.JSON(world)
}

func (h handlers) queries(c fiber.Ctx) error {
	worlds, err := h.Store.Worlds(c.Context(), randomIDs(rowCount(c.Query("queries"))))
	if err != nil {
		return err
	}
	return c.JSON(worlds)
}

func (h handlers) updates(c fiber.Ctx) error {
	// Rows are read and written in the order of their ids: two requests that lock the same rows do not deadlock then.
	ids := distinctIDs(rowCount(c.Query("queries")))
	slices.Sort(ids)
	worlds, err := h.Store.Worlds(c.Context(), ids)
	if err != nil {
		return err
	}
	for i := range worlds {
		worlds[i].RandomNumber = randomID()
	}
	if err := h.Store.UpdateWorlds(c.Context(), worlds); err != nil {
		return err
	}
	return c.JSON(worlds)
}

func (h handlers) cachedQueries(c fiber.Ctx) error {
	ids := randomIDs(rowCount(c.Query("count")))
	worlds := make([]store.World, 0, len(ids))
	var missing []int32
	for _, id := range ids {
		if world, ok := h.cache.Get(id); ok {
			worlds = append(worlds, world)
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		read, err := h.Store.CachedWorlds(c.Context(), missing)
		if err != nil {
			return err
		}
		for _, world := range read {
			h.cache.Add(world.ID, world)
		}
		worlds = append(worlds, read...)
	}
	return c.JSON(worlds)
}

func (h handlers) fortunes(c fiber.Ctx) error {
	fortunes, err := h.Store.Fortunes(c.Context())
	if err != nil {
		return err
	}
	fortunes = append(fortunes, store.Fortune{Message: "Additional fortune added at request time."})
	slices.SortFunc(fortunes, func(a, b store.Fortune) int { return cmp.Compare(a.Message, b.Message) })
	return c.Render("fortunes", fortunes)
}

// rowCount is what the contract makes of a number in the query string: anything below 1 or no number is 1, above 500 is 500.
func rowCount(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // out of range, n is the nearest number there is
		return 1
	}
	return min(max(n, 1), mostRows)
}

func randomID() int32 {
	return rand.Int32N(store.WorldRows) + 1
}

func randomIDs(count int) []int32 {
	ids := make([]int32, count)
	for i := range ids {
		ids[i] = randomID()
	}
	return ids
}

func distinctIDs(count int) []int32 {
	ids := make([]int32, 0, count)
	drawn := make(map[int32]struct{}, count)
	for len(ids) < count {
		id := randomID()
		if _, again := drawn[id]; !again {
			drawn[id] = struct{}{}
			ids = append(ids, id)
		}
	}
	return ids
}
