package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// commit writes down how far a member of a generation has come: for each topic
// and partition the next offset. It goes over the client's own connections: of
// the one that the generation holds, kafka-go lets everybody who waits for an
// answer spin until the next one is theirs.
func (b *Bus) commit(gen *kafka.Generation, next map[string]map[int]int64) error {
	topics := make(map[string][]kafka.OffsetCommit, len(next))
	for topic, offsets := range next {
		for p, offset := range offsets {
			topics[topic] = append(topics[topic], kafka.OffsetCommit{Partition: p, Offset: offset})
		}
	}
	ctx, cancel := context.WithTimeout(b.life, 10*time.Second)
	defer cancel()
	resp, err := b.client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: gen.GroupID, GenerationID: int(gen.ID), MemberID: gen.MemberID, Topics: topics,
	})
	if err != nil {
		return err
	}
	for topic, partitions := range resp.Topics {
		for _, p := range partitions {
			if p.Error != nil {
				return fmt.Errorf("%s/%d: %w", topic, p.Partition, p.Error)
			}
		}
	}
	return nil
}
