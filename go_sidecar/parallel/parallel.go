// Package parallel shares the work of one call among goroutines.
package parallel

import (
	"context"
	"sync"
	"sync/atomic"
)

// Do runs work in `threads` goroutines at once, in the caller's where that is 1 or less.
func Do(threads int, work func() error) error {
	if threads <= 1 {
		return work()
	}
	errs, panics := make([]error, threads), make([]any, threads)
	var group sync.WaitGroup
	for k := range threads {
		group.Go(func() {
			// A panic that leaves a goroutine ends the process: hand it to the caller instead.
			defer func() { panics[k] = recover() }()
			errs[k] = work()
		})
	}
	group.Wait()
	for k := range threads {
		if panics[k] != nil {
			panic(panics[k])
		}
		if errs[k] != nil {
			return errs[k]
		}
	}
	return nil
}

// Chunks calls do for the chunks 0 to count-1, in at most `threads` goroutines.
// Errors: only the context's; it is looked at before every chunk.
func Chunks(ctx context.Context, count, threads int, do func(chunk int)) error {
	var next atomic.Int64
	return Do(min(threads, count), func() error {
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			chunk := int(next.Add(1)) - 1
			if chunk >= count {
				return nil
			}
			do(chunk)
		}
	})
}

// Count returns how many runs of `size` items hold n items.
func Count(n, size int) int { return (n + size - 1) / size }
