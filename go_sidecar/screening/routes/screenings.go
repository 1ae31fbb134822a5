package routes

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json/v2"
	"errors"
	"net/http"
	"slices"
	"time"
	"uuid"

	"hotpath/go_sidecar/gateway"
	"hotpath/go_sidecar/gateway/body"
	"hotpath/go_sidecar/gateway/problem"
	"hotpath/go_sidecar/gateway/store"
	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/screening/kernels"
	"hotpath/go_sidecar/screening/names"
	"hotpath/go_sidecar/screening/tables"
)

const (
	maxHits = 20 // a name

	// engine is whose kernels these are, by the service's name for them.
	engine = "go"
)

type screeningRequest struct {
	payments []payment
	cutoff   float64
	limit    int
}

func (s *screeningRequest) read(d *body.Decoder) {
	s.cutoff, s.limit = defaultCutoff, defaultLimit
	d.Object([]string{"payments", "cutoff", "limit"}, 1, func(i int) {
		switch i {
		case 0:
			s.payments = readPayments(d)
		case 1:
			s.cutoff = d.Float(0, 1)
		case 2:
			s.limit = d.Integer(1, maxHits)
		}
	})
}

type screeningResult struct {
	judgement
	DebtorHits   []matchHit `json:"debtor_hits"`
	CreditorHits []matchHit `json:"creditor_hits"`
}

type screeningSummary struct {
	ID        uuid.UUID `json:"id"`
	CreatedAt string    `json:"created_at"`
	Root      string    `json:"root"`
	Size      int       `json:"size"`
	Engine    string    `json:"engine"`
}

func summary(s *tables.Screening) screeningSummary {
	return screeningSummary{s.ID, s.CreatedAt.Format(gateway.Instant), hex.EncodeToString(s.Root), s.Size, s.Engine}
}

// screeningDocument is the summary with the results, which are JSON already.
func screeningDocument(s *tables.Screening) ([]byte, error) {
	document, err := json.Marshal(summary(s))
	if err != nil {
		return nil, err
	}
	return slices.Concat(document[:len(document)-1], []byte(`,"results":`), s.Results, []byte("}")), nil
}

var _ = route("POST /v1/screenings", (*api).createScreening)

func (a *api) createScreening(w http.ResponseWriter, r *http.Request) error {
	var request screeningRequest
	content, err := a.Read(w, r, request.read)
	if err != nil {
		return err
	}
	return a.Create(w, r, content, true, func() (*gateway.Creation, error) {
		var screening *tables.Screening
		err := a.Compute(r.Context(), func() (err error) {
			screening, err = a.screen(r.Context(), &request)
			return err
		})
		if err != nil {
			return nil, err
		}
		answer, err := screeningDocument(screening)
		return &gateway.Creation{
			Row:       tables.Screenings.Row(screening),
			CreatedAt: screening.CreatedAt,
			Location:  "/v1/screenings/" + screening.ID.String(),
			Answer:    answer,
		}, err
	})
}

// screen validates, screens and seals. Errors: only the context's.
func (a *api) screen(ctx context.Context, request *screeningRequest) (*tables.Screening, error) {
	broken, err := a.validate(ctx, request.payments)
	if err != nil {
		return nil, err
	}
	size := len(request.payments)
	normalized := make([]string, 2*size) // the debtors, then the creditors
	for i := range request.payments {
		normalized[i] = names.Normalize(request.payments[i].DebtorName)
		normalized[size+i] = names.Normalize(request.payments[i].CreditorName)
	}
	found, err := kernels.Screen(ctx, packed.Text(normalized), a.watchlist.Index, request.cutoff, request.limit, 1)
	if err != nil {
		return nil, err
	}
	records := packed.Blobs{Offsets: make([]int32, 1, size+1)}
	for i := range request.payments {
		records.Data = request.payments[i].appendCanonical(records.Data)
		records.Offsets = append(records.Offsets, int32(len(records.Data)))
	}
	root, err := kernels.Seal(ctx, records, 1)
	if err != nil {
		return nil, err
	}
	hits := func(query int) []matchHit {
		from, to := query*request.limit, (query+1)*request.limit
		return a.matchHits(found.Rows[from:to], found.Scores[from:to])
	}
	results := make([]screeningResult, size)
	for i := range results {
		results[i] = screeningResult{judge(broken[i]), hits(i), hits(size + i)}
	}
	document, err := json.Marshal(results)
	return &tables.Screening{
		ID:          uuid.NewV7(),
		CreatedAt:   time.Now().UTC().Truncate(time.Microsecond),
		Root:        root[:],
		Size:        size,
		Engine:      engine,
		Watchlist:   a.watchlist.Version,
		Cutoff:      request.cutoff,
		HitsPerName: request.limit,
		Records:     joinLines(records),
		Results:     document,
	}, err
}

// joinLines makes records lines; canonical JSON has no line feed.
func joinLines(records packed.Blobs) []byte {
	lines := make([]byte, 0, len(records.Data)+records.Len())
	for i := range records.Len() {
		if i > 0 {
			lines = append(lines, '\n')
		}
		lines = append(lines, records.At(i)...)
	}
	return lines
}

func splitLines(lines []byte) packed.Blobs {
	records := packed.Blobs{Offsets: []int32{0}, Data: make([]byte, 0, len(lines))}
	for record := range bytes.SplitSeq(lines, []byte("\n")) {
		records.Data = append(records.Data, record...)
		records.Offsets = append(records.Offsets, int32(len(records.Data)))
	}
	return records
}

var _ = route("GET /v1/screenings/{id}", (*api).readScreening)

func (a *api) readScreening(w http.ResponseWriter, r *http.Request) error {
	id, err := gateway.ID(r)
	if err != nil {
		return err
	}
	found, err := tables.ScreeningResults.One(r.Context(), a.Store, id)
	if err != nil {
		return missingScreening(id, err)
	}
	document, err := screeningDocument(found)
	if err != nil {
		return err
	}
	gateway.WriteContent(w, http.StatusOK, "application/json", document)
	return nil
}

func missingScreening(id uuid.UUID, err error) error {
	if err == store.ErrNotFound {
		return problem.New(problem.NotFound, "there is no screening %s", id)
	}
	return err
}

var _ = route("GET /v1/screenings", (*api).listScreenings)

func (a *api) listScreenings(w http.ResponseWriter, r *http.Request) error {
	limit, after, err := gateway.Page(r)
	if err != nil {
		return err
	}
	found, err := tables.ScreeningList.Page(r.Context(), a.Store, limit+1, after) // one more tells of a next page
	if err != nil {
		return err
	}
	var answer struct {
		Screenings []screeningSummary `json:"screenings"`
		Next       *uuid.UUID         `json:"next"`
	}
	found, answer.Next = gateway.Cut(found, limit, func(s *tables.Screening) uuid.UUID { return s.ID })
	for i := range found {
		answer.Screenings = append(answer.Screenings, summary(&found[i]))
	}
	return gateway.WriteJSON(w, http.StatusOK, answer)
}

type inclusionProof struct {
	Place  int      `json:"place"`
	Size   int      `json:"size"`
	Root   string   `json:"root"`
	Record string   `json:"record"`
	Proof  []string `json:"proof"` // hex nodes, the leaf's sibling first
}

var _ = route("GET /v1/screenings/{id}/proofs/{place}", (*api).readProof)

func (a *api) readProof(w http.ResponseWriter, r *http.Request) error {
	id, place, err := proofWanted(r)
	if err != nil {
		return err
	}
	found, err := tables.ScreeningRecords.One(r.Context(), a.Store, id)
	if err != nil {
		return missingScreening(id, err)
	}
	if place < 0 || place >= found.Size {
		return problem.New(problem.NotFound, "place: expected 0 to %d, got %.60s", found.Size-1, r.PathValue("place"))
	}
	var answer inclusionProof
	err = a.Compute(r.Context(), func() error {
		records := splitLines(found.Records)
		proofs, err := kernels.Prove(r.Context(), records, []int32{int32(place)}, 1)
		if err != nil {
			return err
		}
		answer = inclusionProof{place, found.Size, hex.EncodeToString(found.Root), string(records.At(place)), nodesHex(proofs[0])}
		return nil
	})
	if err != nil {
		return err
	}
	return gateway.WriteJSON(w, http.StatusOK, answer)
}

// proofWanted reads the path. A place past every integer becomes the nearest one there is,
// which no batch has either.
func proofWanted(r *http.Request) (id uuid.UUID, place int, err error) {
	var fields []problem.Field
	id, err = gateway.ID(r)
	var known *problem.Error
	if errors.As(err, &known) {
		fields = known.Fields
	}
	place, is := gateway.Integer(r.PathValue("place"))
	if !is {
		fields = append(fields, problem.Invalid("place", "expected an integer, got %.60q", r.PathValue("place")).Fields...)
	}
	return id, place, body.Refused(fields)
}
