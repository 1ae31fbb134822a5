package routes

import (
	"net/http"

	"hotpath/go_sidecar/gateway"
	"hotpath/go_sidecar/gateway/body"
	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/screening/kernels"
	"hotpath/go_sidecar/screening/names"
)

const (
	maxNames = 1000
	maxLimit = 1000

	defaultCutoff, defaultLimit = 0.9, 5 // of screenings, too
)

type nameMatches struct {
	Name       string     `json:"name"`
	Normalized string     `json:"normalized"`
	Hits       []matchHit `json:"hits"`
}

type matchHit struct {
	Row        int32   `json:"row"`
	UID        string  `json:"uid"`
	Name       string  `json:"name"`
	Normalized string  `json:"normalized"`
	Score      float64 `json:"score"`
}

type matchRequest struct {
	names  []string
	cutoff float64
	limit  int
}

func (m *matchRequest) read(d *body.Decoder) {
	m.cutoff, m.limit = defaultCutoff, defaultLimit
	d.Object([]string{"names", "cutoff", "limit"}, 1, func(i int) {
		switch i {
		case 0:
			m.names = m.names[:0]
			d.List(1, maxNames, func(int) { m.names = append(m.names, d.Text(names.MaxChars)) })
		case 1:
			m.cutoff = d.Float(0, 1)
		case 2:
			m.limit = d.Integer(1, maxLimit)
		}
	})
}

var _ = route("POST /v1/matches", (*api).createMatches)

func (a *api) createMatches(w http.ResponseWriter, r *http.Request) error {
	var query matchRequest
	if _, err := a.Read(w, r, query.read); err != nil {
		return err
	}
	var answer struct {
		Results []nameMatches `json:"results"`
	}
	err := a.Compute(r.Context(), func() error {
		normalized := make([]string, len(query.names))
		for i, name := range query.names {
			normalized[i] = names.Normalize(name)
		}
		hits, err := kernels.Screen(r.Context(), packed.Text(normalized), a.watchlist.Index, query.cutoff, query.limit, 1)
		if err != nil {
			return err
		}
		answer.Results = make([]nameMatches, len(query.names))
		for i, name := range query.names {
			from, to := i*query.limit, (i+1)*query.limit
			answer.Results[i] = nameMatches{name, normalized[i], a.matchHits(hits.Rows[from:to], hits.Scores[from:to])}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return gateway.WriteJSON(w, http.StatusOK, answer)
}

func (a *api) matchHits(rows []int32, scores []float64) (hits []matchHit) {
	for i, row := range rows {
		if row < 0 {
			break
		}
		entry := &a.watchlist.Entries[row]
		hits = append(hits, matchHit{row, entry.UID, entry.Name, entry.Normalized, scores[i]})
	}
	return hits
}
