package embedded

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// isHello recognises the first statement of every clickhouse-go connection.
func isHello(sql string) bool {
	return strings.TrimSpace(sql) == "SELECT displayName(), version(), revision(), timezone()"
}

// hello answers it by hand. The client decodes all later blocks by the protocol
// revision it is told here, and libchdb writes them in the oldest form only:
// so the revision is 0. This one block is read by the client's own revision.
func (h *handler) hello(out *reply, r *http.Request) error {
	client, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("client_protocol_version"), "0"))
	if err != nil {
		return &exception{code: codeBadArguments, text: "client_protocol_version is not a number"}
	}
	one := func(text string) *proto.ColStr {
		c := new(proto.ColStr)
		c.Append(text)
		return c
	}
	var buf proto.Buffer
	block := proto.Block{Info: proto.BlockInfo{BucketNum: -1}, Columns: 4, Rows: 1}
	if err := block.EncodeBlock(&buf, client, []proto.InputColumn{
		{Name: "displayName()", Data: one("throughline")},
		{Name: "version()", Data: one(h.engine.version)},
		{Name: "revision()", Data: &proto.ColUInt32{0}},
		{Name: "timezone()", Data: one(h.engine.timezone)},
	}); err != nil {
		return err
	}
	out.describe("", "Native")
	return out.write(buf.Buf)
}
