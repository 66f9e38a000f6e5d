package codec

import "math/bits"

// The G.711 expansion tables, ITU-T G.711 tables 1a to 2b on a 16-bit scale. They are constants
// in all but syntax: nothing writes to them.
var (
	ulawLinear = expandTable(expandULaw)
	alawLinear = expandTable(expandALaw)
)

func expandTable(expand func(byte) int16) (t [256]int16) {
	for i := range t {
		t[i] = expand(byte(i))
	}
	return t
}

const ulawBias = 0x84 // 33 on the 14-bit scale of G.711, so that every segment starts at a power of two

func expandULaw(b byte) int16 {
	b = ^b
	v := (int(b&0x0f)<<3+ulawBias)<<(b>>4&7) - ulawBias
	if b&0x80 != 0 {
		v = -v
	}
	return int16(v)
}

func expandALaw(b byte) int16 {
	b ^= 0x55
	v := int(b&0x0f)<<4 + 8
	if seg := b >> 4 & 7; seg > 0 {
		v = (v + 0x100) << (seg - 1)
	}
	if b&0x80 == 0 {
		v = -v
	}
	return int16(v)
}

// AppendULaw encodes samples as G.711 µ-law octets.
func AppendULaw(dst []byte, samples []int16) []byte {
	for _, s := range samples {
		dst = append(dst, compressULaw(int(s)))
	}
	return dst
}

func compressULaw(v int) byte {
	sign := byte(0)
	if v < 0 {
		v, sign = -v, 0x80
	}
	v = min(v, 32635) + ulawBias // 32635 is the largest level G.711 can express
	seg := bits.Len(uint(v)) - 8
	return ^(sign | byte(seg)<<4 | byte(v>>(seg+3))&0x0f)
}

// AppendALaw encodes samples as G.711 A-law octets.
func AppendALaw(dst []byte, samples []int16) []byte {
	for _, s := range samples {
		dst = append(dst, compressALaw(int(s)))
	}
	return dst
}

func compressALaw(v int) byte {
	sign := byte(0x80)
	if v < 0 {
		v, sign = -v-1, 0 // ones' complement keeps −1 and +0 in mirror-image segments
	}
	var b byte
	if v >= 256 {
		seg := bits.Len(uint(v)) - 8
		b = byte(seg)<<4 | byte(v>>(seg+3))&0x0f
	} else {
		b = byte(v >> 4)
	}
	return (sign | b) ^ 0x55
}

// AppendLinearULaw expands µ-law octets.
func AppendLinearULaw(dst []int16, payload []byte) []int16 {
	for _, b := range payload {
		dst = append(dst, ulawLinear[b])
	}
	return dst
}

// AppendLinearALaw expands A-law octets.
func AppendLinearALaw(dst []int16, payload []byte) []int16 {
	for _, b := range payload {
		dst = append(dst, alawLinear[b])
	}
	return dst
}
