"""MLflow's own protocol, `POST /invocations`, read and written by MLflow's own functions.

https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#inference-server-specification
"""

import json
from io import BytesIO
from typing import Any

import orjson
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server
from mlflow.pyfunc.utils.serving_data_parser import is_unified_llm_input
from mlflow.utils.proto_json_utils import MlflowFailedTypeConversion

from podium.runtime.answers import jsonable
from podium.runtime.faults import RequestFault, WrongMediaType
from podium.runtime.model import Model, Query
from podium.runtime.signature import explain, kind

FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")
JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"


def read(body: bytes, content_type: str, model: Model) -> Query:
    """Turn a body into a Query.

    Raises RequestFault: the body is not of its media type, has no known form, or does not fit the signature.
    """
    kind_of_body = media_type(content_type)
    if kind_of_body == JSON:
        return read_json(parse_json(body), model)
    try:
        if kind_of_body == CSV:
            return Query(_read_csv(body, model))
        return Query(pd.read_parquet(BytesIO(body)))
    except (ValueError, OSError, MlflowException, pd.errors.ParserError) as error:
        raise RequestFault(f"the body cannot be read as {kind_of_body} ({type(error).__name__})") from error


def media_type(content_type: str) -> str:
    """Return the media type without parameters; a body without one is taken for JSON.

    Raises WrongMediaType: nobody here reads such bodies, or not in that charset.
    """
    kind_of_body, *parameters = [part.strip() for part in content_type.lower().split(";")]
    for parameter in parameters:
        if parameter not in {"", "charset=utf-8", 'charset="utf-8"'}:
            raise WrongMediaType(f"content-type: wanted no parameter but charset=utf-8, found {parameter[:80]!r}")
    if kind_of_body not in {JSON, CSV, PARQUET, ""}:
        raise WrongMediaType(f"content-type: wanted one of {JSON}, {CSV}, {PARQUET}, found {kind_of_body[:80]!r}")
    return kind_of_body or JSON


def parse_json(body: bytes) -> Any:
    """Parse JSON. Python's NaN and Infinity are taken as MLflow takes them, by its parser, where orjson's says no."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        problem = f"the body is not valid JSON: {error.msg}: line {error.lineno} column {error.colno}"
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestFault(problem) from error


def read_json(parsed: Any, model: Model) -> Query:
    if not isinstance(parsed, dict):
        raise RequestFault(f"wanted a JSON object with one of {', '.join(FORMATS)}, found {kind(parsed)}")
    if is_unified_llm_input(parsed):
        # MLflow's name, and MLflow's rule: such bodies are handed to the model as they are.
        data, params = scoring_server._split_data_and_params_for_llm_input(  # noqa: SLF001
            parsed, model.metadata.get_params_schema()
        )
        return Query(data, params, unwrapped=True)
    form = the_form(parsed)
    params = parsed.get("params")
    if params is not None and not isinstance(params, dict):
        raise RequestFault(f"params: wanted an object, found {kind(params)}")
    return Query(_data(parsed, form, model), params)


def the_form(parsed: dict[str, Any]) -> str:
    found = [form for form in FORMATS if form in parsed]
    if len(found) != 1:
        raise RequestFault(f"wanted exactly one of {', '.join(FORMATS)}, found {', '.join(found) or 'none'}")
    return found[0]


def _data(parsed: dict[str, Any], form: str, model: Model) -> Any:
    if model.metadata._is_signature_from_type_hint():  # noqa: SLF001  as MLflow's server asks it
        if form != "inputs":
            raise RequestFault(f"this model's signature comes from type hints: wanted inputs, found {form}")
        return parsed[form]
    try:
        return scoring_server.infer_and_parse_data({form: parsed[form]}, model.inputs)
    except MlflowFailedTypeConversion as error:
        raise RequestFault(explain(_frame(parsed[form], form), model.inputs, error)) from error
    except Exception as error:
        raise RequestFault(f"{form} cannot be read ({_why(error)})") from error


def _why(error: Exception) -> str:
    """MLflow's messages quote the data; the type of what went wrong below them does not."""
    return type(error.__context__ or error).__name__


def _frame(value: Any, form: str) -> pd.DataFrame:
    if form == "dataframe_split":
        return pd.DataFrame(value["data"], columns=value.get("columns"), dtype=object)
    return pd.DataFrame(value, dtype=object)


def _read_csv(body: bytes, model: Model) -> pd.DataFrame:
    return scoring_server.parse_csv_input(BytesIO(body), model.inputs)


def write(raw: Any, query: Query) -> bytes:
    """Write the answer as MLflow does."""
    predictions = jsonable(raw)
    return predictions if query.unwrapped else b'{"predictions": %b}' % predictions
