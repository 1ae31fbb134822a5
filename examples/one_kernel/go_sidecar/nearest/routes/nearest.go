package routes

import (
	"net/http"

	"hotpath/go_sidecar/gateway"
	"hotpath/go_sidecar/gateway/body"
	"hotpath/go_sidecar/nearest/kernels"
	"hotpath/go_sidecar/nearest/places"
)

const maxPoints = 1000

type nearestRequest struct {
	points []float64 // unit vectors
}

func (n *nearestRequest) read(d *body.Decoder) {
	d.Object([]string{"points"}, 1, func(int) {
		n.points = n.points[:0]
		d.List(1, maxPoints, func(int) {
			var lat, lon float64
			d.Object([]string{"lat", "lon"}, 2, func(i int) {
				if i == 0 {
					lat = d.Float(-90, 90)
				} else {
					lon = d.Float(-180, 180)
				}
			})
			n.points = places.AppendVector(n.points, lat, lon)
		})
	})
}

type nearestPlace struct {
	Index     int32   `json:"index"`
	Name      string  `json:"name"`
	DistanceM float64 `json:"distance_m"`
}

var _ = route("POST /v1/nearest", (*api).createNearest)

func (a *api) createNearest(w http.ResponseWriter, r *http.Request) error {
	var request nearestRequest
	if _, err := a.Read(w, r, request.read); err != nil {
		return err
	}
	var answer struct {
		Results []nearestPlace `json:"results"`
	}
	err := a.Compute(r.Context(), func() error {
		found, err := kernels.Nearest(r.Context(), request.points, a.places.Vectors, 1)
		if err != nil {
			return err
		}
		for i, row := range found.Rows {
			answer.Results = append(answer.Results, nearestPlace{row, a.places.Names[row], places.Metres(found.Squares[i])})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return gateway.WriteJSON(w, http.StatusOK, answer)
}
