package gateway

import (
	"net/http"

	"hotpath/go_sidecar/gateway/body"
)

type paymentValidity struct {
	Valid      bool     `json:"valid"`
	Violations []string `json:"violations"`
}

func (g *server) createValidations(w http.ResponseWriter, r *http.Request) error {
	content, err := body.Read(w, r, g.settings.MaxBodyBytes)
	if err != nil {
		return err
	}
	var payments []payment
	err = body.Decode(content, func(d *body.Decoder) {
		d.Object([]string{"payments"}, 1, func(int) { payments = readPayments(d) })
	})
	if err != nil {
		return err
	}
	var answer struct {
		Results []paymentValidity `json:"results"`
	}
	err = g.admission.run(r.Context(), func() error {
		broken, err := g.validate(r.Context(), payments)
		answer.Results = make([]paymentValidity, len(broken))
		for i, bits := range broken {
			answer.Results[i] = paymentValidity{bits == 0, violationNames(bits)}
		}
		return err
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, answer)
}
