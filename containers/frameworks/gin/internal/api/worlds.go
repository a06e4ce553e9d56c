package api

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"tiermark/gin/internal/model"
)

const mostRows = 500

func (h handlers) db(c *gin.Context) {
	world, err := h.Store.World(c.Request.Context(), randomID())
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, world)
}

func (h handlers) queries(c *gin.Context) {
	worlds, err := h.Store.Worlds(c.Request.Context(), randomIDs(rowCount(c.Query("queries"))))
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, worlds)
}

func (h handlers) updates(c *gin.Context) {
	// Rows are read and written in the order of their ids: two requests that lock the same rows do not deadlock then.
	ids := distinctIDs(rowCount(c.Query("queries")))
	slices.Sort(ids)
	worlds, err := h.Store.Worlds(c.Request.Context(), ids)
	if err != nil {
		fail(c, err)
		return
	}
	for i := range worlds {
		worlds[i].RandomNumber = randomID()
	}
	if err := h.Store.UpdateWorlds(c.Request.Context(), worlds); err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, worlds)
}

func (h handlers) cachedQueries(c *gin.Context) {
	ids := randomIDs(rowCount(c.Query("count")))
	worlds := make([]model.World, 0, len(ids))
	var missing []int32
	for _, id := range ids {
		if world, ok := h.cache.Get(id); ok {
			worlds = append(worlds, world)
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		read, err := h.Store.CachedWorlds(c.Request.Context(), missing)
		if err != nil {
			fail(c, err)
			return
		}
		for _, world := range read {
			h.cache.Add(world.ID, world)
		}
		worlds = append(worlds, read...)
	}
	c.JSON(http.StatusOK, worlds)
}

func (h handlers) fortunes(c *gin.Context) {
	fortunes, err := h.Store.Fortunes(c.Request.Context())
	if err != nil {
		fail(c, err)
		return
	}
	fortunes = append(fortunes, model.Fortune{Message: "Additional fortune added at request time."})
	slices.SortFunc(fortunes, func(a, b model.Fortune) int { return cmp.Compare(a.Message, b.Message) })
	c.HTML(http.StatusOK, "fortunes.html", fortunes)
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
	return rand.Int32N(model.WorldRows) + 1
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
