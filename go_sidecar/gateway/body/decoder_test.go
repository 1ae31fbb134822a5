package body

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"hotpath/go_sidecar/gateway/problem"
)

type sample struct {
	name    string
	share   float64
	count   int
	items   []string
	content []byte
}

func decode(text string) (s sample, err error) {
	err = Decode([]byte(text), func(d *Decoder) {
		d.Object([]string{"name", "share", "count", "items", "content"}, 1, func(i int) {
			switch i {
			case 0:
				s.name = d.Text(5)
			case 1:
				s.share = d.Float(0, 1)
			case 2:
				s.count = d.Integer(1, 100)
			case 3:
				s.items = nil
				d.List(1, 3, func(int) { s.items = append(s.items, d.Text(5)) })
			case 4:
				s.content = d.AppendBase64(nil)
			}
		})
	})
	return s, err
}

func TestValuesAreRead(t *testing.T) {
	s, err := decode(` {"name":"\u00e9\ud83d\ude00\n\"x","share":1,"count":100,"items":["a","b"],"content":"aG\u0069="} `)
	if err != nil {
		t.Fatal(err)
	}
	if s.name != "é😀\n\"x" || s.share != 1 || s.count != 100 || !slices.Equal(s.items, []string{"a", "b"}) || string(s.content) != "hh" {
		t.Errorf("%+v", s)
	}
}

func TestOfEqualKeysTheLastCounts(t *testing.T) {
	if s, err := decode(`{"name":7,"items":[1],"name":"b","items":["c"]}`); err != nil || s.name != "b" || !slices.Equal(s.items, []string{"c"}) {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := decode(`{"name":"b","name":7}`); err == nil {
		t.Error("the last one is wrong")
	}
}

func TestEveryFieldAtFaultIsNamedInTheOrderOfTheShape(t *testing.T) {
	for text, want := range map[string]string{
		`[]`:                                      "body",
		`null`:                                    "body",
		`{}`:                                      "name",
		`{"count":0,"share":"1","name":null}`:     "name share count",
		`{"name":"","z":1,"a":1,"z":2}`:           "z a",
		`{"name":"\ud800"}`:                       "name",
		`{"name":"\ud800\u0041"}`:                 "name",
		`{"name":"\udc00"}`:                       "name",
		`{"name":"","\ud800":1,"count":0}`:        "body",
		`{"name":"abcdef"}`:                       "name",
		`{"name":"ääääää"}`:                       "name",
		`{"name":"","items":[]}`:                  "items",
		`{"name":"","items":["","","",1]}`:        "items",
		`{"name":"","items":["",1,null]}`:         "items[1] items[2]",
		`{"name":"","items":{"0":1}}`:             "items",
		`{"name":"","count":1.0}`:                 "count",
		`{"name":"","count":1e1}`:                 "count",
		`{"name":"","count":true}`:                "count",
		`{"name":"","count":9223372036854775808}`: "count",
		`{"name":"","share":1e999}`:               "share",
		`{"name":"","share":-1e-9}`:               "share",
		`{"name":"","content":"aGk"}`:             "content",
		`{"name":"","content":"aGk=\n"}`:          "content",
		`{"name":"","content":"_-8="}`:            "content",
		`{"name":"","é\n'":1}`:                    `\xe9\n'`,
	} {
		_, err := decode(text)
		var refused *problem.Error
		if !errors.As(err, &refused) || refused.Code != problem.InvalidArgument {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var fields []string
		for _, field := range refused.Fields {
			fields = append(fields, field.Field)
			if !strings.HasPrefix(field.Message, field.Field+": ") {
				t.Errorf("%s: %s", text, field.Message)
			}
		}
		if got := strings.Join(fields, " "); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestTextThatIsNoJSON(t *testing.T) {
	for _, text := range []string{
		"", " ", "{", `{"name"}`, `{"name":"a"}}`, `{"name":"a"} 1`, `{"name":"a",}`, `{'name':'a'}`, "\ufeff{}",
		`{"name":NaN}`, `{"x":[1,{"y":Infinity}]}`, `{"name":"` + "\n" + `"}`, `{"name":"` + "\xff" + `"}`,
		`{"name":"\x"}`, `{"name":"\ud8"}`, `{"count":01}`, `{"count":+1}`, strings.Repeat("[", 100_000),
		// What is wrong with fields does not hide it.
		`{"name":7,"count":"x","items":[}`,
	} {
		var refused *problem.Error
		if _, err := decode(text); !errors.As(err, &refused) || refused.Code != problem.MalformedJSON {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func TestAnAnswerListsTwentyFieldsAtMost(t *testing.T) {
	err := Decode([]byte("["+strings.Repeat("1,", 99)+"1]"), func(d *Decoder) {
		d.List(0, 100, func(int) { d.Text(1) })
	})
	var refused *problem.Error
	if !errors.As(err, &refused) || len(refused.Fields) != maxProblems || refused.Fields[19].Field != "[19]" {
		t.Errorf("%+v", err)
	}
}
