package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hotpath/go_sidecar/gateway/problem"
	"hotpath/go_sidecar/gateway/settings"
	"hotpath/go_sidecar/gateway/store"
	"hotpath/go_sidecar/kernels"
)

func TestFortunesAreEscapedAndSortedByMessage(t *testing.T) {
	page := string(fortunesPage([]store.Fortune{{ID: 1, Message: "é"}, {ID: 2, Message: "<b>\"&'"}, {ID: 3, Message: "Zebra"}, {ID: 4, Message: "日本"}}))
	const want = "<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>" +
		"<tr><td>2</td><td>&lt;b&gt;&#34;&amp;&#39;</td></tr>" +
		"<tr><td>0</td><td>Additional fortune added at request time.</td></tr>" +
		"<tr><td>3</td><td>Zebra</td></tr><tr><td>1</td><td>é</td></tr><tr><td>4</td><td>日本</td></tr>" +
		"</table></body></html>"
	if page != want {
		t.Error(page)
	}
}

func TestQueriesAreNeverAnError(t *testing.T) {
	for query, want := range map[string]int{"": 1, "queries=": 1, "queries=x": 1, "queries=1.5": 1, "queries=0": 1, "queries=-3": 1,
		"queries=20": 20, "queries=501": 500, "queries=99999999999999999999": 500, "queries=-99999999999999999999": 1} {
		if got := queries(httptest.NewRequest("GET", "/bench/queries?"+query, nil)); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

func TestAmountsKeepTheirValue(t *testing.T) {
	for _, c := range []struct {
		amount   string
		decimals int
		minor    int64
		shown    string
	}{
		{"7", 2, 700, "7.00"}, {"7.5", 2, 750, "7.50"}, {"0.01", 2, 1, "0.01"}, {"007", 0, 7, "7"},
		{"1.5", 3, 1500, "1.500"}, {"99999999999.9999", 4, 999999999999999, "99999999999.9999"},
	} {
		if minor := minorUnits(c.amount, c.decimals); minor != c.minor {
			t.Errorf("%s: %d", c.amount, minor)
		}
		if shown := majorUnits(c.minor, c.decimals); shown != c.shown {
			t.Errorf("%d: %s", c.minor, shown)
		}
	}
}

// The names of the rules are written down twice; the kernel's bits and ours must agree.
func TestViolationsAreNamedByTheKernelsBits(t *testing.T) {
	rules, err := kernels.LoadRules()
	if err != nil {
		t.Fatal(err)
	}
	g := &server{rules: rules}
	good := payment{"A", "x", "DE89370400440532013000", "y", "GB29NWBK60161331926819", "NWBKGB2L", "EUR", "1.50"}
	change := func(do func(p *payment)) payment {
		p := good
		do(&p)
		return p
	}
	for want, p := range map[string]payment{
		"":                        good,
		"debtor_iban_country":     change(func(p *payment) { p.DebtorIBAN = "ZZ89370400440532013000" }),
		"debtor_iban_length":      change(func(p *payment) { p.DebtorIBAN = "DE8937040044053201300" }),
		"debtor_iban_structure":   change(func(p *payment) { p.DebtorIBAN = "DE8937040044053201300X" }),
		"debtor_iban_checksum":    change(func(p *payment) { p.DebtorIBAN = "DE88370400440532013000" }),
		"creditor_iban_length":    change(func(p *payment) { p.CreditorIBAN = "GB29NWBK6016133192681" }),
		"creditor_iban_structure": change(func(p *payment) { p.CreditorIBAN = "GB29NWBK6016133192681X" }),
		"creditor_iban_checksum":  change(func(p *payment) { p.CreditorIBAN = "GB28NWBK60161331926819" }),
		"creditor_iban_country":   change(func(p *payment) { p.CreditorIBAN = "ZZ29NWBK60161331926819" }),
		"creditor_bic_structure":  change(func(p *payment) { p.CreditorBIC = "NWBKGB2" }),
		"creditor_bic_country":    change(func(p *payment) { p.CreditorBIC = "DEUTDEFF" }),
		"currency_unknown":        change(func(p *payment) { p.Currency = "XYZ" }),
		"amount_format":           change(func(p *payment) { p.Amount = "1,5" }),
		"amount_minor_units":      change(func(p *payment) { p.Amount = "1.505" }),
		"amount_range":            change(func(p *payment) { p.Amount = "0" }),
		"end_to_end_id_format":    change(func(p *payment) { p.EndToEndID = "_" }),
	} {
		broken, err := g.validate(context.Background(), []payment{p})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(violationNames(broken[0]), " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	broken, err := g.validate(context.Background(), []payment{good, good})
	if err != nil || strings.Join(violationNames(broken[1]), " ") != "end_to_end_id_duplicate" {
		t.Errorf("%v, %v", broken, err)
	}
	for _, violation := range violations {
		violatedField(violation) // panics where there is none
	}
}

func TestCallsBeyondTheQueueAreRefused(t *testing.T) {
	a := newAdmission(1, 1)
	release := make(chan struct{})
	results := make(chan error, 2)
	hold := func() { results <- a.run(context.Background(), func() error { <-release; return nil }) }
	go hold()
	go hold()
	for len(a.entered) < 2 {
		time.Sleep(time.Millisecond)
	}
	var refused *problem.Error
	if err := a.run(context.Background(), func() error { return nil }); !errors.As(err, &refused) || refused.Code != problem.Overloaded {
		t.Errorf("%v", err)
	}
	close(release)
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if err := a.run(context.Background(), func() error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestWaitingEndsWithTheRequest(t *testing.T) {
	a := newAdmission(1, 1)
	release := make(chan struct{})
	go a.run(context.Background(), func() error { <-release; return nil })
	defer close(release)
	for len(a.places) < 1 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := a.run(ctx, func() error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func answerOf(handler func(w http.ResponseWriter, r *http.Request) error) *httptest.ResponseRecorder {
	g := &server{settings: &settings.Settings{RequestTimeout: 30 * time.Millisecond}, mux: http.NewServeMux()}
	g.handle("GET /x", handler)
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest("GET", "/x", nil)
	request.Header.Set("X-Request-ID", "id-1")
	g.ServeHTTP(recorder, request)
	return recorder
}

func TestWhatGoesWrongInsideIsNotShown(t *testing.T) {
	for name, handler := range map[string]func(w http.ResponseWriter, r *http.Request) error{
		"panic": func(http.ResponseWriter, *http.Request) error { panic("secret") },
		"error": func(http.ResponseWriter, *http.Request) error { return errors.New("secret") },
	} {
		answer := answerOf(handler)
		body := answer.Body.String()
		if answer.Code != 500 || !strings.Contains(body, `"code":"internal"`) || !strings.Contains(body, "id-1") || strings.Contains(body, "secret") {
			t.Errorf("%s: %d %s", name, answer.Code, body)
		}
		if answer.Header().Get("X-Request-ID") != "id-1" || !strings.HasPrefix(answer.Header().Get("Server-Timing"), "total;dur=") {
			t.Errorf("%s: %v", name, answer.Header())
		}
	}
}

func TestARequestThatRunsOutOfTimeSaysSo(t *testing.T) {
	answer := answerOf(func(w http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return errors.Join(store.ErrUnavailable, r.Context().Err())
	})
	if answer.Code != 504 || !strings.Contains(answer.Body.String(), `"code":"deadline_exceeded"`) {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}
