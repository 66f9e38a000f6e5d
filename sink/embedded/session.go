package embedded

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"unsafe"
)

// param is a value for a {name:Type} placeholder, escaped as in TSV, which is
// how the HTTP interface of ClickHouse takes it as well.
type param struct{ name, value string }

// counts are what a statement read from storage and wrote.
type counts struct {
	rowsRead, bytesRead, rowsWritten, bytesWritten uint64
}

// statementClass is the engine's own judgement of a statement (chdb.h,
// chdb_query_class). Everything but a read is some kind of change.
type statementClass uint32

const (
	classRead statementClass = 0
	// classUnknown is text that the engine cannot parse.
	classUnknown statementClass = 4
)

// session is one connection of the engine: it runs one statement at a time and
// keeps USE and SET between statements.
type session struct {
	lib  *library
	conn unsafe.Pointer // chdb_connection *, a pointer to the handle
	tag  string         // log_comment of all its statements, to kill them by

	locked bool // readonly=1 is set, for good
}

func (s *session) handle() unsafe.Pointer { return *(*unsafe.Pointer)(s.conn) }

func (s *session) close() { s.lib.closeConn(s.conn) }

// call holds the arguments that every statement function of the engine takes,
// pinned, because the arrays of parameters hold pointers themselves.
type call struct {
	pins                               runtime.Pinner
	sql, format                        unsafe.Pointer
	sqlLen, formatLen                  uintptr
	names, nameLens, values, valueLens unsafe.Pointer
	params                             uintptr
}

func newCall(sql, format string, params []param) *call {
	c := &call{sqlLen: uintptr(len(sql)), formatLen: uintptr(len(format)), params: uintptr(len(params))}
	c.sql, c.format = c.text(sql), c.text(format)
	if len(params) == 0 {
		return c
	}
	n := len(params)
	pointers, lengths := make([]unsafe.Pointer, 2*n), make([]uintptr, 2*n)
	for i, p := range params {
		pointers[i], lengths[i] = c.text(p.name), uintptr(len(p.name))
		pointers[n+i], lengths[n+i] = c.text(p.value), uintptr(len(p.value))
	}
	c.pins.Pin(&pointers[0])
	c.pins.Pin(&lengths[0])
	c.names, c.values = unsafe.Pointer(&pointers[0]), unsafe.Pointer(&pointers[n])
	c.nameLens, c.valueLens = unsafe.Pointer(&lengths[0]), unsafe.Pointer(&lengths[n])
	return c
}

func (c *call) text(s string) unsafe.Pointer {
	b := append([]byte(s), 0)
	c.pins.Pin(&b[0])
	return unsafe.Pointer(&b[0])
}

// sink takes a piece of a statement's output and what it has cost so far. The
// bytes belong to the engine and are gone when it returns.
type sink func(counts, []byte) error

// query runs a statement and hands its whole output over, once, if it has any.
func (s *session) query(sql, format string, params []param, each sink) (counts, error) {
	c := newCall(sql, format, params)
	defer c.pins.Unpin()
	r := s.lib.query(s.handle(), c.sql, c.sqlLen, c.format, c.formatLen, c.names, c.nameLens, c.values, c.valueLens, c.params)
	defer s.lib.resultDestroy(r)
	total, data, err := s.result(r)
	if err == nil && len(data) > 0 && each != nil {
		err = each(total, data)
	}
	return total, err
}

// result reads what a call gave; the data lives until the result is destroyed.
func (s *session) result(r unsafe.Pointer) (counts, []byte, error) {
	if r == nil {
		return counts{}, nil, errors.New("engine gave no result")
	}
	if text := cString(s.lib.resultError(r)); text != "" {
		return counts{}, nil, parseException(text)
	}
	total := counts{s.lib.resultRowsRead(r), s.lib.resultBytesRead(r), s.lib.resultRowsWritten(r), s.lib.resultBytesWritten(r)}
	n := s.lib.resultLength(r)
	if n == 0 {
		return total, nil, nil
	}
	return total, unsafe.Slice((*byte)(s.lib.resultBuffer(r)), n), nil
}

// stream runs a statement and hands each block of its output over as it comes:
// every block is a document of the format by itself.
func (s *session) stream(sql, format string, params []param, each sink) (counts, error) {
	c := newCall(sql, format, params)
	defer c.pins.Unpin()
	r := s.lib.streamQuery(s.handle(), c.sql, c.sqlLen, c.format, c.formatLen, c.names, c.nameLens, c.values, c.valueLens, c.params)
	defer s.lib.resultDestroy(r)
	if _, _, err := s.result(r); err != nil {
		return counts{}, err
	}
	var total counts
	for {
		more, err := s.fetch(r, &total, each)
		if err != nil {
			s.lib.streamStop(s.handle(), r)
		}
		if err != nil || !more {
			return total, err
		}
	}
}

func (s *session) fetch(r unsafe.Pointer, total *counts, each sink) (more bool, err error) {
	block := s.lib.streamFetch(s.handle(), r)
	if block == nil {
		return false, nil
	}
	defer s.lib.resultDestroy(block)
	n, data, err := s.result(block)
	if err != nil || len(data) == 0 {
		return false, err
	}
	total.rowsRead += n.rowsRead
	total.bytesRead += n.bytesRead
	return true, each(*total, data)
}

// insert streams the data, in the format, into the table that the statement
// names. Nothing is stored unless data ends with a plain io.EOF.
func (s *session) insert(sql, format string, params []param, data io.Reader) (counts, error) {
	c := newCall(sql, format, params)
	defer c.pins.Unpin()
	stream := s.lib.insert(s.handle(), c.sql, c.sqlLen, c.format, c.formatLen, c.names, c.nameLens, c.values, c.valueLens, c.params)
	if stream == nil {
		return counts{}, errors.New("engine gave no insert stream")
	}
	defer s.lib.insertDestroy(stream)
	if text := cString(s.lib.insertError(stream)); text != "" {
		return counts{}, parseException(text)
	}
	const chunk = 256 << 10
	buf := make([]byte, chunk)
	c.pins.Pin(&buf[0])
	for ended := false; !ended; {
		n, err := fill(data, buf)
		if err != nil && err != io.EOF {
			s.lib.insertCancel(stream)
			return counts{}, &exception{code: codeCannotRead, text: fmt.Sprintf("request body: %v", err)}
		}
		ended = err == io.EOF
		if n > 0 && s.lib.insertAppend(stream, unsafe.Pointer(&buf[0]), uintptr(n)) != 0 {
			break // the reason comes with the result
		}
	}
	r := s.lib.insertDone(stream)
	defer s.lib.resultDestroy(r)
	total, _, err := s.result(r)
	return total, err
}

// fill reads until the buffer is full or the reader has ended. Unlike
// io.ReadFull it keeps a clean end (io.EOF) apart from a torn one.
func fill(r io.Reader, buf []byte) (int, error) {
	n := 0
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// classify asks the engine's parser what the text is, and how many statements.
func (s *session) classify(sql string) (class statementClass, statements uint32, err error) {
	// struct chdb_query_analysis_v1 { uint32_t struct_size, statement_count, flags, query_class; }
	analysis := [4]uint32{16, 0, 0, uint32(classUnknown)}
	c := newCall(sql, "", nil)
	defer c.pins.Unpin()
	c.pins.Pin(&analysis[0])
	if s.lib.classify(s.handle(), c.sql, c.sqlLen, nil, 0, unsafe.Pointer(&analysis[0])) != 0 {
		return classUnknown, 0, errors.New("engine cannot classify statements")
	}
	return statementClass(analysis[3]), analysis[1], nil
}

// text runs a statement whose answer is one short text.
func (s *session) text(sql string, params ...param) (string, error) {
	var out string
	_, err := s.query(sql, "TSVRaw", params, func(_ counts, b []byte) error {
		out = strings.TrimSuffix(string(b), "\n")
		return nil
	})
	return out, err
}

func (s *session) exec(sql string) error {
	_, err := s.query(sql, "Null", nil, nil)
	return err
}
