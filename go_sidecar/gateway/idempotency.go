package gateway

import (
	"crypto/sha256"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"hotpath/go_sidecar/gateway/problem"
	"hotpath/go_sidecar/gateway/store"
)

// Creation is what a request makes: the row, and what is answered once that is there.
type Creation struct {
	Row       store.Row
	CreatedAt time.Time
	Location  string
	Answer    []byte // JSON
}

// Create stores what the effect makes and answers with it: at most once for an
// Idempotency-Key, whose first answer a repetition gets again.
//
// content is the request's body, which was found good. isDear says that a look at the database
// costs less than the effect; without it the effect runs before anybody knows of a first answer.
func (g *Gateway) Create(w http.ResponseWriter, r *http.Request, content []byte, isDear bool, effect func() (*Creation, error)) error {
	key, isKeyed, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	if !isKeyed {
		made, err := effect()
		if err != nil {
			return err
		}
		if err := g.Store.Create(r.Context(), made.Row); err != nil {
			return err
		}
		w.Header().Set("Location", made.Location)
		WriteContent(w, http.StatusCreated, "application/json", made.Answer)
		return nil
	}
	keyed := &store.Keyed{Operation: r.Pattern, Key: key, Fingerprint: sha256.Sum256(content)}
	earlier, err := g.createOnce(r, keyed, isDear, effect)
	switch {
	case err == store.ErrKeyInUse:
		return problem.New(problem.IdempotencyConflict, "Idempotency-Key: a request with this key is being carried out; try again")
	case err != nil:
		return err
	case earlier != nil && earlier.Fingerprint != keyed.Fingerprint:
		return problem.New(problem.IdempotencyKeyReused, "Idempotency-Key: expected the body that was first sent with this key, got another")
	case earlier != nil:
		w.Header().Set("Idempotency-Replayed", "true")
		keyed = earlier
	}
	if keyed.Location != "" {
		w.Header().Set("Location", keyed.Location)
	}
	WriteContent(w, keyed.Status, "application/json", keyed.Body)
	return nil
}

// createOnce completes what is stored for the key, or returns what was stored before. The key
// is free again when it returns: a client that has its answer may repeat the request.
func (g *Gateway) createOnce(r *http.Request, keyed *store.Keyed, isDear bool, effect func() (*Creation, error)) (earlier *store.Keyed, err error) {
	name := keyed.Operation + " " + keyed.Key
	if !g.keysInUse.claim(name) {
		return nil, store.ErrKeyInUse
	}
	defer g.keysInUse.release(name)
	if isDear {
		earlier, err = g.Store.Answered(r.Context(), keyed.Operation, keyed.Key)
		if earlier != nil || err != nil {
			return earlier, err
		}
	}
	made, err := effect()
	if err != nil {
		return nil, err
	}
	keyed.Status, keyed.Location, keyed.Body, keyed.CreatedAt = http.StatusCreated, made.Location, made.Answer, made.CreatedAt
	return g.Store.CreateOnce(r.Context(), made.Row, keyed)
}

// keysInUse are the keys of the requests that this process carries out.
type keysInUse struct {
	mutex sync.Mutex
	names map[string]bool
}

func (k *keysInUse) claim(name string) bool {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.names[name] {
		return false
	}
	if k.names == nil {
		k.names = map[string]bool{}
	}
	k.names[name] = true
	return true
}

func (k *keysInUse) release(name string) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	delete(k.names, name)
}

var visibleASCII = regexp.MustCompile(`^[!-~]{1,255}$`)

func idempotencyKey(r *http.Request) (key string, is bool, err error) {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return "", false, nil
	}
	if len(keys) > 1 || !visibleASCII.MatchString(keys[0]) {
		return "", false, problem.Invalid("Idempotency-Key", "expected 1 to 255 visible ASCII characters, got %.60q", strings.Join(keys, ", "))
	}
	return keys[0], true, nil
}
