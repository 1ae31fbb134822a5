package gateway

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"net/http"

	"hotpath/go_sidecar/gateway/problem"
	"hotpath/go_sidecar/gateway/rates"
)

type ratesAnswer struct {
	Base     string         `json:"base"`
	Complete bool           `json:"complete"`
	Rates    ratesBySource  `json:"rates"`
	Missing  []missingRates `json:"missing"`
}

type missingRates struct {
	Source string       `json:"source"`
	Reason rates.Reason `json:"reason"`
}

// ratesBySource is an object whose members are in the order of the setting.
type ratesBySource []rates.Answer

func (r ratesBySource) MarshalJSONTo(encoder *jsontext.Encoder) error {
	if err := encoder.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, upstream := range r {
		if err := encoder.WriteToken(jsontext.String(upstream.Source)); err != nil {
			return err
		}
		if err := json.MarshalEncode(encoder, upstream.Rates); err != nil {
			return err
		}
	}
	return encoder.WriteToken(jsontext.EndObject)
}

func (g *server) readRates(w http.ResponseWriter, r *http.Request) error {
	base, is := queryValue(r, "base")
	if !is {
		base = "EUR"
	}
	if !rates.Currency.MatchString(base) {
		return problem.Invalid("base", "expected three upper-case letters, got %.60q", base)
	}
	if !g.rates.IsConfigured() {
		return problem.New(problem.NotConfigured, "there are no upstreams; set HOTPATH_UPSTREAMS")
	}
	answer := ratesAnswer{Base: base}
	for _, upstream := range g.rates.Ask(r.Context(), base) {
		if upstream.Reason != "" {
			answer.Missing = append(answer.Missing, missingRates{upstream.Source, upstream.Reason})
		} else {
			answer.Rates = append(answer.Rates, upstream)
		}
	}
	// What the request's own end cut off is not the upstreams' fault.
	if err := r.Context().Err(); err != nil {
		return err
	}
	if len(answer.Rates) == 0 {
		return noRates(answer.Missing)
	}
	answer.Complete = len(answer.Missing) == 0
	return writeJSON(w, http.StatusOK, answer)
}

func noRates(missing []missingRates) error {
	failed := problem.New(problem.UpstreamTimeout, "none of %d upstreams answered in time", len(missing))
	for _, upstream := range missing {
		failed.Fields = append(failed.Fields, problem.Field{Field: upstream.Source, Message: string(upstream.Reason)})
		if upstream.Reason != rates.Timeout {
			failed.Code = problem.UpstreamFailed
			failed.Message = "none of the upstreams gave a usable answer"
		}
	}
	return failed
}
