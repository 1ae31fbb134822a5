package body

import (
	"container/list"
	"io"
	"sync"
)

// Budget bounds the bytes of all bodies that are still arriving. Past it the oldest of them end.
type Budget struct {
	Most int64

	mu      sync.Mutex
	bytes   int64
	arrived list.List // of *arriving, the oldest first
}

// arriving is a body of which a part is there.
type arriving struct {
	io.Reader
	budget    *Budget
	interrupt func() // ends a read that waits
	bytes     int64
	place     *list.Element
	isRefused bool // for the memory of others
}

func (b *Budget) begin(body io.Reader, interrupt func()) *arriving {
	a := &arriving{Reader: body, budget: b, interrupt: interrupt}
	b.mu.Lock()
	defer b.mu.Unlock()
	a.place = b.arrived.PushBack(a)
	return a
}

// end gives back what the body held. It returns whether it was refused.
func (a *arriving) end() bool {
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	a.leave()
	return a.isRefused
}

func (a *arriving) leave() {
	if a.place != nil {
		a.budget.arrived.Remove(a.place)
		a.budget.bytes -= a.bytes
		a.place = nil
	}
}

func (a *arriving) Read(content []byte) (int, error) {
	n, err := a.Reader.Read(content)
	b := a.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.place != nil {
		a.bytes += int64(n)
		b.bytes += int64(n)
	}
	for b.bytes > b.Most {
		oldest := b.arrived.Front().Value.(*arriving)
		oldest.isRefused = true
		oldest.leave()
		oldest.interrupt()
	}
	return n, err
}
