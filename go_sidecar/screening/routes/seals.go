package routes

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"hotpath/go_sidecar/gateway"
	"hotpath/go_sidecar/gateway/body"
	"hotpath/go_sidecar/gateway/problem"
	"hotpath/go_sidecar/packed"
	"hotpath/go_sidecar/screening/kernels"
)

const (
	maxRecords = 10_000
	maxProofs  = 1_000
)

type sealRequest struct {
	records packed.Blobs
	prove   []int
}

func (s *sealRequest) read(d *body.Decoder) {
	d.Object([]string{"records", "prove"}, 1, func(i int) {
		if i == 0 {
			s.records = packed.Blobs{Offsets: []int32{0}}
			d.List(0, maxRecords, func(int) {
				s.records.Data = d.AppendBase64(s.records.Data)
				s.records.Offsets = append(s.records.Offsets, int32(len(s.records.Data)))
			})
		} else {
			s.prove = s.prove[:0]
			d.List(0, maxProofs, func(int) { s.prove = append(s.prove, d.AnyInteger()) })
		}
	})
}

// places returns what is to be proved. Errors: invalid_argument for the first place outside
// of the batch.
func (s *sealRequest) places() ([]int32, error) {
	size := s.records.Len()
	places := make([]int32, len(s.prove))
	for i, place := range s.prove {
		if place < 0 || place >= size {
			expected := "no places, as there are no records"
			if size > 0 {
				expected = fmt.Sprintf("0 to %d", size-1)
			}
			return nil, problem.Invalid(fmt.Sprintf("prove[%d]", i), "expected %s, got %d", expected, place)
		}
		places[i] = int32(place)
	}
	return places, nil
}

type sealAnswer struct {
	Root   string              `json:"root"`
	Size   int                 `json:"size"`
	Proofs map[string][]string `json:"proofs"` // by place: hex nodes, the leaf's sibling first
}

var _ = route("POST /v1/seals", (*api).createSeals)

func (a *api) createSeals(w http.ResponseWriter, r *http.Request) error {
	var request sealRequest
	if _, err := a.Read(w, r, request.read); err != nil {
		return err
	}
	places, err := request.places()
	if err != nil {
		return err
	}
	var answer sealAnswer
	err = a.Compute(r.Context(), func() error {
		root, err := kernels.Seal(r.Context(), request.records, 1)
		if err != nil {
			return err
		}
		answer = sealAnswer{hex.EncodeToString(root[:]), request.records.Len(), map[string][]string{}}
		if len(places) == 0 {
			return nil
		}
		proofs, err := kernels.Prove(r.Context(), request.records, places, 1)
		if err != nil {
			return err
		}
		for i, place := range places {
			answer.Proofs[strconv.Itoa(int(place))] = nodesHex(proofs[i])
		}
		return nil
	})
	if err != nil {
		return err
	}
	return gateway.WriteJSON(w, http.StatusOK, answer)
}

func nodesHex(proof []byte) (nodes []string) {
	for node := range slices.Chunk(proof, sha256.Size) {
		nodes = append(nodes, hex.EncodeToString(node))
	}
	return nodes
}
