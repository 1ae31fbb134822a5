package gateway

import (
	"bytes"
	"cmp"
	"errors"
	"html"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"

	"hotpath/go_sidecar/gateway/store"
)

const worlds = 10_000 // rows of the table world, with ids from 1 on

func (g *Gateway) benchPlaintext(w http.ResponseWriter, r *http.Request) error {
	WriteContent(w, http.StatusOK, "text/plain", []byte("Hello, World!"))
	return nil
}

func (g *Gateway) benchJSON(w http.ResponseWriter, r *http.Request) error {
	return WriteJSON(w, http.StatusOK, struct {
		Message string `json:"message"`
	}{"Hello, World!"})
}

func (g *Gateway) benchDB(w http.ResponseWriter, r *http.Request) error {
	rows, err := g.Store.Worlds(r.Context(), []int32{randomID()})
	if err != nil {
		return err
	}
	return WriteJSON(w, http.StatusOK, rows[0])
}

func (g *Gateway) benchQueries(w http.ResponseWriter, r *http.Request) error {
	ids := make([]int32, queries(r))
	for i := range ids {
		ids[i] = randomID()
	}
	rows, err := g.Store.Worlds(r.Context(), ids)
	if err != nil {
		return err
	}
	return WriteJSON(w, http.StatusOK, rows)
}

func (g *Gateway) benchUpdates(w http.ResponseWriter, r *http.Request) error {
	ids := make([]int32, 0, queries(r))
	seen := make(map[int32]bool, cap(ids))
	for len(ids) < cap(ids) {
		if id := randomID(); !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	rows, err := g.Store.Worlds(r.Context(), ids)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].RandomNumber = randomID()
	}
	if err := g.Store.UpdateWorlds(r.Context(), rows); err != nil {
		return err
	}
	return WriteJSON(w, http.StatusOK, rows)
}

func (g *Gateway) benchFortunes(w http.ResponseWriter, r *http.Request) error {
	fortunes, err := g.Store.Fortunes(r.Context())
	if err != nil {
		return err
	}
	WriteContent(w, http.StatusOK, "text/html; charset=utf-8", fortunesPage(fortunes))
	return nil
}

func fortunesPage(fortunes []store.Fortune) []byte {
	fortunes = append(fortunes, store.Fortune{Message: "Additional fortune added at request time."})
	slices.SortFunc(fortunes, func(a, b store.Fortune) int { return cmp.Compare(a.Message, b.Message) })
	var page bytes.Buffer
	page.WriteString("<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>")
	for _, fortune := range fortunes {
		page.WriteString("<tr><td>")
		page.WriteString(strconv.Itoa(int(fortune.ID)))
		page.WriteString("</td><td>")
		page.WriteString(html.EscapeString(fortune.Message))
		page.WriteString("</td></tr>")
	}
	page.WriteString("</table></body></html>")
	return page.Bytes()
}

// queries reads the parameter as the test types define it: never an error.
func queries(r *http.Request) int {
	text, _ := QueryValue(r, "queries")
	number, err := strconv.Atoi(text)
	if errors.Is(err, strconv.ErrSyntax) {
		number = 1
	}
	return min(max(number, 1), 500)
}

func randomID() int32 { return 1 + rand.Int32N(worlds) }
