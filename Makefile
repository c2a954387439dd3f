# Needs python3 (3.11 or newer), make and pip; everything else is installed into .venv. No environment has to be active.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
DEMO := runs/demo

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-full benchmark benchmark-language benchmark-touchpoints benchmark-speed benchmark-archive benchmark-models test-faults lint clean

help:
	@echo "make demo       score the example comments and report what was found"
	@echo "make test       lint, format check, types, tests (what CI runs)"
	@echo "make test-full  the same with the slow tests, and coverage"
	@echo "make test-faults  kills, full disks, malformed inputs, clusters; prints tables"
	@echo "make benchmark  quality and speed of the default model"
	@echo "make benchmark-language  language identification beside other libraries"
	@echo "make benchmark-touchpoints  touchpoints and story by language and type, beside phrases alone"
	@echo "make benchmark-speed  comments a second beside other libraries, then archives of up to a million comments (45 minutes)"
	@echo "make benchmark-archive  time and memory of a million rows beside the core alone; Ray and Spark"
	@echo "make benchmark-models   the default model beside other contenders: figures, comparison, leaderboard (an hour)"
	@echo "make clean      remove the environment, caches and demo output"

demo: $(VENV)/.report
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	$(BIN)/cxsentiment score examples/feedback.csv -o $(DEMO)/feedback.scored.parquet --text-column comment
	@echo
	$(BIN)/cxsentiment score examples/feedback.csv -o $(DEMO)/feedback.scored.csv --text-column comment
	@echo
	$(BIN)/cxsentiment analyze \
		"Το προσωπικό ευγενικό, αλλά το app κολλάει συνέχεια" \
		"Kurier się spóźnił, za to obsługa na infolinii super!" \
		"aplicatia merge bine, dar livrarea a durat doua saptamani" \
		"Third time I call about the same bill. I'm leaving."
	@echo
	$(BIN)/cxsentiment score examples/archive.csv -o $(DEMO)/archive --text-column comment --quiet
	$(BIN)/cxsentiment report $(DEMO)/archive -o $(DEMO)/report.html --kpi examples/kpi.csv --by country,customer_type
	@$(MAKE) --no-print-directory open-demo

# Opens the report where there is a display, and says where everything lies in any case.
.PHONY: open-demo
open-demo:
	@echo "Scored comments: $(DEMO)/feedback.scored.csv and $(DEMO)/feedback.scored.parquet"
	@echo "Report of half a year of comments (examples/archive.csv): $(DEMO)/report.html"
	@if [ "$$(uname)" = Darwin ]; then open $(DEMO)/report.html || true; \
	elif [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ] && command -v xdg-open >/dev/null; then xdg-open $(DEMO)/report.html || true; fi

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

test-full: lint $(VENV)/.full
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --cov -n 2 --dist loadfile
	$(BIN)/python -m pytest --cov --cov-append -m full

test-faults: $(VENV)/.full
	$(BIN)/python -m pytest tests/faults -m "" -rP --show-capture=stdout

benchmark: $(VENV)/.train
	$(BIN)/python -m benchmarks.quality
	$(BIN)/python -m benchmarks.branches
	$(BIN)/python -m benchmarks.robustness
	$(BIN)/python -m benchmarks.invariance
	$(MAKE) benchmark-touchpoints
	$(MAKE) benchmark-speed
	$(MAKE) benchmark-archive
	$(BIN)/python -m benchmarks.training_speed

benchmark-language: $(VENV)/.peers
	$(BIN)/python -m benchmarks.language

benchmark-touchpoints: $(VENV)/.train
	$(BIN)/python -m benchmarks.touchpoints

benchmark-speed: $(VENV)/.peers
	$(BIN)/python -m benchmarks.speed
	MALLOC_ARENA_MAX=2 $(BIN)/python -m benchmarks.scaling

benchmark-archive: $(VENV)/.full
	$(BIN)/python -m benchmarks.archive

RESULTS := benchmarks/results/models

benchmark-models: $(VENV)/.models
	$(BIN)/cxsentiment benchmark run -o $(RESULTS) --contender default
	$(BIN)/cxsentiment benchmark run -o $(RESULTS) --contender lexicon
	$(BIN)/cxsentiment benchmark run -o $(RESULTS) --contender linear
	$(BIN)/cxsentiment benchmark run -o $(RESULTS) --contender embedding --train-per-set 1000
	for name in lingua langdetect py3langid; do $(BIN)/cxsentiment benchmark run -o $(RESULTS) --contender language:$$name --task language || exit 1; done
	$(BIN)/cxsentiment benchmark leaderboard $(RESULTS)/*.json -o $(RESULTS)/leaderboard.html

clean:
	rm -rf $(VENV) $(DEMO) build dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The second way is for systems whose python3 comes without ensurepip.
$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	@echo "Creating $(VENV) and installing into it (some minutes the first time)"
	@$(PYTHON) -m venv --clear $(VENV) 2>/dev/null || { \
		$(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }

# Stamps: nothing is installed again while what the package is built from stays as it is.
BUILT_FROM := pyproject.toml constraints.txt hatch_build.py $(wildcard cxsentiment/encoder/kernels*.[ch])

$(VENV)/.runtime: $(VENV)/pyvenv.cfg $(BUILT_FROM)
	$(INSTALL) -e .
	@touch $@

$(VENV)/.report: $(VENV)/pyvenv.cfg $(BUILT_FROM)
	$(INSTALL) -e '.[report]'
	@touch $@ $(VENV)/.runtime

$(VENV)/.dev: $(VENV)/pyvenv.cfg $(BUILT_FROM)
	$(INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/.report $(VENV)/.runtime

$(VENV)/.train: $(VENV)/.dev
	$(INSTALL) -e '.[dev,train]'
	@touch $@

$(VENV)/.models: $(VENV)/.dev
	$(INSTALL) -e '.[dev,benchmark,peers]'
	@touch $@

$(VENV)/.full: $(VENV)/.train
	$(INSTALL) -e '.[dev,train,ray,spark]'
	@touch $@

$(VENV)/.peers: $(VENV)/.train
	$(INSTALL) -e '.[dev,train,peers]'
	@touch $@
