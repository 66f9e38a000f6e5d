FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN go build -trimpath -o /throughline ./cmd/throughline

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
 && useradd --system --home-dir /var/lib/throughline --create-home throughline
USER throughline
WORKDIR /var/lib/throughline
COPY --from=build /throughline /usr/local/bin/throughline
EXPOSE 8080
ENTRYPOINT ["throughline"]
CMD ["serve", "--config", "/etc/throughline.yaml"]
