package body

import (
	"io"
	"strings"
	"testing"
)

func TestPastTheBudgetTheOldestBodyEnds(t *testing.T) {
	budget := &Budget{Most: 10}
	var interrupted []string
	begin := func(name, content string) *arriving {
		return budget.begin(strings.NewReader(content), func() { interrupted = append(interrupted, name) })
	}
	first, second, third := begin("first", "123456"), begin("second", "1234"), begin("third", "1")
	for _, body := range []*arriving{second, first, third} {
		io.ReadAll(body)
	}
	if got := strings.Join(interrupted, " "); got != "first" {
		t.Error(got)
	}
	if !first.end() || second.end() || third.end() {
		t.Error("expected that the first alone was refused")
	}
	if budget.bytes != 0 || budget.arrived.Len() != 0 {
		t.Error(budget.bytes, budget.arrived.Len())
	}
}
