# make demo, make test: each sets up what it needs, once. The environment is .venv, from the lock.
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
READY := .venv/.ready
# pdflatex with booktabs, which compiles the tables in a test.
TEX := texlive-latex-recommended
# A browser for the report's check; fonts for the languages that the tables quote.
CHROMIUM := chromium fonts-noto-core
# Pictures and names of emoji; fonts in which texts are rendered as images.
IMAGES := fonts-noto-color-emoji unicode-cldr-core fonts-noto-core fonts-noto-cjk
EMOJI := fonts-noto-color-emoji unicode-cldr-core
APERTIUM := apertium $(sort $(shell sed -n 's/.*package: \([a-z-]*\).*/\1/p' config/catalogue.yaml))
export HF_HUB_OFFLINE ?= 0
export TOKENIZERS_PARALLELISM ?= false
# Containers often set it. Each job would then compile the libraries that it imports, for half a minute.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test test-all plan verify compare report schema lint format
.PHONY: packages apertium emoji tex chromium images

help:
	@echo "make demo    the bundled corpus through the whole workflow, nothing downloaded but packages;"
	@echo "             VERBOSE=1 shows all that Snakemake says"
	@echo "make test    the tests; make test-all: the slow ones, too;  PYTEST=tests/unit runs a part"
	@echo "make plan    hours, disk and memory of CONFIG=config/paper.yaml, on paper; PLAN='--gpu a100'"
	@echo "make verify  tables against their provenance: RESULTS=results/demo, CONFIG=config/demo.yaml"
	@echo "make compare A=results B=other/results: where two folders begin to differ, and by how much"
	@echo "make report  all tables, ablations and figures on one page, checked in Chromium: CONFIG=..."
	@echo "make setup   the environment in .venv, Apertium and emoji, which the others make by themselves"
	@echo "make lint    formatters and linters, as the tests run them;  make format mends"
	@echo "make schema  the JSON schema again, after a change of the configuration's models"

setup: $(READY) apertium emoji

# A line a stage. All that Snakemake says: make demo VERBOSE=1, or SNAKEMAKE='.venv/bin/python -m snakemake ...'
# By Python's module: the first line of bin/snakemake cannot name a path with every character.
SNAKEMAKE ?= $(if $(VERBOSE),,$(BIN)/python workflow/stages.py )$(BIN)/python -m snakemake
# A text as one word of the shell, whatever is in it.
quoted = '$(subst ','\'',$(1))'

# By its limit of jobs a second Snakemake looks at all ready jobs again after each second, once for
# every job that has ended: half a core in a run of a thousand jobs. It waits that time at its end, too.
thrifty = --max-jobs-per-timespan 1000/$(1)s

# After a kill, the lock of a Snakemake that is dead; an error if it lives.
RECOVER := $(BIN)/python workflow/unlock.py --quiet

demo: setup
	@$(RECOVER)
	@$(SNAKEMAKE) --cores $(CORES) $(call thrifty,5) --configfile=config/demo.yaml table_pages
	@$(SNAKEMAKE) --configfile=config/demo.yaml --report results/demo/report.html table_pages
	@echo
	@$(BIN)/python workflow/summary.py results/demo
	@echo "With ablations: make report CONFIG=config/demo.yaml"

# PYTEST="tests/unit -k metrics -n 0" runs a part. The slowest tests are listed at the end.
# One worker more than there are cores, since a worker often waits for what it has started.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

test: packages setup tex chromium images
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow" $(PYTEST)

test-all: packages setup tex chromium images
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST)

# Several files are laid over each other: CONFIG="config/config.yaml mine.yaml". One whose path has
# a blank stands in quotes: CONFIG="'my files/mine.yaml'".
CONFIGS = $(or $(CONFIG),config/config.yaml)

plan: $(READY)
	@$(BIN)/python workflow/plan.py $(PLAN) $(CONFIGS)

# Where the configuration puts them, unless it is given.
RESULTS ?= $(if $(shell [ -x $(BIN)/python ] && echo yes),$(or \
    $(shell $(BIN)/python workflow/results_folder.py $(CONFIGS)),\
    $(error The configuration cannot be read: $(CONFIGS))))

# CONFIG, one file or several, has the configuration compared, too.
verify: $(READY)
	@$(BIN)/python workflow/verify.py $(call quoted,$(RESULTS)) $(if $(CONFIG),--config $(CONFIG))

# Stage by stage, the first artefacts that differ, and by how much the tables do.
A ?= results
compare: $(READY)
	@[ -n $(call quoted,$(B)) ] || { echo "Type: make compare A=results B=other/results"; exit 1; }
	@$(BIN)/python workflow/compare.py $(call quoted,$(A)) $(call quoted,$(B))

# Snakemake replaces `$NAME` in the path of a report by the environment variable of that name, so that the
# report is made under another path.
REPORT := .snakemake/report.html

report: setup images
	@$(RECOVER)
	@$(SNAKEMAKE) --cores $(CORES) $(call thrifty,20) --configfile $(CONFIGS) -- report_pages
	@$(SNAKEMAKE) --configfile $(CONFIGS) --report $(REPORT) -- report_pages
	@mv $(REPORT) $(call quoted,$(RESULTS)/report.html)
	@$(MAKE) --no-print-directory chromium
	$(BIN)/python workflow/check_report.py $(call quoted,$(RESULTS)/report.html)

# After a change of the configuration's models; a test holds the file to them.
schema: $(READY)
	PYTHONPATH=workflow/scripts $(BIN)/python -m hybridbatch.experiment.schema

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m snakefmt --check workflow
	$(BIN)/python tests/lint_workflow.py

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m snakefmt workflow

# Python compiles a module when it is first imported. Most of the 18,000 files never are. The libraries
# are imported here, once, since many jobs that start together would each compile them. The jobs
# themselves say what cannot be imported.
LIBRARIES := datasets, faiss, matplotlib.pyplot, pandas, peft, scipy.stats, sentence_transformers, snakemake.cli
$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    if [ "$$(id -u)" = 0 ]; then apt-get update && apt-get install -y --no-install-recommends python3-venv; \
	    else echo "Type: sudo apt-get install python3-venv"; exit 1; fi
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --requirement requirements.txt
	-$(BIN)/python -c 'import $(LIBRARIES)'
	@touch $@

# Every mode that the catalogue's routes name.
apertium: PACKAGES = $(APERTIUM)
apertium: OTHERWISE = exit 1
# Pictures and names that the demo's and the laptop's images are made of.
emoji: PACKAGES = $(EMOJI)
emoji: OTHERWISE = exit 1
tex: PACKAGES = $(TEX)
tex: OTHERWISE = echo "Going on: the tests that compile LaTeX are skipped."
chromium: PACKAGES = $(CHROMIUM)
chromium: OTHERWISE = echo "Going on: reports are not checked in a browser."
images: PACKAGES = $(IMAGES)
images: OTHERWISE = echo "Going on: tests of emoji and of rendered texts are skipped, pages of such texts fail."
# All of these at once; those that then are missing say so one by one.
packages: PACKAGES = $(sort $(APERTIUM) $(TEX) $(CHROMIUM) $(IMAGES))
packages: OTHERWISE = true
apertium emoji tex chromium images packages:
	@missing=""; for package in $(PACKAGES); do \
	    dpkg-query --show --showformat='$${db:Status-Status}' $$package 2>/dev/null | grep -qx installed \
	        || missing="$$missing $$package"; done; \
	if [ -z "$$missing" ]; then exit 0; \
	elif [ "$$(id -u)" = 0 ]; then \
	    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $$missing; } \
	        || $(OTHERWISE); \
	else echo "Debian packages are missing. Type: sudo apt-get install$$missing"; $(OTHERWISE); fi
