# Every target is one npm script or one call of the stack's runner; both install what this machine lacks first.
run := sh stack/run.sh
stack := $(run) node stack/main.ts
test := npm test --

.DEFAULT_GOAL := help
.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Run it -----------------------------------------------------------------------------------------------------------
.PHONY: up up-d down restart status logs logs-f health doctor
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
logs: ## Show the last lines of all logs, or of some: make logs NAME=gateway
	@$(stack) logs $(NAME)
logs-f: ## Follow all logs, or some: make logs-f NAME="gateway order-service"
	@$(stack) logs -f $(NAME)
health: ## Check every part of the running system
	@$(stack) health
doctor: ## Tell what this machine lacks, and how to get it
	@$(stack) doctor

# --- Work on it -------------------------------------------------------------------------------------------------------
.PHONY: infra run-user run-order run-payment run-gateway build migrate-up migrate-down migrate-status
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
build: ## Generate code and compile everything
	@$(run) npm run build
migrate-up: ## Apply the migrations that are missing in the running databases, or in one: SERVICE=order
	@$(stack) migrate up $(SERVICE)
migrate-down: ## Undo the last migration of each database, or of one: SERVICE=order
	@$(stack) migrate down $(SERVICE)
migrate-status: ## Show which migrations are applied
	@$(stack) migrate status $(SERVICE)

# --- Look after it ----------------------------------------------------------------------------------------------------
.PHONY: reconcile dlq-list dlq-replay
reconcile: ## Compare our books with the payment provider's, all of them or since a day: SINCE=2026-01-31
	@$(stack) script payment reconcile $(if $(SINCE),-- --since $(SINCE))

dlq-list: ## Show the events that no service could handle
	@$(stack) dead-letters list
dlq-replay: ## Put them back into their queues: all, one or a type: ID=... TYPE=order.created; DRY_RUN=1 only shows them
	@$(stack) dead-letters replay -- $(if $(ID),--id '$(ID)') $(if $(TYPE),--type '$(TYPE)') $(if $(DRY_RUN),--dry-run)

# --- Check it ---------------------------------------------------------------------------------------------------------
.PHONY: test test-user test-order test-payment test-gateway test-common test-coverage test-chaos lint fmt tidy
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
test-chaos: ## Kill every process under load, again and again, and judge the databases: ROUNDS=3 SEED=1
	@$(run) node e2e/chaos/main.ts --rounds "$(ROUNDS)" --seed "$(SEED)"
lint: ## Check style, types and the rules of the architecture
	@$(stack) build && $(run) npm run lint
fmt: ## Format everything
	@$(run) npm run format
tidy: ## Remove packages that nothing needs, and check package-lock.json
	@$(run) npm run tidy

# --- Clean up ---------------------------------------------------------------------------------------------------------
.PHONY: clean clean-all
clean: ## Remove what the build made
	@npm run --silent clean
clean-all: ## Stop everything, and remove what was built and installed, and ALL DATA
	@if [ -d node_modules ]; then $(stack) down; fi
	@npm run --silent clean
	@rm -rf .native node_modules
