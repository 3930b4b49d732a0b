# Every target is one npm script or one call of the stack's runner; both install what this machine lacks first.
run := sh stack/run.sh
native := $(run) node stack/main.ts
# STACK=docker in the environment, or behind make: the system in containers, by the same targets.
ifeq ($(STACK),docker)
stack := $(run) sh stack/docker.sh
build := $(stack) build
else
stack := $(native)
build := $(run) npm run build
endif
test := npm test --
where := CONTEXT='$(CONTEXT)' NAMESPACE='$(NAMESPACE)' OVERLAY='$(OVERLAY)' COMPONENTS='$(COMPONENTS)'
k3s := $(where) REGISTRY='$(REGISTRY)' IMPORT='$(IMPORT)' URL='$(URL)' $(run) sh k8s/k3s.sh

.DEFAULT_GOAL := help
.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Run it -----------------------------------------------------------------------------------------------------------
.PHONY: up up-d down restart status logs logs-f health doctor packages demo seed create-admin api-docs api-collection systemd-unit
up: ## Start everything; Ctrl-C stops it
	@$(stack) up
up-d: ## Start everything in the background
	@$(stack) up -d
down: ## Stop everything; the data stays
	@$(stack) down
restart: ## Stop everything and start it again in the background
	@$(stack) restart
status: ## Show the running processes
	@$(stack) status
logs_options = $(if $(JSON),--json) $(if $(REQUEST),--request '$(REQUEST)') $(if $(TRACE),--trace '$(TRACE)')
logs: ## Show the last lines of all logs, or of some: make logs NAME=gateway; of one request: REQUEST= or TRACE=; as written: JSON=1
	@$(stack) logs $(strip $(logs_options) $(NAME))
logs-f: ## Follow all logs, or some: make logs-f NAME="gateway order-service"
	@$(stack) logs -f $(strip $(logs_options) $(NAME))
health: ## Check every part of the running system
	@$(stack) health
doctor: ## Show what this machine lacks, and how to get it
	@$(stack) doctor
packages: ## As root, so that others can start it: install Debian's packages that it needs, or one program: NAME=chromium
	@$(native) packages $(NAME)
demo: ## Play a whole scenario with some orders, and show each step
	@$(stack) demo
seed: ## Fill the running system with demo data; what is there already stays
	@$(stack) seed
create-admin: ## Create another admin: EMAIL=...; its password is asked for, or read from standard input
	@$(stack) script user create-admin -- --email "$(EMAIL)"
api-collection: ## Write requests to the running system for VS Code or IntelliJ to send: api.http
	@$(native) api-collection
systemd-unit: ## Print the unit by which systemd starts everything at boot: docs/deploy.md
	@$(native) systemd-unit
api-docs: ## Show what can be asked of the system, and where
	@$(stack) api-docs

# --- Work on it -------------------------------------------------------------------------------------------------------
.PHONY: infra run-user run-order run-payment run-gateway build descriptions migrate-up migrate-down migrate-status new-service rename
infra: ## Start the databases, RabbitMQ and Adminer alone, in the background
	@$(stack) infra -d
run-user: ## Run the user service from its source (after: make infra)
	@$(stack) run user-service
run-order: ## Run the order service from its source
	@$(stack) run order-service
run-payment: ## Run the payment service from its source
	@$(stack) run payment-service
run-gateway: ## Run the gateway from its source
	@$(stack) run gateway
build: ## Generate code and compile everything; STACK=docker: build the images
	@$(build)
descriptions: ## Write openapi.json of each service after a change of its API, and the types of its clients
	@npm run --silent descriptions && $(native) build
migrate-up: ## Apply the migrations that are missing in the running databases, or in one: SERVICE=order
	@$(stack) migrate up $(SERVICE)
migrate-down: ## Undo the last migration of each database, or of one: SERVICE=order
	@$(stack) migrate down $(SERVICE)
migrate-status: ## Show which migrations are applied
	@$(stack) migrate status $(SERVICE)

new-service: ## Make a service that runs, with its place everywhere: NAME=catalog PORT=8084
	@npm run --silent new-service -- --name '$(NAME)' --port '$(PORT)'
rename: ## Give the whole project another name, in one commit: NAME=acme
	@npm run --silent rename -- --name '$(NAME)'
# Services that `make new-service` made have these, too.
added := $(filter-out user order payment,$(patsubst %-service,%,$(wildcard *-service)))
$(addprefix run-,$(added)):
	@$(stack) run $(@:run-%=%)-service
$(addprefix test-,$(added)):
	@$(test) --selectProjects $(@:test-%=%)

# --- The entry point -------------------------------------------------------------------------------------------------------
.PHONY: nginx-up nginx-down nginx-restart nginx-logs nginx-clear-cache nginx-status certificate
nginx-up: ## Start nginx beside what runs, or with everything when nothing does
	@$(stack) nginx up
nginx-down: ## Stop nginx alone
	@$(stack) nginx down
nginx-restart: ## Start nginx again, with its configuration as it is now
	@$(stack) nginx restart
nginx-logs: ## Show the last requests
	@$(stack) logs nginx
nginx-clear-cache: ## Remove all that nginx keeps
	@$(stack) nginx clear-cache
nginx-status: ## Show its connections, its cache and how often that helped
	@$(stack) nginx status
certificate: ## Make a certificate of this machine's own, so that nginx serves https in development
	@$(native) certificate

# --- Look after it ----------------------------------------------------------------------------------------------------
.PHONY: backup restore reconcile dlq-list dlq-replay dlq-drop republish
backup: ## Write all databases, as of one moment, to backups/ or BACKUP_DIR=...: TO=FOLDER, or KEEP=7 removes older ones
	@$(stack) backup $(if $(TO),--to '$(TO)') $(if $(KEEP),--keep '$(KEEP)')
restore: ## Bring the databases back, while no service runs: FROM=FOLDER; REPLACE=1 in place of what they hold
	@$(stack) restore '$(FROM)' $(if $(filter-out 0 no false,$(REPLACE)),--replace)
reconcile: ## Compare our ledger with the payment provider's, all of them or since a day: SINCE=2026-01-31
	@$(stack) script payment reconcile $(if $(SINCE),-- --since $(SINCE))

dlq-list: ## Show the events that no service could handle
	@$(stack) dead-letters list
dlq-replay: ## Put them back into their queues: all, one or a type: ID=... TYPE=order.created; DRY_RUN=1 only shows them
	@$(stack) dead-letters replay -- $(if $(ID),--id '$(ID)') $(if $(TYPE),--type '$(TYPE)') $(if $(filter-out 0 no false,$(DRY_RUN)),--dry-run)
dlq-drop: ## Remove one that can never succeed, noted in the audit trail: ID=... REASON="..."
	@$(stack) dead-letters drop -- $(if $(ID),--id '$(ID)') $(if $(REASON),--reason '$(REASON)')
republish: ## Publish events again that were published since a time, e.g. after a broker lost its disk: SINCE=2026-01-31T12:00:00Z SERVICE=order
	@$(stack) republish '$(SINCE)' $(SERVICE)

# --- Kubernetes: k8s/README.md. CONTEXT=... OVERLAY=..., each says first which cluster it touches ---------------------------
.PHONY: k3s-setup k3s-build k3s-import k3s-deploy k3s-up k3s-status k3s-logs k3s-redeploy k3s-clean k3s-test test-k8s
k3s-setup: ## Check the cluster of kubectl's context, and create the namespace
	@$(k3s) setup
k3s-build: ## Build the images: REGISTRY=... names them for a registry
	@$(k3s) build
k3s-import: ## Bring them to the nodes: into k3s, kind, k3d or minikube, REGISTRY=..., or IMPORT="a command"
	@$(k3s) import
k3s-deploy: ## Make the secrets, migrate, start the new version: OVERLAY=production COMPONENTS=observability
	@$(k3s) deploy
k3s-up: ## Build, import and deploy
	@$(k3s) up
k3s-status: ## Show what runs in the namespace
	@$(k3s) status
k3s-logs: ## Show the last lines of all pods, or of some: SERVICE=gateway
	@$(k3s) logs $(SERVICE)
k3s-redeploy: ## Replace all pods, one after the other
	@$(k3s) redeploy
k3s-clean: ## Delete the namespace, and ALL DATA in it
	@$(k3s) clean
k3s-test: ## Play the whole scenario through NodePort and ingress: URL=http://localhost:30080
	@$(k3s) test
test-k8s: ## Render, validate and lint all overlays; where a cluster answers, prove them there
	@CONTEXT='$(CONTEXT)' CRDS='$(CRDS)' $(run) sh k8s/test.sh

# --- Check it ---------------------------------------------------------------------------------------------------------
.PHONY: test-performance-quick test-performance test-performance-report load-test
.PHONY: test test-user test-order test-payment test-gateway test-common test-coverage test-chaos test-security test-compose test-alerts test-fresh test-new-service test-upgrade lint fmt tidy sbom
test: ## Run every test
	@$(test)
test-user: ## Run the tests of the user service
	@$(test) --selectProjects user
test-order: ## Run the tests of the order service
	@$(test) --selectProjects order
test-payment: ## Run the tests of the payment service
	@$(test) --selectProjects payment
test-gateway: ## Run the tests of the gateway
	@$(test) --selectProjects gateway
test-common: ## Run the tests of the shared code
	@$(test) --selectProjects common
test-coverage: ## Run every test and report the lines they cover
	@$(test) --coverage
test-chaos: ## Kill every process under load, again and again, and check the databases: ROUNDS=3 SEED=1
	@$(native) build && $(run) node e2e/chaos/main.ts --rounds "$(ROUNDS)" --seed "$(SEED)"
test-security: ## Attack a whole system for some minutes: bad input, slow clients, timing; one part: FILE=slow-clients SEED=1 MINUTES=10; CASES=500 for FILE=schemathesis
	@$(if $(SEED),SEED="$(SEED)") npm run --silent test:security -- $(FILE)
test-compose: ## Build the images, start the system in containers, and test it: COMPOSE_PROFILES=metrics,tools
	@$(run) npm run --silent test:compose
test-alerts: ## Of the tests, those that break a whole system in each way that raises an alarm, and see it raised
	@npm run --silent test:alerts
test-fresh: ## Try the first commands on machines as Debian ships them; needs root and debootstrap
	@sh stack/fresh/test.sh
test-new-service: ## Make a service in a renamed copy, build, lint, test and start it, and remove it again: some minutes
	@npm run --silent test:new-service
test-upgrade: ## Start another version, fill it, and let this one go on with its data: FROM=COMMIT
	@FROM='$(FROM)' sh stack/upgrade/prove.sh
test-performance-quick: ## Measure the running system in seconds: its state, response times, and nginx's cache
	@$(native) build && $(run) node perf/performance/main.ts --quick
test-performance: ## Measure the running system in some minutes: that, loads of 100 to 500 requests, and users at a time
	@$(native) build && $(run) node perf/performance/main.ts
test-performance-report: ## Measure a system of its own beside a floor, and write PERFORMANCE-REPORT.md: a quarter of an hour (MINUTES= of mixed load, 3 by default)
	@$(native) build && $(run) node perf/bench/main.ts --report PERFORMANCE-REPORT.md --minutes $(or $(MINUTES),3)
load-test: ## Put load on one address: URL=http://localhost/ CONCURRENCY=50 REQUESTS=500 TOKEN=...
	@$(native) build && $(run) node perf/load-test.ts '$(URL)' --concurrency '$(CONCURRENCY)' --requests '$(REQUESTS)' --token '$(TOKEN)'
lint: ## Check style, types and the rules of the architecture
	@$(native) build && $(run) npm run lint
fmt: ## Format everything
	@$(run) npm run format
sbom: ## Write which packages a release consists of, as CycloneDX: sbom.cdx.json
	@npm run --silent sbom
tidy: ## Remove packages that nothing needs, and check package-lock.json
	@$(run) npm run tidy

# --- Clean up ---------------------------------------------------------------------------------------------------------
.PHONY: clean clean-all
# With STACK=docker the files of this folder stay: a stack without containers may be running from them.
ifeq ($(STACK),docker)
clean: ## Remove what the build made; STACK=docker: stop everything and remove the images instead
	@$(stack) clean
clean-all: ## Stop everything, and remove what was built and installed, and ALL DATA
	@$(stack) clean-all
else
clean:
	@if command -v npm >/dev/null; then npm run --silent clean; fi
clean-all:
	@if [ -d node_modules ]; then $(stack) down; fi
	@if command -v npm >/dev/null; then npm run --silent clean; fi
	@rm -rf "$$(readlink -f .native)" .native node_modules
endif
