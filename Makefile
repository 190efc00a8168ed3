# make run   the dashboard, a worker and the MLflow UI, on PORT and MLFLOW_PORT
# make quick the tests that need no Keras, no worker and no page
# make test  all tests
# Each makes the environment in .venv first, once.

VENV := .venv
PY := $(VENV)/bin/python

# The first Python from 3.11 to 3.13 that can make an environment; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null && echo $$p && break; done)

.PHONY: run quick test check lock screenshots bench clean

run: $(VENV)/.installed
	@$(PY) -m dashboard

quick: $(VENV)/.installed-dev
	$(PY) -m pytest --quick -n auto --dist loadfile

test: $(VENV)/.installed-dev
	$(PY) -m pytest -n auto --dist loadfile

check: $(VENV)/.installed-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m deptry .

screenshots: $(VENV)/.installed-dev
	$(PY) scripts/screenshots.py

bench: $(VENV)/.installed-dev
	$(PY) -m benchmarks

$(PY):
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 with venv is needed; \
	install one, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Compiled at install: where PYTHONDONTWRITEBYTECODE is set, imports would stay slow for ever.
$(VENV)/.installed: requirements.txt | $(PY)
	$(PY) -m pip install --no-compile --quiet -r requirements.txt
	-$(PY) -m compileall -q -j 0 $(VENV)/lib > /dev/null
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt | $(PY)
	$(PY) -m pip install --no-compile --quiet -r requirements-dev.txt
	-$(PY) -m compileall -q -j 0 $(VENV)/lib > /dev/null
	@touch $@ $(VENV)/.installed

# Pins requirements*.txt from requirements*.in, for all platforms and Pythons at once.
LOCK := $(PY) -m uv pip compile --universal --python-version 3.11 --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --quiet
lock: $(VENV)/.installed-dev
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements.in requirements-postgres.in requirements-dev.in -o requirements-dev.txt
	( grep -v '^tensorflow' requirements.in; \
	  echo 'tensorflow>=2.21,<2.22'; \
	  echo 'tensorflow[and-cuda]; sys_platform == "linux"' ) | \
	  $(LOCK) - -c requirements.txt -o requirements-gpu.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
