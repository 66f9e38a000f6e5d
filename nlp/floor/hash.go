package floor

// The hash space. 2^18 positions lose little to collisions on a hundred
// thousand texts (Weinberger et al., Feature Hashing for Large Scale Multitask
// Learning, ICML 2009) and, at a byte a class, stay under a megabyte.
const (
	hashBits = 18
	Width    = 1 << hashBits
)

const (
	fnvBasis = 14695981039346656037 // FNV-1a, 64 bits
	fnvPrime = 1099511628211
)

// Salts keep the same letters apart by what they are.
const (
	saltWord uint64 = fnvBasis ^ iota<<56
	saltPair
	saltLetters
	saltDenied
	saltSign
)

func mix(h uint64) uint32 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	return uint32(h & (Width - 1))
}

func feed(h uint64, text []byte) uint64 {
	for _, b := range text {
		h = (h ^ uint64(b)) * fnvPrime
	}
	return h
}

// letters appends the hashes of the runs of low to high letters of a word,
// with its edges marked.
func letters(out []uint32, text []byte, low, high int) []uint32 {
	var framed [maxWordBytes + 8]byte
	framed[0] = '<'
	n := copy(framed[1:], text) + 1
	framed[n] = '>'
	n++
	for i := 0; i < n; i++ {
		if framed[i]&0xC0 == 0x80 {
			continue // inside a letter
		}
		h, count := saltLetters, 0
		for j := i; j < n; {
			h = (h ^ uint64(framed[j])) * fnvPrime
			j++
			for j < n && framed[j]&0xC0 == 0x80 {
				h = (h ^ uint64(framed[j])) * fnvPrime
				j++
			}
			count++
			// A run that is the whole word, edges and all, repeats the word itself.
			if count >= low && !(i == 0 && j == n && count > 3) {
				out = append(out, mix(h))
			}
			if count == high {
				break
			}
		}
	}
	return out
}
