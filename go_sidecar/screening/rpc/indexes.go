package rpc

import (
	"slices"
	"sync"

	"hotpath/go_sidecar/screening/kernels"
)

// indexesKept is enough for a rollover under way; a client loads what was dropped once more.
const indexesKept = 4

// indexes holds the versions used last, most recent first.
type indexes struct {
	mu   sync.Mutex
	kept []versioned
}

type versioned struct {
	version string
	index   *kernels.NameIndex
}

func (x *indexes) get(version string) *kernels.NameIndex {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.touch(version)
}

// put keeps the index that is there already, if any: the versions are the content's hash.
func (x *indexes) put(version string, index *kernels.NameIndex) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.touch(version) != nil {
		return
	}
	x.kept = slices.Insert(x.kept, 0, versioned{version, index})
	if len(x.kept) > indexesKept {
		x.kept = slices.Delete(x.kept, indexesKept, len(x.kept))
	}
}

func (x *indexes) touch(version string) *kernels.NameIndex {
	i := slices.IndexFunc(x.kept, func(v versioned) bool { return v.version == version })
	if i < 0 {
		return nil
	}
	found := x.kept[i]
	copy(x.kept[1:i+1], x.kept[:i])
	x.kept[0] = found
	return found.index
}
