package routes

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"net/http"
	"net/url"
	"regexp"

	"hotpath/go_sidecar/gateway"
	"hotpath/go_sidecar/gateway/problem"
	"hotpath/go_sidecar/gateway/upstreams"
)

type ratesAnswer struct {
	Base     string         `json:"base"`
	Complete bool           `json:"complete"`
	Rates    ratesBySource  `json:"rates"`
	Missing  []missingRates `json:"missing"`
}

type missingRates struct {
	Source string           `json:"source"`
	Reason upstreams.Reason `json:"reason"`
}

// ratesBySource is an object whose members are in the order of the setting.
type ratesBySource []upstreams.Answer[map[string]string]

func (r ratesBySource) MarshalJSONTo(encoder *jsontext.Encoder) error {
	if err := encoder.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, upstream := range r {
		if err := encoder.WriteToken(jsontext.String(upstream.Source)); err != nil {
			return err
		}
		if err := json.MarshalEncode(encoder, upstream.Value); err != nil {
			return err
		}
	}
	return encoder.WriteToken(jsontext.EndObject)
}

var _ = route("GET /v1/rates", (*api).readRates)

func (a *api) readRates(w http.ResponseWriter, r *http.Request) error {
	base, is := gateway.QueryValue(r, "base")
	if !is {
		base = "EUR"
	}
	if !currency.MatchString(base) {
		return problem.Invalid("base", "expected three upper-case letters, got %.60q", base)
	}
	if !a.Upstreams.IsConfigured() {
		return problem.New(problem.NotConfigured, "there are no upstreams; set HOTPATH_UPSTREAMS")
	}
	answer := ratesAnswer{Base: base}
	decode := func(content []byte) (map[string]string, error) { return decodeRates(content, base) }
	for _, upstream := range upstreams.Ask(r.Context(), a.Upstreams, url.Values{"base": {base}}, decode) {
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
	return gateway.WriteJSON(w, http.StatusOK, answer)
}

func noRates(missing []missingRates) error {
	failed := problem.New(problem.UpstreamTimeout, "none of %d upstreams answered in time", len(missing))
	for _, upstream := range missing {
		failed.Fields = append(failed.Fields, problem.Field{Field: upstream.Source, Message: string(upstream.Reason)})
		if upstream.Reason != upstreams.Timeout {
			failed.Code = problem.UpstreamFailed
			failed.Message = "none of the upstreams gave a usable answer"
		}
	}
	return failed
}

var (
	currency = regexp.MustCompile(`^[A-Z]{3}$`)
	decimal  = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,12})?$`)

	errOtherShape = errors.New("expected rates by currency, of the base that was asked for")
)

func decodeRates(content []byte, base string) (map[string]string, error) {
	var answer struct {
		Base  string            `json:"base"`
		Rates map[string]string `json:"rates"`
	}
	if err := json.Unmarshal(content, &answer, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, err
	}
	if answer.Base != base || answer.Rates == nil {
		return nil, errOtherShape
	}
	for name, rate := range answer.Rates {
		if !currency.MatchString(name) || !decimal.MatchString(rate) {
			return nil, errOtherShape
		}
	}
	return answer.Rates, nil
}
