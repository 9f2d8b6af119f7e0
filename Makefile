# Toolbench: `make run` serves, `make test` tests; `make help` lists the rest.
# What a step made is remembered in a stamp, so that the second time is quick and needs no network.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes
DATA := $(or $(TOOLBENCH_DATA_DIR),var)

PACKAGES := .venv/.requirements
DEV_PACKAGES := .venv/.requirements-dev
FONTS := .stamps/fonts
CLIENTS := .stamps/clients
ASSETS := build/assets/.built
MIGRATED := $(DATA)/.migrated
# collectstatic writes this file last.
STATIC := $(DATA)/static/staticfiles.json

STATIC_SOURCES := $(shell find chat tools toolbench_site -path '*/static/*' -type f)
MIGRATIONS := $(shell find chat tools toolbench_site -path '*/migrations/*.py')

# $(call timed,what,command): run it and say how long it took. No commas in either.
timed = @echo '$(1) …'; begin=$$(date +%s%N); $(2); \
	printf '%s: %.1f s\n' '$(1)' "$$(( ($$(date +%s%N) - begin) / 100000000 ))e-1"

.PHONY: help run cluster setup test lint format requirements bench FORCE

help:
	@echo 'make run           install what is needed and serve on 127.0.0.1:8000 (HOST and PORT change it)'
	@echo 'make cluster       the same on PostgreSQL and Redis: two processes behind nginx (PORT changes it)'
	@echo 'make setup         the same without serving'
	@echo 'make test          lint; types; migrations; all tests (TOOLBENCH_REQUIRE=browser,cluster: no skips there)'
	@echo 'make lint          ruff and mypy alone'
	@echo 'make format        let ruff format and mend'
	@echo 'make requirements  pin anew what pyproject.toml asks for'
	@echo 'make bench         the benchmarks (ARGS="…" goes to them)'

run: setup
	@exec $(PY) manage.py serve

cluster: $(PACKAGES) $(ASSETS)
	@exec $(PY) -m tests.cluster

setup: $(PACKAGES) $(ASSETS) $(MIGRATED) $(STATIC)

test: $(DEV_PACKAGES) $(ASSETS) $(CLIENTS)
	@$(PY) -m tests.run

lint: $(DEV_PACKAGES)
	@$(PY) -m tests.run lint

format: $(DEV_PACKAGES)
	@$(PY) -m ruff check --fix --quiet . || true
	@$(PY) -m ruff format .

requirements: $(DEV_PACKAGES)
	@options='--universal --generate-hashes --no-header --no-annotate --quiet'; \
	.venv/bin/uv pip compile pyproject.toml $$options -o requirements.txt; \
	.venv/bin/uv pip compile pyproject.toml $$options --extra dev -o requirements-dev.txt

bench: $(DEV_PACKAGES) $(ASSETS)
	@$(PY) -m bench $(ARGS)

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Toolbench needs Python 3.11 or newer; make PYTHON=python3.11 … names another one.' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		echo 'Python cannot make virtual environments here. As root: apt-get install python3-venv' >&2; exit 1; }
	$(call timed,Making .venv,$(PYTHON) -m venv .venv)

$(PACKAGES): requirements.txt | $(PY)
	$(call timed,Installing packages,$(PIP) -r requirements.txt)
	@touch $@

$(DEV_PACKAGES): requirements-dev.txt | $(PY)
	$(call timed,Installing packages for development,$(PIP) -r requirements-dev.txt)
	@touch $@ $(PACKAGES)

# Fonts are a courtesy of npm: without it the system's serve, and a failure only warns.
$(FONTS): $(wildcard package.json package-lock.json)
	@mkdir -p $(@D)
ifneq (,$(shell command -v npm))
	$(call timed,Fetching fonts,timeout 180 npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1 \
		|| echo 'npm could not fetch the fonts; the system fonts serve. To try again: rm $(FONTS)' >&2)
else
	@echo 'npm is not here, so the system fonts serve.'
endif
	@touch $@

# Only tests need it: the official OpenAI client for Node.js; without it they say that they skip.
$(CLIENTS): $(FONTS)
ifneq (,$(shell command -v npm))
	$(call timed,Fetching the OpenAI client for Node.js,timeout 180 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1 \
		|| echo 'npm could not fetch it; the tests with it are skipped. To try again: rm $(CLIENTS)' >&2)
endif
	@touch $@

$(ASSETS): $(FONTS) $(wildcard toolbench_site/sprite.py toolbench_site/fonts.py toolbench_site/icons.py) | $(PACKAGES)
	$(call timed,Building assets,$(PY) manage.py build_assets)
	@touch $@

$(MIGRATED): $(MIGRATIONS) $(PACKAGES) $(if $(wildcard $(DATA)/toolbench.sqlite3),,FORCE)
	$(call timed,Migrating the database,$(PY) manage.py migrate --verbosity 0)
	@touch $@

$(STATIC): $(STATIC_SOURCES) $(ASSETS) $(PACKAGES)
	$(call timed,Collecting static files,$(PY) manage.py collectstatic --noinput --verbosity 0)
	@touch $@

FORCE:
