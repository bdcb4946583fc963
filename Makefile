# Few commands, the same for people and for CI.

PYTHON  ?= python3
WORKERS ?=
VENV    := .venv
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.installed
CODE    := operator tests demo testbed bench docsite charts

.DEFAULT_GOAL := help
# Whatever has a help text is a command, not a file.
.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.*\#\# .*/\1/p' Makefile)

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP) ## A model's life on a real cluster: deployed, improved, and a bad version taken back
	$(BIN)/python -m demo

test: check ## Everything but e2e-gateway, e2e-helm and e2e-browser: checks, unit, stories, contracts, end to end on a real cluster
	$(BIN)/python -m testbed up
	$(BIN)/pytest -n 3 -m "not gateway and not helm and not browser and not production"

check: $(STAMP) ## Lint, types, contracts between the layers, generated files current
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/mypy tests demo testbed bench docsite charts
	$(BIN)/lint-imports
	$(BIN)/pytest --quiet tests/unit/cli/test_schema.py

unit: $(STAMP) ## The tests that need neither cluster nor network
	$(BIN)/pytest tests/unit tests/stories

# Seeds and mutants hold promises, not lines, and would take as long as all the rest under a tracer.
coverage: $(STAMP) ## Line coverage of the tests that need no cluster: core 100 %, the package 95 %
	rm -rf build/coverage
	$(BIN)/coverage run -m pytest -n 2 -m "not cluster and not gateway and not helm and not browser and not production" tests/unit tests/stories tests/contract \
		--ignore tests/stories/test_promises.py --ignore tests/stories/test_mutations.py
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include '*/podium/core/*' --fail-under 100
	$(BIN)/coverage report --fail-under 95

e2e: $(STAMP) ## The tests on the real cluster
	$(BIN)/python -m testbed up
	$(BIN)/pytest -m "not gateway and not helm and not browser and not production" tests/contract tests/e2e

e2e-gateway: $(STAMP) ## The tests that need Envoy Gateway on the real cluster; builds it, for minutes the first time
	$(BIN)/python -m testbed up
	$(BIN)/python -m testbed gateway
	$(BIN)/pytest -m gateway

e2e-helm: $(STAMP) ## The tests of the chart by the real Helm; builds it, for minutes the first time
	$(BIN)/python -m testbed up
	$(BIN)/python -m testbed.helm
	$(BIN)/pytest -m helm

e2e-production: $(STAMP) ## MLflow on PostgreSQL and S3, on this machine and on the cluster; builds the S3 server the first time
	$(BIN)/python -m testbed up
	$(BIN)/python -m testbed.s3
	$(BIN)/pytest -m production

e2e-browser: $(STAMP) ## The page in the cluster, by buttons in Debian's Chromium and with axe: four minutes
	$(BIN)/python -m testbed up
	$(BIN)/pytest -m browser

cluster-up: $(STAMP) ## A real Kubernetes cluster (kind) for tests and the demo; WORKERS=2 for more nodes
	$(BIN)/python -m testbed up --workers $(WORKERS)

cluster-down: $(STAMP) ## Remove the cluster and everything that belongs to it
	$(BIN)/python -m testbed down

bench-serving: $(STAMP) ## The model server beside MLflow's own: speed, latency, memory
	$(BIN)/python -m bench.serving

bench-parity: $(STAMP) ## The model server's answers beside those of MLflow's own, over 150 models of 36 flavours and kinds of output
	$(BIN)/python -m bench.parity

bench-overload: $(STAMP) ## The model server at twice the rate that it can sustain, for a minute
	$(BIN)/python -m bench.serving.overload

bench-hostile: $(STAMP) ## The model server under 100,000 hostile bodies and 2,000 hostile connections
	$(BIN)/python -W ignore -m bench.serving.hostile

bench-reload: $(STAMP) ## 1,000 reloads in place of the model server under 200 requests a second
	$(BIN)/python -m bench.serving.reloads

bench-judgement: $(STAMP) ## The judge's error rates and speed, by simulation, beside fixed windows
	$(BIN)/python -m bench.judgement

bench-promises: $(STAMP) ## The promises under disorder: 10,000 seeds of the simulated world
	$(BIN)/python -m bench.promises

bench-faults: $(STAMP) ## One and two faults at every call of whole rollouts: 100,000 cases of the simulated world
	$(BIN)/python -m bench.faults

bench-mutation: $(STAMP) ## How many changes of the decision and of the reconcile the tests notice; some hours for all
	$(BIN)/python -m bench.mutation

bench-rollback: $(STAMP) ## How soon a version that turns bad is out of the traffic, on a real cluster
	$(BIN)/python -m bench.rollback

bench-harmless: $(STAMP) ## How many users a bad version fails while it is found, on a real cluster: three quarters of an hour
	$(BIN)/python -m bench.harmless

bench-page: $(STAMP) ## The page of podium dashboard: bytes, seconds by the size of the fleet, and what viewers cost; two minutes
	$(BIN)/python -m bench.page

bench-models: $(STAMP) ## What each command of podium models takes on a registry of 500 versions: three minutes
	$(BIN)/python -m bench.models

bench-scale: $(STAMP) ## What 100, 1,000 and 3,000 resting ModelDeployments cost the operator, an API server and MLflow
	$(BIN)/python -m bench.scale

bench-walks: $(STAMP) ## 300 generated changes of specs, valid and invalid, on a real cluster: a quarter of an hour
	$(BIN)/python -m bench.walks

bench-traffic: $(STAMP) ## What clients behind a gateway feel of rollouts, on a real cluster: takes an hour
	$(BIN)/python -m testbed up
	$(BIN)/python -m testbed gateway
	$(BIN)/python -m bench.traffic

crds: $(STAMP) ## Write the CRDs, the JSON Schemas and the reference from the models in operator/podium/api
	$(BIN)/podium schema crd > crds/podium.dev_modeldeployments.yaml
	$(BIN)/podium schema crd --kind Provider > crds/podium.dev_providers.yaml
	$(BIN)/podium schema crd --kind Alert > crds/podium.dev_alerts.yaml
	$(BIN)/podium schema crd --kind PodiumPolicy > crds/podium.dev_podiumpolicies.yaml
	$(BIN)/python -m charts
	$(BIN)/podium schema json > schemas/modeldeployment.json
	$(BIN)/podium schema json --kind Provider > schemas/provider.json
	$(BIN)/podium schema json --kind Alert > schemas/alert.json
	$(BIN)/podium schema json --kind PodiumPolicy > schemas/podiumpolicy.json
	$(BIN)/podium schema admission > manifests/admission/policy.yaml
	$(BIN)/podium schema events > schemas/cloudevents.json
	$(BIN)/podium schema markdown > docs/reference.md

charts: $(STAMP) ## Write the Helm chart, charts/podium, from manifests/
	$(BIN)/python -m charts

docs: $(STAMP) ## Write the generated pages, and build the documentation site into build/docs
	$(BIN)/python -m docsite
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

format: $(STAMP) ## Format the code
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate

lock: $(STAMP) ## Write the locks in requirements/ from pyproject.toml
	$(LOCK) --extra dev pyproject.toml -o requirements/dev.txt
	$(LOCK) -c requirements/dev.txt --extra operator pyproject.toml -o requirements/operator.txt
	$(LOCK) -c requirements/dev.txt --extra runtime --extra grpc --extra zstd --extra otel --extra uvicorn --extra sklearn pyproject.toml -o requirements/runtime.txt
	$(LOCK) -c requirements/dev.txt --extra cli --extra dashboard pyproject.toml -o requirements/page.txt
	$(LOCK) -c requirements/dev.txt --extra mlflow-server pyproject.toml -o requirements/mlflow.txt

clean: ## Remove the virtual environment and all caches of tools
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
