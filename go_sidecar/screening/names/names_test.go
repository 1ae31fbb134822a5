package names

import (
	"encoding/json"
	"os"
	"testing"
)

// testdata/normalize.json is made by testdata/make.py, by the service's own normalize.
func TestNamesAreNormalisedAsInPython(t *testing.T) {
	content, err := os.ReadFile("testdata/normalize.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Made    string
		Vectors [][2]string
	}
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 5000 {
		t.Fatalf("%d vectors", len(file.Vectors))
	}
	wrong := 0
	for _, v := range file.Vectors {
		if got := Normalize(v[0]); got != v[1] {
			if wrong++; wrong <= 20 {
				t.Errorf("%+q: %+q, want %+q", v[0], got, v[1])
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d", wrong, len(file.Vectors))
	}
}

func TestNormalisingAgainChangesNothing(t *testing.T) {
	for _, name := range []string{"Élan  & Söhne", "ẞtraße ΐ", "ŉ ﬀ Ⅷ", "ᾳͅ", "İstanbul", "日本 株式会社"} {
		once := Normalize(name)
		if twice := Normalize(once); twice != once || once == "" {
			t.Errorf("%q: %q, then %q", name, once, twice)
		}
	}
}
