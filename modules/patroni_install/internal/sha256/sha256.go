// Package sha256 computes SHA-256 (FIPS 180-4), for finding out what became of files.
//
// It is here because crypto/sha256 brings 150 kB of self-tests and dispatch with it, into a
// program that is copied with every task. Nothing secret goes through it. It makes some 200 MB/s.
package sha256

import (
	"encoding/binary"
	"math/bits"
)

// Size is the length of a sum, in bytes.
const Size = 32

const block = 64

// Hash is a sum in the making; it is an io.Writer that never fails. The zero value is not usable.
type Hash struct {
	state  [8]uint32
	rest   [block]byte // what does not fill a block yet
	filled int
	length uint64 // of all that was written, in bytes
}

// New returns the sum of nothing.
func New() *Hash {
	return &Hash{state: [8]uint32{
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	}}
}

// Sum returns the sum of data.
func Sum(data []byte) [Size]byte {
	h := New()
	_, _ = h.Write(data)
	return h.Sum()
}

// Write implements io.Writer.
func (h *Hash) Write(data []byte) (int, error) {
	all := len(data)
	h.length += uint64(all)
	if h.filled > 0 {
		n := copy(h.rest[h.filled:], data)
		h.filled, data = h.filled+n, data[n:]
		if h.filled < block {
			return all, nil
		}
		h.mix(h.rest[:])
		h.filled = 0
	}
	for len(data) >= block {
		h.mix(data[:block])
		data = data[block:]
	}
	h.filled = copy(h.rest[:], data)
	return all, nil
}

// Sum returns the sum of what was written. Nothing may be written after it.
func (h *Hash) Sum() (sum [Size]byte) {
	length := h.length * 8
	padding := make([]byte, block+8)
	padding[0] = 0x80
	end := (2*block - 8 - h.filled) % block // so that the length ends a block
	if end == 0 {
		end = block
	}
	binary.BigEndian.PutUint64(padding[end:], length)
	_, _ = h.Write(padding[:end+8])
	for i, word := range h.state {
		binary.BigEndian.PutUint32(sum[4*i:], word)
	}
	return sum
}

// mix takes in one block.
func (h *Hash) mix(data []byte) {
	var w [64]uint32
	for i := range 16 {
		w[i] = binary.BigEndian.Uint32(data[4*i:])
	}
	for i := 16; i < 64; i++ {
		x, y := w[i-15], w[i-2]
		s0 := bits.RotateLeft32(x, -7) ^ bits.RotateLeft32(x, -18) ^ x>>3
		s1 := bits.RotateLeft32(y, -17) ^ bits.RotateLeft32(y, -19) ^ y>>10
		w[i] = w[i-16] + s0 + w[i-7] + s1
	}
	a, b, c, d, e, f, g, last := h.state[0], h.state[1], h.state[2], h.state[3], h.state[4], h.state[5], h.state[6], h.state[7]
	for i := range w {
		s1 := bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e, -25)
		t1 := last + s1 + (e&f ^ ^e&g) + constants[i] + w[i]
		s0 := bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)
		t2 := s0 + (a&b ^ a&c ^ b&c)
		last, g, f, e, d, c, b, a = g, f, e, d+t1, c, b, a, t1+t2
	}
	for i, word := range [8]uint32{a, b, c, d, e, f, g, last} {
		h.state[i] += word
	}
}

// constants are the fractional parts of the cube roots of the first 64 primes.
var constants = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}
