# On a fresh machine with Go and make, `make run` and `make test` do everything. Both install what is missing. The other
# targets are their parts.

.DEFAULT_GOAL := help
.PHONY: help run web pictures build quick test generate fresh lint unit rules-score fuzz compose breaking stranger release bench faults soak

GO       ?= go
BIN      := $(CURDIR)/.cache/bin
LINT_VER := v2.15.0
LINT     := $(BIN)/golangci-lint-$(LINT_VER)
ASSETS   := web/dist/manifest.json
FRONT    := examples/web/dist/index.html

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST)

run: build ## serve with a private PostgreSQL, at http://127.0.0.1:8080/graphql
	@scripts/need.sh postgres
	@exec ./freehold

web: build $(FRONT) ## serve examples/web, a front end, with freehold and a private PostgreSQL, at http://localhost:5173
	@scripts/need.sh postgres
	@exec node examples/web/scripts/serve.mjs

build: $(ASSETS) ## build ./freehold, with its assets embedded
	@$(GO) build -o freehold .

$(ASSETS): web/package.json web/package-lock.json web/.npmrc web/build.mjs $(wildcard web/src/*)
	@scripts/need.sh node npm
	@cd web && npm ci --loglevel=error >/dev/null && npm run --silent build

# Its types come from the schema, and what it says about fields from their rules.
$(FRONT): examples/web/node_modules $(wildcard examples/web/*.* examples/web/scripts/*) $(shell find examples/web/src examples/web/public -type f ! -path '*/generated/*') schema.graphqls docs/access.md
	@$(MAKE) --no-print-directory build
	@cd examples/web && npm run --silent build && touch dist/index.html

quick: ## check in seconds all that needs no PostgreSQL, browser or Node.js; PACKAGES selects packages
	@GO="$(GO)" PACKAGES="$(PACKAGES)" scripts/quick.sh

test: build fresh lint unit fuzz compose breaking stranger ## run everything that CI runs

generate: ## regenerate the generated files
	@$(GO) generate ./...
	@cd examples/notes && $(GO) generate ./...
	@$(GO) run . access --format=markdown >docs/.access.md.new && mv docs/.access.md.new docs/access.md || { rm -f docs/.access.md.new; exit 1; }
	@scripts/need.sh postgres
	@$(GO) test -count=1 -run '^TestSchemaIsDocumented$$' ./db -update

GENERATED := $(addprefix graph/, generated.go model/models_gen.go bridge_gen.go) modules/resolvers_gen.go
GENERATED += $(addprefix examples/notes/, $(GENERATED) schema/freehold.graphqls schema/federation.graphqls)
GENERATED += $(addprefix examples/notes/subgraph/, graph/generated.go graph/bridge_gen.go modules/resolvers_gen.go schema/subgraph.graphqls schema/federation.graphqls)

fresh: ## check that generated files match their sources (tests check docs/access.md and docs/schema.sql)
	@before=$$(cat $(GENERATED) | cksum); $(GO) generate ./... && (cd examples/notes && $(GO) generate ./...) && \
	after=$$(cat $(GENERATED) | cksum) && \
	if [ "$$before" != "$$after" ]; then echo "generated files were stale; commit the output of make generate" >&2; exit 1; fi
	@$(GO) mod tidy -diff
	@cd bench && $(GO) mod tidy -diff
	@cd examples/notes && $(GO) mod tidy -diff
	@$(GO) mod verify >/dev/null

lint: $(LINT) ## run the linter, and go vet for macOS
	@$(LINT) run --allow-parallel-runners ./...
	@GOOS=darwin $(GO) vet ./...
	@cd bench && $(LINT) run --allow-parallel-runners ./...
	@cd examples/notes && $(LINT) run --allow-parallel-runners ./...

$(LINT):
	@echo "building golangci-lint $(LINT_VER)" >&2
	@mkdir -p $(BIN)
	@GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VER)
	@mv $(BIN)/golangci-lint $(LINT)

unit: $(ASSETS) $(FRONT) e2e/node_modules e2e/gateways/node_modules ## run the Go tests, with the race detector, a real browser, proxies and client tools
	@scripts/need.sh postgres cc chromium nginx caddy haproxy promtool
	@$(GO) test -race -timeout 15m $$($(GO) list ./... | grep -v /e2e/); status=$$?; \
	$(GO) test -race -timeout 15m -p 1 ./e2e/... && exit $$status # one at a time, because some tests measure time
	@cd bench && $(GO) vet ./... && $(GO) test ./...
	@cd examples/notes && $(GO) vet ./... && $(GO) test ./...

FAULTS_SEED ?= 0
SOAK ?= 1h

faults: $(BIN)/faults.test ## make things fail under load, and print what each fault costs (FAULT selects one, FAULTS_SEED replays; unit has a short form)
	@cd e2e/faults && exec $< -test.run '^TestFaults$$/^$(FAULT)' -long -seed=$(FAULTS_SEED)

soak: $(BIN)/faults.test ## serve for an hour, or SOAK, and check that memory, connections and tables do not grow
	@cd e2e/faults && exec $< -test.run '^TestSoak$$' -soak=$(SOAK) -seed=$(FAULTS_SEED)

.PHONY: $(BIN)/faults.test
$(BIN)/faults.test: $(ASSETS)
	@scripts/need.sh postgres
	@$(GO) test -c -o $@ ./e2e/faults

rules-score: ## weaken each field rule and row policy in turn, and show which test fails (part of unit)
	@scripts/need.sh postgres cc
	@$(GO) test -race -count=1 -v -run '^TestAccess$$/^score$$' ./e2e/access

FUZZED := auth:FuzzCode mail:FuzzRecipient accounts/input:FuzzUsername accounts/input:FuzzEmail accounts/input:FuzzPhone resolvers:FuzzCursor edge:FuzzRequest edge/document:FuzzCost edge/document:FuzzVariables

fuzz: ## fuzz each parser for a few seconds (by count, because go test sometimes fails when a fuzz time ends)
	@for f in $(FUZZED); do \
		$(GO) test -run '^$$' -fuzz "^$${f#*:}$$" -fuzztime 30000x "./$${f%:*}" || exit 1; \
	done

compose: build e2e/node_modules ## compose the schema with other subgraphs, with Apollo's tool
	@mkdir -p .cache && cd examples/notes && $(GO) run ./subgraph schema >../../.cache/subgraph.graphql
	@./freehold schema | node e2e/compose/compose.mjs .cache/subgraph.graphql

breaking: e2e/node_modules ## check that the schema breaks no client of the last release
	@scripts/need.sh git
	@scripts/breaking.sh

e2e/node_modules e2e/gateways/node_modules examples/web/node_modules: %/node_modules: %/package-lock.json %/package.json %/.npmrc
	@scripts/need.sh node npm
	@cd $(@D) && npm ci --loglevel=error >/dev/null
	@touch $@

pictures: build $(FRONT) ## take the pictures of docs/pictures
	@scripts/need.sh postgres chromium
	@$(GO) test -count=1 -run '^TestStories$$' ./e2e/frontend -pictures

stranger: ## follow the README in a fresh copy of the tree
	@scripts/need.sh postgres curl git
	@e2e/stranger.sh

release: $(ASSETS) ## build a release in .cache/release; VERSION is that of the Git tag, unless you set it
	@scripts/need.sh git
	@GO="$(GO)" scripts/release.sh

PEERS := bench/apollo/node_modules bench/postgraphile/node_modules bench/node/node_modules

bench: build $(PEERS) ## compare freehold with other servers (not part of test); BENCH_ARGS has flags, such as -help
	@scripts/need.sh postgres
	@cd bench && $(GO) build -o ../.cache/bin/bench . && exec ../.cache/bin/bench $(BENCH_ARGS)

bench/%/node_modules: bench/%/package-lock.json bench/%/package.json bench/%/.npmrc
	@scripts/need.sh node npm
	@cd $(@D) && npm ci --loglevel=error >/dev/null
	@touch $@
