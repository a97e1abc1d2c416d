# One line per target; the work is done in setup/, stackctl/ and tests/.
# several clones may share one environment: STACKCTL_VENV names it
VENV := $(or $(STACKCTL_VENV),.venv)
STACKCTL := $(VENV)/bin/stackctl
.PHONY: help setup up down restart status verify logs watch-install watch-remove test check bench

help: ## show this help
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16

setup: ## install what is missing: Docker, Python environment, simulated GPUs where there are none
	@setup/setup.sh

up: setup ## bring the whole stack up and prove each service
	@$(STACKCTL) up

down: ## stop and remove the services; models stay
	@$(STACKCTL) down

restart: setup ## recreate the services and prove them again
	@$(STACKCTL) restart

status: ## a picture of the box
	@$(STACKCTL) status

verify: ## check that everything is as promised
	@$(STACKCTL) verify

logs: ## the engines' logs
	@$(STACKCTL) logs

watch-install: ## look after the box: verify, heal and record every minute (docs/watch.md)
	@$(STACKCTL) watch install

watch-remove: ## end that
	@$(STACKCTL) watch remove

test: setup ## all tests: unit, real Docker daemon, whole stack
	@$(VENV)/bin/pytest --numprocesses 2 $(ARGS)

check: setup ## formatting, lint, types, import rules, shell scripts
	@$(VENV)/bin/python -m tests.lint

bench: setup ## performance as ratios, side by side in one run
	@$(VENV)/bin/python -m tests.bench
