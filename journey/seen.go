package journey

import (
	"encoding/binary"
	"hash/fnv"
)

const maxSeen = 128 // ids remembered against redelivery

func hash(id string) [8]byte {
	h := fnv.New64a()
	h.Write([]byte(id))
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], h.Sum64())
	return b
}

func seen(list []byte, id string) bool {
	h := hash(id)
	for k := 0; k+8 <= len(list); k += 8 {
		if [8]byte(list[k:k+8]) == h {
			return true
		}
	}
	return false
}

// mark gives a copy of list with id as the newest.
func mark(list []byte, id string) []byte {
	h := hash(id)
	kept := newest(list, 8*(maxSeen-1))
	out := make([]byte, 0, len(kept)+8)
	return append(append(out, kept...), h[:]...)
}
