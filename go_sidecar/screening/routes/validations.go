package routes

import (
	"net/http"

	"hotpath/go_sidecar/gateway"
	"hotpath/go_sidecar/gateway/body"
)

type paymentValidity struct {
	Valid bool `json:"valid"`
	judgement
}

var _ = route("POST /v1/validations", (*api).createValidations)

func (a *api) createValidations(w http.ResponseWriter, r *http.Request) error {
	var payments []payment
	_, err := a.Read(w, r, func(d *body.Decoder) {
		d.Object([]string{"payments"}, 1, func(int) { payments = readPayments(d) })
	})
	if err != nil {
		return err
	}
	var answer struct {
		Results []paymentValidity `json:"results"`
	}
	err = a.Compute(r.Context(), func() error {
		broken, err := a.validate(r.Context(), payments)
		answer.Results = make([]paymentValidity, len(broken))
		for i, bits := range broken {
			judged := judge(bits)
			answer.Results[i] = paymentValidity{judged.Violations == nil, judged}
		}
		return err
	})
	if err != nil {
		return err
	}
	return gateway.WriteJSON(w, http.StatusOK, answer)
}
