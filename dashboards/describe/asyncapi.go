package main

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"throughline/dashboards"
	"throughline/event"
)

// topic pairs a topic with what lies on it and what its key is.
type topic struct {
	spec  event.Spec
	value reflect.Type
	key   string
}

func topicOf[T any](t event.Topic[T], key string) topic {
	return topic{t.Spec, reflect.TypeFor[T](), key}
}

func topics() []topic {
	const customer = "customer id"
	return []topic{
		topicOf(event.Interactions(), customer), topicOf(event.Audio(), "interaction id"),
		{event.Turns().Spec, reflect.TypeFor[event.Turn](), customer}, {event.PartialTurns().Spec, reflect.TypeFor[event.Turn](), customer},
		topicOf(event.AnalysedTurns(), customer), topicOf(event.Journeys(), customer), topicOf(event.JourneyParts(), "origin/sender/customer"), topicOf(event.Suggestions(), customer),
		topicOf(event.Alerts(), customer), topicOf(event.Disclosures(), customer), topicOf(event.Feedbacks(), customer), topicOf(event.Patterns(), "tenant"), topicOf(event.Consents(), "tenant/customer/purpose/channel"),
		topicOf(event.Identities(), "tenant/customer/kind/handle, tenant/customer/into/customer, tenant/customer/not/customer, or tenant/customer/released"), topicOf(event.Policies(), "tenant/version"), topicOf(event.Audits(), "tenant"),
	}
}

// asyncAPI describes the topics of Kafka and the two streams that carry some of
// them on.
func asyncAPI(words comments) ([]byte, error) {
	s := newSchemas(words)
	var channels, operations, messages object
	for _, t := range topics() {
		name := t.spec.Name
		messages = append(messages, pair{name, object{{"title", name}, {"summary", t.spec.About}, {"contentType", "application/json"}, {"payload", s.of(t.value)}}})
		channels = append(channels, pair{name, object{
			{"address", name}, {"description", t.spec.About + ". " + retention(t.spec) + " Events that could not be handled lie on " + t.spec.Dead().Name + " for " + days(t.spec.Dead().Retention) + "."},
			{"servers", []any{reference("servers", "kafka")}},
			{"messages", object{{"event", reference("components/messages", name)}}},
			{"bindings", object{{"kafka", object{{"topic", name}, {"topicConfiguration", configuration(t.spec)}, {"bindingVersion", "0.5.0"}}}}},
		}})
		operations = append(operations, pair{"publish." + name, operation("send", name, "The pipeline writes "+name+"; the key is: "+t.key+".")})
	}
	messages = append(messages, pair{dashboards.ContextEvent, object{{"title", dashboards.ContextEvent},
		{"summary", "what is known of a customer, sent to those who ask for it by name the moment an interaction starts, gets an agent, or is advised on before its first word; it has no id and is not sent again"},
		{"contentType", "application/json"}, {"payload", s.of(reflect.TypeFor[dashboards.Context]())}}})
	for _, stream := range streams() {
		channels = append(channels, pair{stream.name, stream.channel()})
		operations = append(operations, pair{"follow." + stream.name, operation("send", stream.name, "A client follows events over "+stream.path+".")})
	}
	document := object{
		{"asyncapi", "3.0.0"},
		{"info", object{{"title", "Throughline topics and streams"}, {"version", "1.0.0"}, {"license", object{{"name", "Apache-2.0"}}},
			{"description", "Every arrow between the stages of Throughline is one of these topics. Events are JSON; ids are deterministic, so an event that comes twice is known by its id. The streams carry the same events to browsers and desktops."}}},
		{"defaultContentType", "application/json"},
		{"servers", object{
			{"kafka", object{{"host", "127.0.0.1:9092"}, {"protocol", "kafka"}, {"description", "the embedded broker, or any Kafka cluster"}}},
			{"http", object{{"host", "127.0.0.1:8080"}, {"protocol", "http"}, {"description", "throughline serve"}}},
		}},
		{"channels", channels}, {"operations", operations},
		{"components", object{{"messages", messages}, {"schemas", s.all()}}},
	}
	var b bytes.Buffer
	b.WriteString(generated)
	if err := encode(&b, document); err != nil {
		return nil, err
	}
	var back any
	if err := yaml.Unmarshal(b.Bytes(), &back); err != nil {
		return nil, err
	}
	return b.Bytes(), checkReferences(back, back, "#")
}

func reference(parts ...string) object {
	path := "#"
	for _, p := range parts {
		path += "/" + p
	}
	return object{{"$ref", path}}
}

func operation(action, channel, summary string) object {
	return object{{"action", action}, {"channel", reference("channels", channel)}, {"summary", summary}}
}

func retention(s event.Spec) string {
	if s.Compact {
		return "Compacted: the latest event of each key is kept."
	}
	return "Kept for " + days(s.Retention) + "."
}

func days(d time.Duration) string {
	if d < 24*time.Hour {
		return d.String()
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func configuration(s event.Spec) object {
	if s.Compact {
		return object{{"cleanup.policy", []string{"compact"}}}
	}
	return object{{"cleanup.policy", []string{"delete"}}, {"retention.ms", s.Retention.Milliseconds()}}
}

// stream is a way by which events leave over HTTP.
type stream struct{ name, path, about string }

func streams() []stream {
	return []stream{
		{"stream", "/v1/stream", "Server-Sent Events: the event's name is its topic, its id is the position after it. Begins with hello, which tells the position; reset says that the position asked for is gone and a snapshot is needed. Goes on after Last-Event-ID with nothing lost and nothing doubled. A heartbeat comes every 15 s."},
		{"ws", "/v1/ws", "WebSocket, subprotocol " + dashboards.Subprotocol + `: {"op":"sub","topics":[…],"interaction","customer","channel","agent","queue","id"} subscribes, after an id if one is given; {"op":"event","topic","id","data"} carries an event. Close codes: 1008 not understood, 1009 too long, 1012 the server restarts, 1013 too slow.`},
	}
}

func (s stream) channel() object {
	var carried object
	for _, t := range dashboards.Topics() {
		carried = append(carried, pair{t.Name, reference("components/messages", t.Name)})
	}
	carried = append(carried, pair{dashboards.ContextEvent, reference("components/messages", dashboards.ContextEvent)})
	slices.SortFunc(carried, func(a, b pair) int { return bytes.Compare([]byte(a.key), []byte(b.key)) })
	return object{{"address", s.path}, {"description", s.about}, {"servers", []any{reference("servers", "http")}}, {"messages", carried}}
}
