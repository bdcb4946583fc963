"""MLflow's JSON forms, to which every protocol here is translated: by the plan, or else by MLflow's own functions."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

import pandas as pd
from mlflow.pyfunc import scoring_server
from mlflow.pyfunc.utils.serving_data_parser import is_unified_llm_input

from podium.runtime.faults import RequestFault
from podium.runtime.prediction.model import Model, Query
from podium.runtime.prediction.plan import Rows
from podium.runtime.prediction.scoring import Ask, Scorer, Write
from podium.runtime.prediction.signature import explain, kind, listed, named
from podium.runtime.settings import ExtraColumns

_ALLOWED = "PODIUM_EXTRA_COLUMNS=ignore allows it"
FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def ask_payload(parsed: Any, scorer: Scorer, write: Write) -> Ask:
    """Return what a translated body asks; only what is quick is done at once."""
    rows = planned(parsed, scorer.model)
    if rows is not None:
        return Ask(rows=rows, write=write)
    return Ask(work=lambda: scorer.answer_query(read_payload(parsed, scorer.model), write), planned=False)


def planned(parsed: Any, model: Model) -> Rows | None:
    """Return the rows of a body that the model's plan can express, or None."""
    if model.plan is None or type(parsed) is not dict or len(parsed) != 1:
        return None
    ((form, value),) = parsed.items()
    return model.plan.rows(form, value)


def read_payload(parsed: Any, model: Model) -> Query:
    """Read a body by MLflow's own functions.

    Raises RequestFault: it has no known form, or does not fit the signature.
    """
    if not isinstance(parsed, dict):
        raise RequestFault(f"expected a JSON object with one of {', '.join(FORMS)}, found {kind(parsed)}")
    if is_unified_llm_input(parsed):
        # MLflow's name, and MLflow's rule: such bodies are handed to the model as they are.
        data, params = scoring_server._split_data_and_params_for_llm_input(  # noqa: SLF001
            parsed, model.metadata.get_params_schema()
        )
        return Query(data, params, unwrapped=True)
    form = _form(parsed)
    params = parsed.get("params")
    if params is not None and not isinstance(params, dict):
        raise RequestFault(f"params: expected an object, found {kind(params)}")
    refuse_unknown_params(params or {}, model, "params")
    _refuse_incomplete_records(parsed[form], model)
    if form == "instances":
        _refuse_ragged_instances(parsed[form])
    data = _data(parsed[form], form, model)
    refuse_extra_columns(data, model)
    return Query(data, params)


def _form(parsed: dict[str, Any]) -> str:
    found = [form for form in FORMS if form in parsed]
    if len(found) != 1:
        raise RequestFault(f"expected exactly one of {', '.join(FORMS)}, found {', '.join(found) or 'none'}")
    return found[0]


def _refuse_incomplete_records(value: Any, model: Model) -> None:
    """Pandas would fill what a record leaves out with NaN, and the model would be blamed for what it makes of that."""
    schema = model.inputs
    if schema is None or not schema.has_input_names() or not isinstance(value, list):
        return
    required = schema.required_input_names()
    for row, record in enumerate(value):
        if isinstance(record, dict) and (missing := [name for name in required if name not in record]):
            raise RequestFault(f"row {row}: missing {named(missing)}")


def _refuse_ragged_instances(value: Any) -> None:
    """MLflow puts the values of each name side by side: a name that one row leaves out moves those below it up."""
    if not isinstance(value, list) or not value or not all(isinstance(row, dict) for row in value):
        return
    for row, record in enumerate(value):
        if differing := value[0].keys() ^ record.keys():
            raise RequestFault(f"row {row}: expected the columns of row 0, found another set: {named(differing)}")


def _data(value: Any, form: str, model: Model) -> Any:
    if model.metadata._is_signature_from_type_hint():  # noqa: SLF001  as MLflow's server asks it
        if form != "inputs":
            raise RequestFault(f"this model's signature comes from type hints: expected inputs, found {form}")
        return value
    try:
        return scoring_server.infer_and_parse_data({form: value}, model.inputs)
    except Exception as error:
        raise RequestFault(_problem(value, form, model, error)) from error


def _problem(value: Any, form: str, model: Model, error: Exception) -> str:
    """Say what is wrong without quoting the data, as MLflow's own messages do."""
    try:
        frame = _untyped(value, form)
    except Exception:  # noqa: BLE001  pandas fails in many ways on what is no table
        return f"{form}: this is not what MLflow means by it ({type(error.__context__ or error).__name__})"
    return explain(frame, model.inputs, error)


def _untyped(value: Any, form: str) -> pd.DataFrame:
    if form == "dataframe_split":
        return pd.DataFrame(value["data"], columns=value.get("columns"), dtype=object)
    return pd.DataFrame(value, dtype=object)


def refuse_twins(names: Collection[Any], where: str) -> None:
    """Raises RequestFault: a name is there twice, of which MLflow would silently take one."""
    if len(set(names)) == len(names):
        return
    if twins := [name for name, count in Counter(names).items() if count > 1]:
        raise RequestFault(f"{where}: given twice: {named(twins)}")


def refuse_unknown_params(params: Iterable[str], model: Model, where: str) -> None:
    """Raises RequestFault: the signature does not know a param, and the setting says to refuse those."""
    schema = model.metadata.get_params_schema()
    known = [] if schema is None else [spec.name for spec in schema.params]
    if model.extra_columns is ExtraColumns.REFUSE and (unknown := [name for name in params if name not in known]):
        expected = f"expected {listed(known, 'or')}" if known else "expected none, as this model takes no params"
        raise RequestFault(f"{where}: {expected}, found {listed(unknown)} ({_ALLOWED})")


def refuse_extra_columns(data: Any, model: Model) -> None:
    """Raises RequestFault: the signature does not know a column, or a key, and the setting says to refuse those."""
    schema = model.inputs
    if model.extra_columns is not ExtraColumns.REFUSE or schema is None or not schema.has_input_names():
        return
    if not isinstance(data, (pd.DataFrame, dict)):
        return
    found: list[Any] = list(data.columns if isinstance(data, pd.DataFrame) else data)
    known = {str(name) for name in schema.input_names()}  # names may be numbers, which CSV and JSON do not have
    missing = {str(name) for name in schema.required_input_names()} - {str(name) for name in found}
    if not missing and (extra := [name for name in found if str(name) not in known]):
        raise RequestFault(f"not in the model's signature: {named(extra)} ({_ALLOWED})")
