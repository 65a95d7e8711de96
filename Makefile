# The same steps on a laptop and in CI. README.md says what to type on Windows instead.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -c constraints.txt
JOBS ?= 2

# One stamp says that the program is installed, the other that the tools to work on it are, too.
RUNTIME := $(VENV)/.runtime
TOOLS := $(VENV)/.tools

# On Linux the default torch brings gigabytes of CUDA; TORCH_INDEX=URL of PyTorch's CPU index spares them.
TORCH_INDEX ?=

.PHONY: help demo setup test gallery judge check constraints clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## install what is needed and compose a jig into out/
	$(BIN)/partimento compose "a lively jig in D major, 6/8, for flute and guitar, 16 bars" --seed 7 --out out/jig
	@echo "The jig is here:" && ls -1 out/jig.*

setup: $(TOOLS) ## install the program and the tools to work on it

test: $(TOOLS) ## run the tests
	$(BIN)/pytest -n $(JOBS) --dist worksteal

gallery: $(TOOLS) ## compose the ten pieces of docs/gallery.md anew
	$(BIN)/python benchmarks/gallery/make.py

judge: $(TOOLS) ## compare our notes with those of other programs, over PARTIMENTO_DATA
	$(BIN)/python benchmarks/judge/judge.py --jobs $(JOBS) --results benchmarks/judge/results.json

check: $(TOOLS) ## formatting, lint, types, direction of imports, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "formatting, lint, types, imports and docs are in order"

constraints: $(TOOLS) ## write constraints.txt from what is installed
	@{ head -n 2 constraints.txt; \
	  $(BIN)/python -m pip freeze --all --exclude-editable --exclude pip | sed 's/+cpu$$//'; } > constraints.new
	@mv constraints.new constraints.txt && touch $(RUNTIME) $(TOOLS)

clean: ## remove the environment, caches and built files; out/, runs/ and datasets/ stay
	rm -rf $(VENV) build dist site .hypothesis .import_linter_cache .pytest_cache .ruff_cache
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(RUNTIME): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit(f"Python 3.11, 3.12 or 3.13 is needed, this is {v[0]}.{v[1]}: make PYTHON=python3.11")'
	@echo "Installing into $(VENV); this takes a minute or two ..."
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(PIP) -e '.[text]'
# Its metadata asks for pyaudio, which needs a C library and is never used here.
	$(PIP) --no-deps tinysoundfont
	@touch $@

$(TOOLS): $(RUNTIME)
	$(PIP) -e '.[dev]'
	@touch $@
