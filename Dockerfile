# An image with two files: freehold, and the certificate authorities that it trusts. It runs as an unprivileged user and writes
# no files, so run it with a read-only root. docs/deployment.md says how.
#
#   docker build --build-arg VERSION=v1.0.0 --build-arg COMMIT=$(git rev-parse HEAD) -t freehold .

FROM --platform=$BUILDPLATFORM node:24-bookworm-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci
COPY web/build.mjs ./
COPY web/src src
RUN npm run build

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/web/dist web/dist
ARG TARGETOS TARGETARCH
ARG VERSION=(devel) COMMIT=
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH scripts/release.sh binary /freehold

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /freehold /freehold
USER 65532:65532
ENV FREEHOLD_ENV=production FREEHOLD_ADDR=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/freehold", "healthcheck"]
ENTRYPOINT ["/freehold"]
