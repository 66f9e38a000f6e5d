# Throughline. `make` or `make help` lists the targets.
GO     ?= go
export CGO_ENABLED ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo build test test-kafka bench lint web eval

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## build, serve on http://127.0.0.1:8080 and play a bundled day
	./bin/throughline demo

build: ## build bin/throughline
	@./scripts/need go gcc
	$(GO) build -o bin/throughline ./cmd/throughline

# One package at a time: each has a broker, a browser, an engine or a recogniser of
# its own, and wants all processors.
test: ## run every test that needs no outside server
	@./scripts/need go gcc chromium sipp
	$(GO) test -race -shuffle=on -p 1 -timeout 25m ./...

test-kafka: ## run the broker battery and the whole pipeline on a real Apache Kafka node (Java 17, Maven)
	$(GO) test -race -tags kafka -count=1 -timeout 20m -v -run 'ApacheKafka' ./bus/apachekafka/... ./bus ./cmd/throughline

bench: ## measure speed; docs/benchmarks.md says what each figure means
	@./scripts/need go gcc
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 60m ./bench/...
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./transcribe/bench ./ingest/siprec ./ingest/rtp
	$(GO) test -run '^$$' -bench Opened -benchtime 500x ./ingest/audiohook
	$(GO) test -run '^$$' -bench Restore -benchtime 3x -timeout 30m ./ingest
	$(GO) test -run '^$$' -bench Rows -benchtime 200000x ./sink
	$(GO) test -run '^$$' -bench . ./bus/embedded ./journey ./journey/score ./assist ./assist/summary ./nlp/floor ./nlp/encoder ./nlp/category ./governance/redact ./ingest/whatsapp ./dashboards

eval: build ## measure quality on the public sets beside the checkout and write docs/accuracy.md
	./bin/throughline eval all > docs/accuracy.md.new
	mv docs/accuracy.md.new docs/accuracy.md

lint: ## formatting, vet, and the linters
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt -w on these files'; exit 1; }
	$(GO) vet ./...
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

web: ## rebuild the live screen (Node 20)
	@./scripts/need node
	cd dashboards/web && npm ci --no-audit --no-fund && npm run build
