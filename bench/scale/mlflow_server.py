"""An MLflow server in memory that counts what it is asked: registered models with one version each."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from aiohttp import web

_API: Final = "/api/2.0/mlflow/"
_ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts"
_SEARCH: Final = "registered-models/search"
_BEGAN: Final = 1767603600000  # milliseconds


class MlflowServer:
    """Registered models by name; each has one version, which was logged by one run."""

    def __init__(self, models: Iterable[str], files: Mapping[str, bytes]) -> None:
        self.requests: Counter[str] = Counter()
        self._models: dict[str, dict[str, str]] = {model: {} for model in models}  # name -> aliases
        self._tags: dict[str, dict[str, str]] = {}  # of each version
        self._claims: dict[str, dict[str, str]] = {}  # tags of each model
        self._files = files

    def first_questions(self) -> int:
        """Requests for single models, versions and runs: not those of the poll, which goes on at rest."""
        return sum(count for path, count in self.requests.items() if path != _SEARCH)

    def point(self, model: str, alias: str, version: str) -> None:
        """Set an alias."""
        self._models[model][alias] = version

    def application(self) -> web.Application:
        """What is served."""
        app = web.Application()
        app.add_routes([web.route("*", "/{path:.*}", self._answer)])
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path
        self.requests[path.removeprefix(_API).partition("/m-")[0]] += 1
        if path.startswith(_ARTIFACTS):
            return self._artifacts(path, request.query.get("path", ""))
        name, doing = request.query.get("name", ""), path.removeprefix(_API)
        if doing == _SEARCH:
            return web.json_response(self._search(request.query))
        if doing == "registered-models/alias":
            body = await request.json()
            self.point(body["name"], body["alias"], body["version"])
        if doing == "model-versions/set-tag":
            body = await request.json()
            self._tags.setdefault(body["name"], {})[body["key"]] = body["value"]
        if doing == "registered-models/set-tag":
            body = await request.json()
            self._claims.setdefault(body["name"], {})[body["key"]] = body["value"]
        answers: dict[str, Callable[[], dict[str, Any]]] = {
            "registered-models/get": lambda: {"registered_model": self._model(name)},
            "registered-models/alias": dict,
            "registered-models/set-tag": dict,
            "model-versions/get": lambda: {"model_version": self._version(name)},
            "model-versions/get-download-uri": lambda: {"artifact_uri": f"mlflow-artifacts:/{name}"},
            "model-versions/set-tag": dict,
            "runs/get": lambda: {"run": {"info": {"run_id": request.query["run_id"]}, "data": {}}},
        }
        if doing not in answers or (name and name not in self._models):
            missing = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"{path} {name} not found"}
            return web.json_response(missing, status=404)
        return web.json_response(answers[doing]())

    def _search(self, query: Mapping[str, str]) -> dict[str, Any]:
        listed, begin = sorted(self._models), int(query.get("page_token") or "0")
        end = begin + int(query.get("max_results") or "100")
        token = {"next_page_token": str(end)} if end < len(listed) else {}
        return {"registered_models": [self._model(each) for each in listed[begin:end]], **token}

    def _model(self, name: str) -> dict[str, Any]:
        aliases = [{"alias": alias, "version": version} for alias, version in self._models[name].items()]
        times = {"creation_timestamp": _BEGAN, "last_updated_timestamp": _BEGAN}
        tags = [{"key": key, "value": value} for key, value in self._claims.get(name, {}).items()]
        return {"name": name, **times, "aliases": aliases, "tags": tags, "latest_versions": [self._version(name)]}

    def _version(self, name: str) -> dict[str, Any]:
        times = {"creation_timestamp": _BEGAN, "last_updated_timestamp": _BEGAN}
        tags = [{"key": key, "value": value} for key, value in self._tags.get(name, {}).items()]
        run = {"source": f"mlflow-artifacts:/{name}", "run_id": f"run-of-{name}"}
        return {"name": name, "version": "1", "status": "READY", "tags": tags, **run, **times}

    def _artifacts(self, path: str, folder: str) -> web.Response:
        if path == _ARTIFACTS:
            files = [{"path": each, "is_dir": False, "file_size": 1} for each in self._files] if folder else []
            return web.json_response({"files": files})
        return web.Response(body=self._files[path.rpartition("/")[2]])
