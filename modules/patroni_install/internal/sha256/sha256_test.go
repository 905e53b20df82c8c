package sha256

import (
	"bytes"
	"crypto/sha256"
	"testing"
)

// TestSum compares with the standard library's, for every length around the ends of blocks.
func TestSum(t *testing.T) {
	data := make([]byte, 3*block)
	for i := range data {
		data[i] = byte(i * 7)
	}
	for n := range data {
		if got, want := Sum(data[:n]), sha256.Sum256(data[:n]); got != want {
			t.Fatalf("%d bytes: %x, want %x", n, got, want)
		}
	}
}

// TestWrite: it does not matter in which pieces something is written.
func TestWrite(t *testing.T) {
	data := bytes.Repeat([]byte("patroni"), 1000)
	want := sha256.Sum256(data)
	for _, size := range []int{1, 3, 63, 64, 65, 127, 128, 129, 4096} {
		h := New()
		for rest := data; len(rest) > 0; {
			n := min(size, len(rest))
			if written, err := h.Write(rest[:n]); written != n || err != nil {
				t.Fatal(written, err)
			}
			rest = rest[n:]
		}
		if got := h.Sum(); got != want {
			t.Errorf("in pieces of %d: %x, want %x", size, got, want)
		}
	}
}

func BenchmarkSum(b *testing.B) {
	data := make([]byte, 1<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Sum(data)
	}
}
